import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventStreamOf } from './sse-shape.ts';

const event = (value: unknown): string => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;

test('joins equal neighbours and counts every event', () => {
  const delta = (content: string) => ({ choices: [{ delta: { content }, finish_reason: null }] });
  const seen = eventStreamOf([delta('a'), delta('b'), '[DONE]'].map(event).join(''), false);
  assert.equal(seen.eventCount, 3);
  assert.equal(seen.events.length, 2);
  assert.equal(seen.events[1], '[DONE]');
  assert.equal(seen.generated, 'ab');
});

test('tells cumulative events from deltas', () => {
  const cumulative = [
    { text: 'a', output_ids: [1] },
    { text: 'ab', output_ids: [1, 2] },
  ]
    .map(event)
    .join('');
  assert.equal(eventStreamOf(cumulative, false).growth, 'cumulative');
  assert.equal(eventStreamOf(cumulative, false).generated, 'ab[1,2]');
  const deltas = [
    { text: 'ab', output_ids: [1, 2] },
    { text: 'c', output_ids: [3] },
  ]
    .map(event)
    .join('');
  assert.equal(eventStreamOf(deltas, false).growth, 'delta');
});

test('an event that lacks its empty line is incomplete', () => {
  assert.equal(eventStreamOf('data: {"a":1}\n\ndata: {"a"', false).isComplete, false);
  assert.equal(eventStreamOf('data: {"a":1}\n\n', false).isComplete, true);
});

test('token counts are told of the event that ends an answer only', () => {
  const at = (finish: string | null, completion_tokens: number) => ({ meta_info: { completion_tokens, finish_reason: finish } });
  const seen = eventStreamOf([at(null, 1), at(null, 2), at('stop', 3)].map(event).join(''), false);
  assert.equal(seen.events.length, 2);
  assert.match(seen.events[1] ?? '', /meta_info\.completion_tokens=3/);
});

test('names of events and other fields are part of the line', () => {
  assert.deepEqual(eventStreamOf('event: error\nid: 5\ndata: x\n\n', false).events, ['error,id x']);
});
