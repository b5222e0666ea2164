/** Settings of the JavaScript engine for a process that relays: very many short-lived objects, little that stays. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Clock } from '../core/clock.ts';

/** Both halves of the young generation. V8's own limit is four times as much, all of which a busy router would come to hold. */
const YOUNG_BYTES = 8 * 1024 * 1024;
/** Rounds of filling, about half a millisecond each; some twenty are needed. */
const MAX_ROUNDS = 200;
const OBJECTS_PER_ROUND = 2000;
const OBJECTS_KEPT = 30_000;
/** How often the size of the young generation is looked at. */
const WATCH_MS = 1000;
/** Between two rounds of filling while the router works. */
const PAUSE_MS = 10;

/**
 * Collects the young generation on the main thread alone: there is so little alive in it that waking helper threads
 * costs more than the work (bench/race, 1.5 KB requests: a tenth less CPU). And lets it grow to YOUNG_BYTES and no
 * further (measured after all workloads of the race: 25 MiB less memory, the same CPU). Growing it means filling it:
 * its size can be given on Node's command line only, which whoever starts the router should not need to know.
 * Takes about 10 ms; call it before anything else. Where V8 does not know the flags nothing changes.
 */
export function tuneForRelaying(): void {
  setFlagsFromString('--no-parallel-scavenge');
  const filling = new Filling();
  while (!filling.isDone) filling.round();
}

/**
 * V8 shrinks a process that idles for some 8 s to its least: the young generation to an eighth, to be collected eight times
 * as often under the next load (pairs of 1.5 KB requests: a fifth more CPU). Lets it grow again, a bit at a time.
 */
export function keepTuned(clock: Clock): void {
  const watch = () => {
    if (youngBytes() < YOUNG_BYTES) fill(new Filling());
    else clock.after(WATCH_MS, watch);
  };
  const fill = (filling: Filling) => {
    filling.round();
    if (filling.isDone) clock.after(WATCH_MS, watch);
    else clock.after(PAUSE_MS, () => fill(filling));
  };
  clock.after(WATCH_MS, watch);
}

/** Fills the young generation with what survives, which is when V8 lets it grow. */
class Filling {
  isDone: boolean = youngBytes() >= YOUNG_BYTES;
  #kept: number[][] = [];
  #rounds = 0;

  constructor() {
    setFlagsFromString('--semi-space-growth-factor=2');
  }

  round(): void {
    if (this.#kept.length > OBJECTS_KEPT) this.#kept = [];
    for (let i = 0; i < OBJECTS_PER_ROUND; i++) this.#kept.push([i]);
    this.isDone = ++this.#rounds >= MAX_ROUNDS || youngBytes() >= YOUNG_BYTES;
    if (this.isDone) setFlagsFromString('--semi-space-growth-factor=1');
  }
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? YOUNG_BYTES;
}
