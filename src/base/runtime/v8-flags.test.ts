import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));

/** A load, an idle time at whose end V8 shrinks the young generation, the load again. Prints its size after each, in MiB. */
const SCRIPT = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { realClock } from ${module('./clock.js')};
  import { tuneForRelaying } from ${module('./v8-flags.js')};
  const size = () => Math.round(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20);
  const load = async (isOver) => {
    const kept = [];
    const sizes = [];
    for (let i = 0; i < 1000 && !isOver(size()); i++, await sleep(1)) {
      for (let k = 0; k < 1000; k++) kept[(1000 * i + k) % 30_000] = { a: { k }, b: [k] };
      sizes.push(size());
    }
    return sizes;
  };
  tuneForRelaying(realClock);
  await load((now) => now >= 16);
  const grown = size();
  for (let i = 0, kept = []; i < 30; i++) { kept.push(new Array(1e5).fill(i)); globalThis.gc(); }
  for (let i = 0; i < 1500 && size() >= 8; i++) await sleep(10);
  const shrunk = size();
  const again = await load((now) => now >= 16);
  console.log(JSON.stringify([grown, shrunk, Math.max(0, ...again, size())]));
`;

test('the young generation grows under load, and again after it was shrunk for idling', (t) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', SCRIPT], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  const [grown, shrunk, again] = JSON.parse(stdout);
  t.diagnostic(`${grown} MiB, down to ${shrunk} after idling, then ${again}`);
  assert.ok(grown >= 16 && again >= grown, 'its size under load');
});
