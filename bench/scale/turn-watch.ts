/**
 * Loaded into the router with --import: finds the longest turn of its event loop, in CPU time of its main thread, so that the load of the
 * machine does not count. A timer looks every few milliseconds; what the thread has used between two looks is one turn at least, and one
 * turn and the time between two looks at most.
 *
 *   TURNS_FILE: one line a second is appended: wall-clock ms, longest so far in that second in ms
 */
import { appendFileSync, readFileSync } from 'node:fs';

const FILE = process.env['TURNS_FILE'] ?? '';
const LOOK_MS = 4;
const LINE_MS = 1000;

/** CPU time of the main thread, ns. Source: proc(5), schedstat. */
function usedNs(): number {
  return Number(readFileSync('/proc/self/task/'.concat(String(process.pid), '/schedstat'), 'latin1').split(' ')[0]);
}

let last = usedNs();
let longest = 0;
let lineAtMs = Date.now();

setInterval(() => {
  const used = usedNs();
  longest = Math.max(longest, used - last);
  const nowMs = Date.now();
  if (nowMs - lineAtMs >= LINE_MS) {
    appendFileSync(FILE, `${nowMs} ${longest / 1e6}\n`);
    longest = 0;
    lineAtMs = nowMs;
  }
  // The line itself is no turn of the router.
  last = usedNs();
}, LOOK_MS).unref();
