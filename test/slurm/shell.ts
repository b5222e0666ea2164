/** srtctl as a person uses it on the test cluster: commands from shells of their own, in a directory with a cluster file. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOfRun } from '../../src/srtctl/launch/proc.ts';
import type { StatusFile } from '../../src/srtctl/supervise/run-directory.ts';
import { ROOT } from '../support/program.ts';
import { until } from '../support/until.ts';
import type { SlurmCluster } from './cluster.ts';

const CLUSTER_FILE = `
cluster: test
default_partition: batch
default_time_limit: "00:10:00"
container_runtime: none
use_segment_sbatch_directive: false
default_sbatch_directives:
  mem: "100"
`;

/** One worker behind one router on one node of its own. */
export const SMALL = `
name: small
model: { path: tiny }
resources: { gpus_per_node: 1, agg_nodes: 1, agg_workers: 1 }
backend:
  type: sim
  use_sglang_router: true
  enable_multiple_frontends: false
  sglang_config: { aggregated: { tensor-parallel-size: 1 } }
health_check: { interval_seconds: 1, max_attempts: 60 }
sbatch_directives: { exclusive: true }
`;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when its output holds it. */
  shows(pattern: RegExp): Promise<void>;
}

export class Shell {
  readonly directory: string;
  readonly #cluster: SlurmCluster;
  readonly #env: NodeJS.ProcessEnv;

  /** Its jobs are cancelled and its directory removed at the end of the test. `env`: on top of the cluster's. */
  static async open(t: TestContext, cluster: SlurmCluster, recipe = SMALL, env: NodeJS.ProcessEnv = {}): Promise<Shell> {
    const directory = await mkdtemp(join(tmpdir(), 'srtctl-slurm-'));
    await writeFile(join(directory, 'srtslurm.yaml'), CLUSTER_FILE);
    await writeFile(join(directory, 'recipe.yaml'), recipe);
    t.after(() => rm(directory, { recursive: true, force: true }));
    return new Shell(directory, cluster, env);
  }

  private constructor(directory: string, cluster: SlurmCluster, env: NodeJS.ProcessEnv) {
    this.directory = directory;
    this.#cluster = cluster;
    this.#env = env;
  }

  /** `prefix`: what runs it, such as script(1) for a terminal. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
    const { SRTSLURM_CONFIG: _, ...base } = this.#cluster.env;
    const child = spawn(process.execPath, [`${ROOT}dist/bin/srtctl.js`, ...args], {
      cwd: this.directory,
      env: { ...base, ...this.#env, ...env },
    });
    return follow(child, args.join(' '));
  }

  /** On a terminal of its own; what is written to stdin is typed. */
  startOnTerminal(args: readonly string[]): Started {
    const { SRTSLURM_CONFIG: _, ...base } = this.#cluster.env;
    const words = [process.execPath, `${ROOT}dist/bin/srtctl.js`, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', words, '/dev/null'], { cwd: this.directory, env: { ...base, ...this.#env, TERM: 'xterm' } });
    return follow(child, args.join(' '));
  }

  async run(...args: string[]): Promise<Ended> {
    const { child, ended } = this.start(args);
    child.stdin?.end();
    return await ended;
  }

  /** Submits, and cancels the job at the end of the test. */
  async submit(t: TestContext, ...more: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run('apply', '-f', 'recipe.yaml', '--json', ...more);
    if (code !== 0) throw new Error(`apply ended with ${code}: ${stderr}`);
    const { run } = JSON.parse(stdout) as { run: string };
    t.after(() => this.#cluster.command(['scancel', run]));
    return run;
  }

  async status(job: string): Promise<StatusFile> {
    return JSON.parse(await readFile(join(this.directory, 'outputs', job, 'status.json'), 'utf8')) as StatusFile;
  }

  /** Waits for one of the states. */
  async reached(job: string, ...states: StatusFile['state'][]): Promise<StatusFile> {
    for (const deadline = performance.now() + 60_000; ; await sleep(50)) {
      const status = await this.status(job).catch(() => null);
      if (status !== null && states.includes(status.state)) return status;
      if (status?.state === 'ended' || performance.now() > deadline)
        throw new Error(
          `job ${job} is ${status?.state ?? 'not begun'}: ${status?.report?.summary ?? (await this.run('status', job)).stdout}`,
        );
    }
  }

  /** Nothing of a run is left, or is gone soon: no step, no process, wherever it went. */
  async assertGone(job: string): Promise<void> {
    for (const deadline = performance.now() + 30_000; ; await sleep(100)) {
      const { stdout } = await this.#cluster.command(['squeue', '-h', '-s', '-j', job, '-o', '%i|%j']);
      const pids = await processesOfRun(`${job} ${join(this.directory, 'outputs', job)}`);
      if (stdout.trim() === '' && pids.length === 0) return;
      if (performance.now() > deadline) assert.fail(`left of job ${job}: ${stdout} ${pids.join(' ')}`);
    }
  }

  file(job: string, ...path: string[]): Promise<string> {
    return readFile(join(this.directory, 'outputs', job, ...path), 'utf8');
  }
}

function follow(child: ChildProcess, what: string): Started {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  // Whoever has ended takes no more input.
  child.stdin?.on('error', () => {});
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return {
    child,
    ended,
    shows: (pattern) =>
      until(
        () => pattern.test(stdout + stderr),
        () => `${what} to show ${pattern}: ${stdout}${stderr}`,
        60_000,
      ),
  };
}
