/** What /proc tells about processes and sockets. Where there is no /proc every answer is "unknown". */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** Variable that marks every process of a run, so that those which left their process group are found, too. */
export const RUN_VARIABLE = 'SRTCTL_RUN_ID';

const CONCURRENT_READS = 64;
const LISTEN = '0A';

/** Start time of a process in clock ticks since boot; with the pid it names one process for good. Null: gone, or unknown. */
export async function processStartTime(pid: number): Promise<number | null> {
  const stat = await readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the name in brackets and may hold anything; the start time is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) ? ticks : null;
}

/** Whether something of a process group runs; a process that has ended and that nobody has asked about yet does not count. */
export async function groupRuns(group: number): Promise<boolean> {
  let runs = false;
  let seen = false;
  await forEachProcess(async (pid) => {
    if (runs) return;
    const stat = await readOrNull(`/proc/${pid}/stat`);
    if (stat === null) return;
    seen = true;
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(pgrp) === group && state !== 'Z' && state !== 'X') runs = true;
  });
  return runs || !seen;
}

/** Changes with every boot of the machine. */
export async function bootId(): Promise<string | null> {
  return (await readOrNull('/proc/sys/kernel/random/boot_id'))?.trim() ?? null;
}

/** Command line for people, at most 120 characters; null: gone, or unknown. */
export async function commandOf(pid: number): Promise<string | null> {
  const words = (await readOrNull(`/proc/${pid}/cmdline`))?.split('\0').filter((word) => word !== '');
  if (words === undefined || words.length === 0) return null;
  const line = words.join(' ');
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}

/** Mark of the run that a process belongs to; null: none, or it cannot be seen. */
export async function runOf(pid: number): Promise<string | null> {
  const environment = await readOrNull(`/proc/${pid}/environ`);
  const entry = environment?.split('\0').find((variable) => variable.startsWith(`${RUN_VARIABLE}=`));
  return entry === undefined ? null : entry.slice(RUN_VARIABLE.length + 1);
}

/**
 * What marks the processes of a run. Not its identifier alone: two runs of one recipe, begun in the same second with different output
 * directories, have the same, and one must not end the other.
 */
export function markOf({ id, directory }: { readonly id: string; readonly directory: string }, launcher: 'local' | 'slurm'): string {
  return launcher === 'slurm' ? `${id} ${directory}` : `${id}@${directory}`;
}

/** Living processes that carry the mark of a run. */
export async function processesOfRun(mark: string): Promise<number[]> {
  const found: number[] = [];
  await forEachProcess(async (pid) => {
    if ((await runOf(pid)) === mark && (await processStartTime(pid)) !== null) found.push(pid);
  });
  return found;
}

/** Process that listens on an address (IPv4) and port, also through 0.0.0.0 or `::`. Null: unknown, for instance another user's. */
export async function findListener(address: string, port: number): Promise<number | null> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const row of ((await readOrNull(table)) ?? '').split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
      if (state === LISTEN && local !== undefined && inode !== undefined && covers(local, address, port)) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return null;
  let owner: number | null = null;
  await forEachProcess(async (pid) => {
    if (owner !== null) return;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!inodes.has(target)) continue;
      owner = pid;
      return;
    }
  });
  return owner;
}

/** `local` is `0100007F:1F40`: the bytes of the address in the order of the machine (little-endian), and the port, in hex. */
function covers(local: string, address: string, port: number): boolean {
  const [hex = '', hexPort = ''] = local.split(':');
  if (Number.parseInt(hexPort, 16) !== port) return false;
  if (/^0+$/.test(hex)) return true;
  const reversed = address.split('.').reverse();
  const wanted = reversed.map((byte) => Number(byte).toString(16).padStart(2, '0').toUpperCase()).join('');
  // An IPv4 address in the table of IPv6 ends with its bytes: ::ffff:127.0.0.1.
  return hex === wanted || hex === `0000000000000000FFFF0000${wanted}`;
}

/** Pids of every process of the machine. Empty where there is no /proc. */
export async function livingProcesses(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function forEachProcess(visit: (pid: number) => Promise<void>): Promise<void> {
  const pids = await livingProcesses();
  for (let at = 0; at < pids.length; at += CONCURRENT_READS) await Promise.all(pids.slice(at, at + CONCURRENT_READS).map(visit));
}

/** Processes come and go, and those of others are closed to us: what cannot be read is unknown. */
async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return null;
  }
}
