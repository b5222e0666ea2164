/** Settings of the JavaScript engine for a process that relays: very many short-lived objects, few that survive. */
import { setFlagsFromString } from 'node:v8';

/** docs/decisions/garbage.md has the figures. */
export const RELAYING_FLAGS: readonly string[] = [
  // Collects the young generation on the main thread: so little of it survives that waking helper threads costs more than the work.
  '--no-parallel-scavenge',
  // Lets the young generation grow in one step. V8 shrinks it to an eighth when the router idles, and by default doubles it at most each
  // time as much as it holds has survived, which costs seconds of frequent collections under the next load.
  '--semi-space-growth-factor=8',
];

/** For the whole process. */
export function tuneForRelaying(): void {
  for (const flag of RELAYING_FLAGS) setFlagsFromString(flag);
}
