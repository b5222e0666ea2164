/** Stopping a run that is a job of SLURM. */
import type { SlurmCommands } from '../launch/slurm-commands.ts';
import { writeCancelFile } from '../supervise/cancel-file.ts';
import { removeHandover } from './handover.ts';
import type { WatchedRun } from './run-watch.ts';

/**
 * Asks the supervisor, which ends everything in order: only the batch script is signalled, so that no server hears of it before its turn.
 * Where SLURM cannot be reached the run directory carries the wish.
 */
export async function askJob({ job, paths }: WatchedRun, by: string, commands: SlurmCommands): Promise<void> {
  const { code, stderr } = await commands.run(['scancel', '--ctld', '--batch', '--signal=TERM', job.id]);
  if (code !== 0 && !/Invalid job id/.test(stderr)) await writeCancelFile(paths.cancel, by);
}

/** Ends a job that has not begun, or whose supervisor does not react: SLURM stops all of it at once. */
export async function endJob({ job, paths }: WatchedRun, commands: SlurmCommands): Promise<void> {
  await commands.run(['scancel', job.id]);
  await removeHandover(paths.directory);
}
