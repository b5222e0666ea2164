import assert from 'node:assert/strict';
import test from 'node:test';
import type { Notice } from '../supervise/run-events.ts';
import { NoticeLines } from './notice-line.ts';

function processNotice(some: Partial<Extract<Notice, { type: 'process' }>>): Notice {
  return { type: 'process', id: 'decode-0', node: 'n1', state: 'starting', detail: null, pid: 1, exitCode: null, signal: null, ...some };
}

test('what is missing is told when it has been missing for a while', () => {
  const lines = new NoticeLines();
  const waiting = processNotice({ detail: 'nobody listens there yet' });
  assert.equal(lines.lineOf(waiting, 1000), null);
  assert.equal(lines.lineOf(waiting, 5999), null);
  assert.equal(lines.lineOf(waiting, 6000), '[   6.0s] decode-0 on n1: nobody listens there yet');
  assert.equal(lines.lineOf(processNotice({ state: 'ready' }), 100), '[   0.1s] decode-0 on n1 is ready');
});

test('ends are told with status or signal, lines only of the benchmark', () => {
  const lines = new NoticeLines();
  assert.equal(lines.lineOf(processNotice({ state: 'ended', exitCode: 3 }), 0), '[   0.0s] decode-0 on n1 ended with status 3');
  assert.equal(lines.lineOf(processNotice({ state: 'ended', signal: 'SIGKILL' }), 0), '[   0.0s] decode-0 on n1 was ended by SIGKILL');
  assert.equal(lines.lineOf({ type: 'line', id: 'benchmark', text: 'hello' }, 0), '[   0.0s] benchmark | hello');
  assert.equal(lines.lineOf({ type: 'line', id: 'benchmark', text: '' }, 0), null);
  assert.equal(lines.lineOf({ type: 'line', id: 'decode-0', text: 'hello' }, 0), null);
});

test('states are told with their tier', () => {
  const lines = new NoticeLines();
  assert.equal(lines.lineOf({ type: 'state', state: 'starting', tier: 1, detail: null }, 1500), '[   1.5s] starting workers');
  assert.match(lines.lineOf({ type: 'state', state: 'serving', tier: null, detail: null }, 0) ?? '', /serving; Ctrl-C or "srtctl cancel"/);
});
