/** Keeps a number of requests under way until all have been sent. No I/O of its own. */
import type { Clock } from '../../base/core/clock.ts';
import type { Rng } from '../../base/core/rng.ts';
import { type ArrivalRate, gapMs } from './arrivals.ts';
import { pause } from './pause.ts';
import type { Stop } from './stop.ts';

export interface LoopOptions {
  readonly requests: number;
  /** Most under way at once. */
  readonly concurrency: number;
  /** Null: each starts as soon as there is room. */
  readonly rate: ArrivalRate | null;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Stopped: nothing new starts; what is under way is waited for (its sender knows of it too). */
  readonly stop: Stop;
}

/** Calls `send(0)` ... `send(requests - 1)` in this order. Resolves when all that were started have ended, with how many that were. */
export async function runClosedLoop(options: LoopOptions, send: (index: number) => Promise<void>): Promise<number> {
  const { requests, concurrency, rate, clock, rng, stop } = options;
  let next = 0;
  let arrivalMs = clock.nowMs();
  const lane = async (): Promise<void> => {
    while (next < requests && !stop.isStopped) {
      const index = next++;
      if (rate !== null) {
        arrivalMs += gapMs(rate, rng);
        await pause(arrivalMs - clock.nowMs(), clock, stop);
        if (stop.isStopped) {
          next = index;
          return;
        }
      }
      await send(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests) }, lane));
  return next;
}
