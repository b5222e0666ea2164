/** Settings of the JavaScript engine for a process that relays: many short-lived small objects, little that stays. */
import { setFlagsFromString } from 'node:v8';

/**
 * Collects the young generation on the main thread alone. There is so little alive in it that waking helper threads
 * costs more than the work. Measured with bench/race, 1.5 KB requests: a tenth less CPU, and less memory.
 * Call before anything else; it holds for the whole process.
 */
export function tuneForRelaying(): void {
  setFlagsFromString('--no-parallel-scavenge');
}
