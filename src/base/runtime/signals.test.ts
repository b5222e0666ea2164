import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HangUps, watchSignals } from './signals.ts';

const LONGER_THAN_AN_ECHO_MS = 200;

test('signals are counted; SIGINT that comes again at once is the same one, SIGTERM is not', async (t) => {
  const seen: string[] = [];
  const giveBack = watchSignals((signal, count) => seen.push(`${signal} ${count}`));
  t.after(giveBack);
  process.emit('SIGINT', 'SIGINT');
  process.emit('SIGINT', 'SIGINT');
  assert.deepEqual(seen, ['SIGINT 1']);
  await new Promise((resolve) => setTimeout(resolve, LONGER_THAN_AN_ECHO_MS));
  process.emit('SIGINT', 'SIGINT');
  assert.deepEqual(seen, ['SIGINT 1', 'SIGINT 2']);
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(seen, ['SIGINT 1', 'SIGINT 2', 'SIGTERM 3', 'SIGTERM 4']);
});

test('signals given back do not count', () => {
  const before = process.listenerCount('SIGINT');
  const giveBack = watchSignals(() => {});
  assert.equal(process.listenerCount('SIGINT'), before + 1);
  giveBack();
  assert.equal(process.listenerCount('SIGINT'), before);
});

test('a SIGHUP that comes before somebody listens counts once when somebody does', () => {
  const hangUps = new HangUps();
  process.emit('SIGHUP');
  process.emit('SIGHUP');
  let heard = 0;
  hangUps.listen(() => heard++);
  assert.equal(heard, 1);
  process.emit('SIGHUP');
  assert.equal(heard, 2);
});
