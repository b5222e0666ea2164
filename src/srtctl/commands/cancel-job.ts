/** Stopping a run that is a job of SLURM. */
import type { SlurmCommands } from '../slurm/slurm-commands.ts';
import { removeHandover } from './handover.ts';
import type { WatchedRun } from './run-watch.ts';

/** Asks the supervisor, which ends everything in order: only the batch script is signalled, so that no server hears of it before its turn. */
export async function askJob({ job }: WatchedRun, commands: SlurmCommands): Promise<void> {
  // Its status says nothing: it may complain of a signal that arrived.
  await commands.run(['scancel', '--ctld', '--batch', '--signal=TERM', job.id]);
}

/** Ends a job that has not begun, or whose supervisor does not react: SLURM stops all of it at once. */
export async function endJob({ job, paths }: WatchedRun, commands: SlurmCommands): Promise<void> {
  await commands.run(['scancel', job.id]);
  await removeHandover(paths.directory);
}
