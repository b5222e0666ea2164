import type { Clock } from '../../base/core/clock.ts';
import type { Stop } from './stop.ts';

/** Ends early when it is stopped. */
export function pause(delayMs: number, clock: Clock, stop: Stop): Promise<void> {
  if (delayMs <= 0 || stop.isStopped) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      giveBack();
      resolve();
    };
    const timer = clock.after(delayMs, end);
    const giveBack = stop.onStop(end);
  });
}
