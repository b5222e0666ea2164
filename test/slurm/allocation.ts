/** Jobs of the test cluster that hold nodes and do nothing, for launching into them from a test; and what every test of SLURM begins with. */
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Launcher } from '../../src/srtctl/launch/launcher.ts';
import type { LaunchOptions } from '../../src/srtctl/launch/prepare-process.ts';
import { slurmLauncher } from '../../src/srtctl/slurm/slurm-launcher.ts';
import { type SlurmCluster, whyNoCluster } from './cluster.ts';

/** Text for `skip` of node:test; false: SLURM is there. In continuous integration a missing SLURM is a failure, unless TESTS_WITHOUT_SLURM is set. */
export async function skipWithoutSlurm(): Promise<string | false> {
  const why = await whyNoCluster();
  if (why === null) return false;
  if (process.env['CI'] !== undefined && process.env['TESTS_WITHOUT_SLURM'] === undefined)
    throw new Error(`continuous integration must run the tests of SLURM, and cannot: ${why}`);
  process.stderr.write(`\n*** THE TESTS OF SLURM ARE SKIPPED: ${why} ***\n\n`);
  return why;
}

export interface Allocation {
  readonly job: string;
  /** SLURM's names, in the job's order. */
  readonly nodes: readonly string[];
  /** For startRun. */
  readonly run: { readonly id: string; readonly launch: (options: LaunchOptions) => Launcher };
}

/** Waits for `nodes` nodes of its own; they are given back at the end of the test. `options`: more of sbatch's. */
export async function allocate(t: TestContext, cluster: SlurmCluster, nodes: number, options: readonly string[] = []): Promise<Allocation> {
  const job = await cluster.ask(
    ...['sbatch', '--parsable', '--no-requeue', '--no-kill', '--exclusive', '--mem=0', '--output=/dev/null', '--time=10'],
    ...[`--nodes=${nodes}`, `--ntasks=${nodes}`, '--ntasks-per-node=1', '--gpus-per-node=4', ...options, '--wrap=exec sleep 600'],
  );
  t.after(() => cluster.command(['scancel', job]));
  let list = '';
  for (const deadline = performance.now() + 90_000; list === ''; await sleep(100)) {
    const [state, names = ''] = (await cluster.ask('squeue', '-h', '-j', job, '-o', '%T|%N')).split('|');
    if (state === 'RUNNING') list = names;
    else if (performance.now() > deadline) throw new Error(`job ${job} is ${state} after 90 s`);
  }
  const names = (await cluster.ask('scontrol', 'show', 'hostnames', list)).split('\n');
  return { job, nodes: names, run: { id: job, launch: (local) => slurmLauncher(optionsFor(job, cluster, local)) } };
}

function optionsFor(job: string, cluster: SlurmCluster, local: LaunchOptions): Parameters<typeof slurmLauncher>[0] {
  return { ...local, job, environment: cluster.env, networkInterface: null, stepOptions: {}, excluded: null };
}
