import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorEvent, messagesErrorEvent, responsesErrorEvent } from './error-event.ts';
import { EventParser, type SseEvent } from './event-parser.ts';

function onlyEvent(bytes: Buffer): SseEvent {
  const events: SseEvent[] = [];
  new EventParser({ onEvent: (event) => void events.push(event) }).push(bytes);
  assert.equal(events.length, 1);
  return events[0]!;
}

const MESSAGE = 'the worker\nwent "away" \u2028 é';

test('an error event holds the error object as valid JSON', () => {
  const body = { error: { message: MESSAGE, type: 'upstream_error', param: null, code: 'call_upstream_cut' } };
  const event = onlyEvent(errorEvent(JSON.stringify(body)));
  assert.equal(event.type, 'message');
  assert.deepEqual(JSON.parse(event.data), body);
});

test('JSON text of several lines becomes one event', () => {
  const event = onlyEvent(errorEvent(JSON.stringify({ error: { code: 'x' } }, null, 2).replaceAll('\n', '\r\n')));
  assert.deepEqual(JSON.parse(event.data), { error: { code: 'x' } });
});

test('an error of the messages API names its event and type', () => {
  const event = onlyEvent(messagesErrorEvent('api_error', MESSAGE));
  assert.equal(event.type, 'error');
  assert.deepEqual(JSON.parse(event.data), { type: 'error', error: { type: 'api_error', message: MESSAGE } });
});

test('an error of the responses API has its fields at the top', () => {
  const event = onlyEvent(responsesErrorEvent('call_upstream_cut', MESSAGE));
  assert.equal(event.type, 'error');
  assert.deepEqual(JSON.parse(event.data), { type: 'error', code: 'call_upstream_cut', message: MESSAGE, param: null });
});
