/** Starts requests at given times, however many are under way. No I/O of its own. */
import type { Clock } from '../../base/core/clock.ts';
import { pause } from './pause.ts';
import type { Stop } from './stop.ts';

export interface TimedOptions {
  /** ms after the first, ascending. */
  readonly arrivalsMs: readonly number[];
  readonly clock: Clock;
  /** Stopped: nothing new starts; what is under way is waited for. */
  readonly stop: Stop;
}

/** Calls `send` with each index at its time. Resolves when all that were started have ended, with how many that were. */
export async function runTimedLoop({ arrivalsMs, clock, stop }: TimedOptions, send: (index: number) => Promise<void>): Promise<number> {
  const startMs = clock.nowMs();
  const underWay: Promise<void>[] = [];
  for (const [index, arrivalMs] of arrivalsMs.entries()) {
    await pause(startMs + arrivalMs - clock.nowMs(), clock, stop);
    if (stop.isStopped) break;
    underWay.push(send(index));
  }
  await Promise.all(underWay);
  return underWay.length;
}
