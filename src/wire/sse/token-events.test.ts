import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasOutput } from './token-events.ts';

const judged = (text: string): boolean => {
  const around = Buffer.from('data: x]\n');
  return hasOutput(Buffer.concat([around, Buffer.from(text), around]), around.length, around.length + Buffer.byteLength(text));
};

test('comments, the end mark and blank lines are no output', () => {
  for (const text of [': ping\n\n', ':\r\n\r\n', '\n', 'data: [DONE]\n\n', 'data:[DONE]\r\n\r\n', ': a\n\ndata: [DONE]\n\n']) {
    assert.equal(judged(text), false, JSON.stringify(text));
  }
});

test('everything else is', () => {
  for (const text of [
    'data: {"a":1}\n\n',
    'event: message_start\ndata: {}\n\n',
    ': a\n\ndata: {}\n\n',
    'data: {}\n\ndata: [DONE]\n\n',
    'data: [1]\n\n',
    'data: "[DONE]"\n\n',
    'data: [DONE] x]\n\n',
    'a',
  ]) {
    assert.equal(judged(text), true, JSON.stringify(text));
  }
});
