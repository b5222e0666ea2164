import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndOfTurn } from './end-of-turn.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('runs what was added once, in order, before the next turn', async () => {
  const end = new EndOfTurn();
  const seen: number[] = [];
  for (let i = 0; i < 3; i++) end.add({ endOfTurn: () => seen.push(i) });
  assert.deepEqual(seen, []);
  await turn();
  assert.deepEqual(seen, [0, 1, 2]);
  await turn();
  assert.equal(seen.length, 3);
});

test('what is added while it runs waits for the next end', async () => {
  const end = new EndOfTurn();
  const seen: string[] = [];
  end.add({
    endOfTurn: () => {
      seen.push('first');
      end.add({ endOfTurn: () => seen.push('second') });
    },
  });
  end.flush();
  assert.deepEqual(seen, ['first']);
  await turn();
  assert.deepEqual(seen, ['first', 'second']);
});

test('does not let more than a bound wait', () => {
  const end = new EndOfTurn();
  let ran = 0;
  for (let i = 0; i < 10_000; i++) end.add({ endOfTurn: () => ran++ });
  assert.ok(ran > 9000, `${ran}`);
  end.flush();
  assert.equal(ran, 10_000);
});
