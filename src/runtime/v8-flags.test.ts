import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));

/** What V8 does after idling, only sooner; then how the young generation grows again. Prints its sizes in MiB. */
const SCRIPT = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { realClock } from ${module('./clock.js')};
  import { keepTuned, tuneForRelaying } from ${module('./v8-flags.js')};
  const size = () => Math.round(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20);
  const until = async (isMet) => { for (let i = 0; i < 1000 && !isMet(); i++) await sleep(10); return size(); };
  tuneForRelaying();
  const tuned = size();
  for (let i = 0, kept = []; i < 30; i++) { kept.push(new Array(1e5).fill(i)); globalThis.gc(); }
  const shrunk = await until(() => size() < tuned);
  keepTuned(realClock);
  const grown = await until(() => size() >= tuned);
  console.log(JSON.stringify([tuned, shrunk, grown]));
`;

test('the young generation grows to its size, and again after an idle process was shrunk', (t) => {
  const flags = ['--expose-gc', '--gc-memory-reducer-start-delay-ms=100', '--input-type=module', '-e', SCRIPT];
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 30_000 });
  assert.equal(status, 0, stderr);
  const [tuned, shrunk, grown] = JSON.parse(stdout);
  t.diagnostic(`${tuned} MiB, ${shrunk} after idling, then ${grown}`);
  assert.ok(tuned >= 8, `${tuned} MiB`);
  assert.ok(grown >= tuned, `${grown} MiB`);
});
