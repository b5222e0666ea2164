import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realClock } from './clock.ts';

test('a timer runs once its delay has passed and a cancelled one never', async () => {
  const startMs = realClock.nowMs();
  let cancelled = false;
  const ranAtMs = await new Promise<number>((resolve) => {
    realClock
      .after(5, () => {
        cancelled = true;
      })
      .cancel();
    realClock.after(20, () => resolve(realClock.nowMs()));
    // Timers of the clock do not keep the process alive; this one does.
    void sleep(2000, undefined, { ref: true, signal: AbortSignal.timeout(1000) }).catch(() => {});
  });
  assert.ok(ranAtMs - startMs >= 19, `${ranAtMs - startMs} ms`);
  assert.equal(cancelled, false);
});

test('a delay longer than a Node timer takes does not fire at once', async () => {
  let ran = false;
  const timer = realClock.after(2 ** 40, () => {
    ran = true;
  });
  await sleep(10);
  timer.cancel();
  assert.equal(ran, false);
});
