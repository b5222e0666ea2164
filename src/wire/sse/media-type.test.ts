import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEventStream } from './media-type.ts';

test('recognises an event stream in any case and with parameters', () => {
  for (const value of ['text/event-stream', 'Text/Event-Stream', ' text/event-stream ; charset=utf-8', 'text/event-stream;charset=UTF-8']) {
    assert.equal(isEventStream(value), true, value);
  }
});

test('takes nothing else for one', () => {
  for (const value of ['', 'application/json', 'text/event-streams', 'text/plain; x=text/event-stream', 'text', null, undefined]) {
    assert.equal(isEventStream(value), false, String(value));
  }
});
