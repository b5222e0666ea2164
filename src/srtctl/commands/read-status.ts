/** How a run stands, from its directory. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../base/core/clock.ts';
import { bootId, processStartTime } from '../launch/proc.ts';
import type { RunPaths, StatusFile } from '../supervise/run-directory.ts';

/** Null: it has none yet. */
export async function readStatus(paths: RunPaths): Promise<StatusFile | null> {
  try {
    return JSON.parse(await readFile(paths.status, 'utf8')) as StatusFile;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether its supervisor is gone without having ended it (killed, machine restarted). False where that cannot be known from here. */
async function isAbandoned(status: StatusFile): Promise<boolean> {
  const { pid, startTime, host, bootId: boot } = status.supervisor;
  if (status.state === 'ended' || host !== hostname() || startTime === null) return false;
  if (boot !== null && boot !== (await bootId())) return true;
  return (await processStartTime(pid)) !== startTime;
}

/** A supervisor writes the last status a moment before it is gone: what is read after it is gone counts. */
export async function readSettledStatus(paths: RunPaths): Promise<{ readonly status: StatusFile | null; readonly isAbandoned: boolean }> {
  const status = await readStatus(paths);
  if (status === null || !(await isAbandoned(status))) return { status, isAbandoned: false };
  const again = await readStatus(paths);
  return { status: again, isAbandoned: again !== null && (await isAbandoned(again)) };
}

const POLL_MS = 200;

/** Resolves after a moment; the files of a run are looked at so often. */
export function nextLook(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(POLL_MS, resolve));
}
