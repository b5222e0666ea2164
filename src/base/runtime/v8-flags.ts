/** Settings of the JavaScript engine for a process that relays: very many short-lived objects, little that stays. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Clock } from '../core/clock.ts';

/** Both halves of the young generation, as large as it gets. V8's own limit is twice as much. */
const YOUNG_BYTES = 16 * 1024 * 1024;
/** From the least, to which V8 shrinks it, in one step. */
const GROWTH = 8;
/** Between two looks at it: V8 could let it grow twice meanwhile. */
const WATCH_MS = 250;

/**
 * Collects the young generation on the main thread alone: there is so little alive in it that waking helper threads
 * costs more than the work (bench/race, 1.5 KB requests: a tenth less CPU).
 *
 * And lets it grow to YOUNG_BYTES and no further (measured after all workloads of the race: 25 MiB less memory, the same CPU).
 * V8 shrinks it to an eighth at the first collection after little was allocated for a while, and lets it grow when as much as
 * it holds has survived; so a look at its size now and then decides by how much it may:
 *
 *   small, GROWTH times ── under load ──> YOUNG_BYTES, no further ── idle, then load ──> small
 *
 * Where V8 does not know the flags nothing changes.
 */
export function tuneForRelaying(clock: Clock): void {
  setFlagsFromString('--no-parallel-scavenge');
  const watch = () => {
    // V8 gives back the half that is empty whenever it collects everything: that alone is no shrinking.
    setFlagsFromString(`--semi-space-growth-factor=${youngBytes() < YOUNG_BYTES / 2 ? GROWTH : 1}`);
    clock.after(WATCH_MS, watch);
  };
  watch();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? YOUNG_BYTES;
}
