/** `srtctl cancel --force`: ends a run by the mark of its processes, whatever became of its supervisor and its files. */
import { hostname } from 'node:os';
import { endMarked } from '../launch/marked.ts';
import { bootId, markOf, processStartTime } from '../launch/proc.ts';
import { everyNode } from '../slurm/bind-nodes.ts';
import { type SlurmCommands, slurmCommands } from '../slurm/slurm-commands.ts';
import { readSwept, sweepArgv } from '../slurm/sweep-script.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { endJob } from './cancel-job.ts';
import type { CommandContext } from './command-context.ts';
import type { FoundRun } from './find-runs.ts';
import { readStatus } from './read-status.ts';
import { marksOf } from './run-watch.ts';

const SWEEP_MS = 20_000;

/** SIGKILL, if it runs on this machine: the guard, or SLURM, ends what it started. False: it does not. */
export async function killSupervisor({ paths, job }: FoundRun): Promise<boolean> {
  const supervisor = (await readStatus(paths))?.supervisor ?? job.supervisor;
  if (supervisor == null || supervisor.startTime === null || supervisor.host !== hostname()) return false;
  if (supervisor.bootId !== null && supervisor.bootId !== (await bootId())) return false;
  // The same number may be another process by now.
  if ((await processStartTime(supervisor.pid)) !== supervisor.startTime) return false;
  try {
    return process.kill(supervisor.pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Returns the exit code. */
export async function forceEnd(run: FoundRun, context: CommandContext): Promise<number> {
  const { id, launcher } = run.job;
  if (await killSupervisor(run)) context.out(`${id}: its supervisor was killed\n`);
  if (launcher === 'slurm') {
    const commands = slurmCommands({ ...context.env });
    const swept = await sweepNodes(run, commands);
    await endJob(run, commands);
    for (const words of swept) context.out(`${id}: ${words}\n`);
    context.out(`${id}: SLURM was told to end the job\n`);
  }
  const { ended, left } = await endMarked(marksOf(run), context.clock);
  for (const words of ended) context.out(`${id}: ended ${words}\n`);
  for (const { pid, command } of left) context.err(`${id}: pid ${pid} (${command}) could not be ended\n`);
  if (left.length > 0) return EXIT_CODES.running;
  context.out(`${id}: no process with its mark is left ${launcher === 'slurm' ? 'where its nodes answer' : 'on this machine'}\n`);
  return EXIT_CODES.ok;
}

/** As long as the job lasts its nodes can be reached through it. */
async function sweepNodes({ job: { id }, paths: { directory } }: FoundRun, commands: SlurmCommands): Promise<readonly string[]> {
  const { code, stdout } = await commands.run(['squeue', '-h', '-j', id, '-t', 'running', '-o', '%N']);
  if (code !== 0 || stdout.trim() === '') return [];
  const hosts = await commands.run(['scontrol', 'show', 'hostnames', stdout.trim()]);
  const names = hosts.stdout.split('\n').filter((name) => name !== '');
  if (hosts.code !== 0 || names.length === 0) return [];
  const argv = [...everyNode(id, names, 'srtctl-sweep'), ...sweepArgv(markOf({ id, directory }, 'slurm'), [])];
  return readSwept((await commands.run(argv, SWEEP_MS)).stdout);
}
