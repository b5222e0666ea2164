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

/** How many of `offers` offers in one turn are taken. */
async function offers(end: EndOfTurn, offers: number): Promise<number> {
  let ran = 0;
  let taken = 0;
  const task = { endOfTurn: () => ran++ };
  for (let i = 0; i < offers; i++) if (end.offer(task)) taken++;
  await turn();
  assert.equal(ran, taken, 'what is taken is done at the end of the turn');
  return taken;
}

test('takes offers while turns are busy, refuses them while they are not, and looks again now and then', async () => {
  const end = new EndOfTurn();
  for (let i = 0; i < 100; i++) assert.equal(await offers(end, 6), 6);
  let taken = 0;
  for (let i = 0; i < 1000; i++) taken += await offers(end, 2);
  assert.ok(taken < 100, `${taken} of 2000 offers in quiet turns`);
  taken = 0;
  for (let i = 0; i < 1000; i++) taken += await offers(end, 6);
  assert.ok(taken > 4500, `${taken} of 6000 offers in busy turns`);
});

test('counts a turn that brings more than may wait as busy', async () => {
  const end = new EndOfTurn();
  for (let i = 0; i < 20; i++) assert.equal(await offers(end, 513), 513);
});
