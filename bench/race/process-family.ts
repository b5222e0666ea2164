/** Reads /proc: which processes belong to a proxy, their ports, memory and threads. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

interface Kin {
  readonly parent: number;
  readonly group: number;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // The process has ended, or belongs to another user: then it is not one of the race.
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function allProcesses(): Map<number, Kin> {
  const all = new Map<number, Kin>();
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readText(`/proc/${name}/stat`);
    // The second field is the name in parentheses and may hold anything; count from its end.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state !== undefined && parent !== undefined && group !== undefined && state !== 'Z' && state !== '') {
      all.set(Number(name), { parent: Number(parent), group: Number(group) });
    }
  }
  return all;
}

/** `root`, its process group, and all that descend from it. */
export function familyOf(root: number): number[] {
  const all = allProcesses();
  const belongs = (start: number): boolean => {
    let pid = start;
    for (let generation = 0; generation < 20 && pid > 1; generation++) {
      if (pid === root || all.get(pid)?.group === root) return true;
      pid = all.get(pid)?.parent ?? 0;
    }
    return false;
  };
  return [...all.keys()].filter(belongs);
}

/** True if one of the processes listens on the TCP port. The race sends load nowhere else: other programs may run here. */
export function isListening(pids: readonly number[], port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readText(table).split('\n')) {
      const cells = line.trim().split(/\s+/);
      if (cells[3] === '0A' && cells[1]?.endsWith(suffix)) sockets.add(`socket:[${cells[9]}]`);
    }
  }
  const target = (path: string) => {
    try {
      return readlinkSync(path);
    } catch {
      return '';
    }
  };
  return pids.some((pid) => list(`/proc/${pid}/fd`).some((fd) => sockets.has(target(`/proc/${pid}/fd/${fd}`))));
}

/** Resident memory of all the processes, MiB. */
export function residentMib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0), 0) / 1024;
}

export function threadCount(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + list(`/proc/${pid}/task`).length, 0);
}
