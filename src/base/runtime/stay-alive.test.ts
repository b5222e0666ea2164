import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** What becomes of a program that waits for a timer of the clock. */
function statusOf(body: string): number | null {
  const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `import { realClock } from ${url('./clock.js')}; import { stayAlive } from ${url('./stay-alive.js')}; ${body}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' }).status;
}

const WAITS = 'await new Promise((resolve) => realClock.after(50, resolve));';

test('a program that only waits for the clock ends too early, unless it stays alive', () => {
  assert.equal(statusOf(WAITS), 13);
  assert.equal(statusOf(`const done = stayAlive(); ${WAITS} done();`), 0);
});
