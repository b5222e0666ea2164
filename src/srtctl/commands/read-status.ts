/** How a run stands, from its directory. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../base/core/clock.ts';
import { bootId, processStartTime } from '../launch/proc.ts';
import type { JobFile, RunPaths, StatusFile, SupervisorIdentity } from '../supervise/run-directory.ts';

export interface ReadStatus {
  /** Null: it has none yet, or none that can be read. */
  readonly status: StatusFile | null;
  /** Why the file that is there cannot be read; null: it can. */
  readonly damage: string | null;
}

/** Never rejects: a file that was cut, emptied or overwritten is damage. */
export async function readStatusFile(paths: RunPaths): Promise<ReadStatus> {
  let text: string;
  try {
    text = await readFile(paths.status, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { status: null, damage: code === 'ENOENT' ? null : `status.json is unreadable (${code})` };
  }
  const damage = damageOf(text);
  if (damage !== null) return { status: null, damage: `status.json is unreadable (${damage})` };
  return { status: JSON.parse(text) as StatusFile, damage: null };
}

/** Null: it has none that can be read. */
export async function readStatus(paths: RunPaths): Promise<StatusFile | null> {
  return (await readStatusFile(paths)).status;
}

function damageOf(text: string): string | null {
  const kind = damageOfJson(text);
  if (kind !== null) return kind;
  const { state, processes, supervisor, startedAt } = JSON.parse(text) as Partial<StatusFile>;
  const isWhole = typeof state === 'string' && Array.isArray(processes) && typeof supervisor === 'object' && typeof startedAt === 'string';
  return isWhole ? null : 'it is not a status';
}

/** Why a text is not a JSON object; null: it is one. */
export function damageOfJson(text: string): string | null {
  if (text.trim() === '') return 'empty';
  if (/^\0+$/.test(text)) return 'zeroed';
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'not an object';
  } catch {
    return 'cut or overwritten';
  }
}

/** False where it cannot be known from here: on another machine, or where there is no /proc. */
export async function isGone(supervisor: SupervisorIdentity | null | undefined): Promise<boolean> {
  if (supervisor === null || supervisor === undefined) return false;
  const { pid, startTime, host, bootId: boot } = supervisor;
  if (host !== hostname() || startTime === null) return false;
  if (boot !== null && boot !== (await bootId())) return true;
  return (await processStartTime(pid)) !== startTime;
}

export interface SettledStatus extends ReadStatus {
  /** Its supervisor is gone without having ended it (killed, machine restarted). */
  readonly isLost: boolean;
}

/** A run may be handed over to a supervisor in the background, which then writes its own identity. */
const HANDOVER_MS = 5000;

/**
 * A supervisor writes the last status a moment before it is gone: what is read after it is gone counts. `job`: as of job.json, which names
 * the supervisor before there is a status.
 */
export async function readSettledStatus(paths: RunPaths, job: Partial<JobFile>, nowMs: number): Promise<SettledStatus> {
  const look = async (): Promise<SettledStatus> => {
    const read = await readStatusFile(paths);
    if (read.status?.state === 'ended') return { ...read, isLost: false };
    if (read.status !== null) return { ...read, isLost: await isGone(read.status.supervisor) };
    const isYoung = nowMs - Date.parse(job.createdAt ?? '') < HANDOVER_MS;
    return { ...read, isLost: !isYoung && (await isGone(job.supervisor)) };
  };
  const first = await look();
  return first.isLost ? await look() : first;
}

const POLL_MS = 200;

/** Resolves after a moment; the files of a run are looked at so often. */
export function nextLook(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(POLL_MS, resolve));
}
