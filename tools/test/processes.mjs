// Finds and ends the processes that a test file has started. Tests start programs, which start programs, some as leaders of new sessions,
// and some outlive their parents. All inherit a mark in their environment, and most are still descendants of the test's process.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The variable that holds the mark. */
export const MARK = 'TEST_PROCESS_MARK';

const GRACE_MS = 3000;
const POLL_MS = 25;

/** All processes that this user can read; none on systems without /proc. */
function readProcesses(mark) {
  const found = new Map();
  let names = [];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {}
  for (const name of names) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const isMarked = readFileSync(`/proc/${name}/environ`, 'latin1')
        .split('\0')
        .some((entry) => entry.startsWith(`${MARK}=${mark}`));
      if (state !== 'Z') found.set(Number(name), { parent: Number(parent), session: Number(session), isMarked });
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
  return found;
}

/**
 * Ids of the processes that carry `mark`, descend from `root`, or share a session with one of these. The mark alone would miss nginx,
 * which overwrites its environment.
 */
export function processesOf(mark, root) {
  const all = readProcesses(mark);
  const found = new Set([...all].filter(([pid, { isMarked }]) => isMarked || pid === root).map(([pid]) => pid));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    const sessions = new Set([...found].map((pid) => all.get(pid)?.session).filter((session) => found.has(session) || session === root));
    for (const [pid, { parent, session }] of all) if (found.has(parent) || sessions.has(session)) found.add(pid);
  }
  found.delete(process.pid);
  return [...found];
}

/** The command line of a process, or an empty text. */
export function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // The process has ended meanwhile.
    }
  }
}

/**
 * Sends SIGTERM, and after `graceMs` SIGKILL until no process is left. `root` leads a process group, the only thing known on systems
 * without /proc; null: find processes by the mark alone.
 */
export async function endAll(mark, root, graceMs = GRACE_MS) {
  const group = root === null ? [] : [-root];
  const deadlineMs = performance.now() + graceMs;
  let left = processesOf(mark, root);
  signal([...group, ...left], 'SIGTERM');
  while (left.length > 0 && performance.now() < deadlineMs) {
    await sleep(POLL_MS);
    left = processesOf(mark, root);
  }
  // A process may start another one before it dies.
  while (left.length > 0) {
    signal(left, 'SIGKILL');
    await sleep(POLL_MS);
    left = processesOf(mark, root);
  }
  signal(group, 'SIGKILL');
}
