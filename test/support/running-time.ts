/** A clock that runs while a test waits, a little with each turn of the event loop: minutes of silence pass in a second. */
import type { TestContext } from 'node:test';
import { FakeClock } from '../../src/base/runtime/fake-clock.ts';

/** A request to a part on this machine takes about ten turns: 20 ms of the clock. */
const TURN_MS = 2;

/** Runs until the test ends. */
export function runningClock(t: TestContext): FakeClock {
  const clock = new FakeClock();
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const turn = (): void => {
    clock.advance(TURN_MS);
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return clock;
}

/** Resolves when so much time of the clock has passed, in the turn in which it has: a test that polled would see it late on a busy machine. */
export function passed(clock: FakeClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
