import assert from 'node:assert/strict';
import test from 'node:test';
import { measureClientLoad } from './client-load.ts';

test('a loop that is blocked is late by as much, and uses its CPU', async () => {
  const end = measureClientLoad();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const untilMs = performance.now() + 60;
  while (performance.now() < untilMs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const load = end();
  assert.ok(load.max_ms >= 40, `${load.max_ms}`);
  assert.ok(load.p99_ms <= load.max_ms && load.mean_ms <= load.max_ms);
  assert.ok(load.cpu_share > 0);
});
