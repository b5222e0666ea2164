/**
 * What the supervisor of a job needs and no file of a run may keep: the plan with its secrets. It lies in the run directory, for its owner's
 * eyes only (mode 0600), from the submission until the supervisor has read it, and goes with a job that is cancelled before it began.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/core/clock.ts';
import type { RunInput } from './create-run.ts';
import type { Allocation, LocalRun } from './run-locally.ts';

export interface Handover extends Omit<LocalRun, 'allocation'>, Omit<Allocation, 'job' | 'excluded'> {
  /** Before the end of the job's time. */
  readonly warningSeconds: number;
  /** Where the nodes have a directory of their own: what else belongs into it; null: it is there. */
  readonly run: Omit<RunInput, 'plan'> | null;
}

/** A shared file system shows new files late. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 200;

function handoverPath(directory: string): string {
  return path.join(directory, 'handover.json');
}

export async function writeHandover(directory: string, handover: Handover): Promise<void> {
  await writeFile(handoverPath(directory), JSON.stringify(handover), { mode: 0o600, flag: 'wx' });
}

/** Reads and removes it. Rejects when it is not there after a while. */
export async function takeHandover(directory: string, clock: Clock): Promise<Handover> {
  const deadlineMs = clock.nowMs() + PATIENCE_MS;
  for (;;) {
    try {
      const handover = JSON.parse(await readFile(handoverPath(directory), 'utf8')) as Handover;
      await removeHandover(directory);
      return handover;
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESTALE');
      if (!isMissing || clock.nowMs() >= deadlineMs) throw error;
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
    }
  }
}

export function removeHandover(directory: string): Promise<void> {
  return rm(handoverPath(directory), { force: true });
}
