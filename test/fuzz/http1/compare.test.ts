import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRequests, compareResponses } from './compare.ts';
import { NodeRequestReader } from './node-requests.ts';
import { readResponsesWithNode } from './node-responses.ts';
import { readRequests } from './read-requests.ts';
import { readResponse } from './read-response.ts';
import type { Reading } from './reading.ts';

const REQUESTS = Buffer.from(
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST http://h/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
);
const RESPONSE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc');

const ours = readRequests(REQUESTS);
const node = new NodeRequestReader().read(REQUESTS);

test('two equal readings of requests have no difference', () => {
  assert.deepEqual(compareRequests(ours, node), { same: 2, difference: '', skipped: '' });
});

/** Ways in which a parser could be wrong, applied to our correct reading: the comparison must see each. */
const WRONG_READINGS: readonly (readonly [fault: string, reading: Reading])[] = [
  ['a message less', { ...ours, messages: ours.messages.slice(0, 1) }],
  ['a message more', { ...ours, messages: [...ours.messages, ours.messages[1]!] }],
  ['another body', { ...ours, messages: [{ ...ours.messages[0]!, body: 'abcPOST' }, ours.messages[1]!] }],
  ['another target', { ...ours, messages: [{ ...ours.messages[0]!, start: 'POST /b' }, ours.messages[1]!] }],
  ['a field less', { ...ours, messages: [ours.messages[0]!, { ...ours.messages[1]!, fields: [] }] }],
];

for (const [fault, reading] of WRONG_READINGS) {
  test(`the comparison of requests sees ${fault}`, () => {
    assert.notEqual(compareRequests(reading, node).difference, '');
  });
}

test('a message that Node refuses is a difference when we accept it', () => {
  const refused = new NodeRequestReader().read(Buffer.from('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc'));
  assert.equal(refused.error, 'HPE_INVALID_CONTENT_LENGTH');
  assert.match(compareRequests({ ...ours, messages: ours.messages.slice(0, 1) }, refused).difference, /HPE_INVALID_CONTENT_LENGTH/);
});

test('responses are compared in the same way', async () => {
  const reading = readResponse(RESPONSE, 'GET');
  const [theirs] = await readResponsesWithNode([{ bytes: RESPONSE, method: 'GET' }]);
  assert.ok(theirs !== undefined);
  assert.deepEqual(compareResponses(reading, theirs), { same: 1, difference: '', skipped: '' });
  const message = reading.messages[0]!;
  for (const wrong of [
    { ...message, body: 'ab' },
    { ...message, start: '201 OK' },
    { ...message, fields: [] },
  ]) {
    assert.notEqual(compareResponses({ ...reading, messages: [wrong] }, theirs).difference, '');
  }
  assert.notEqual(compareResponses({ ...reading, messages: [], end: 'partial' }, theirs).difference, '');
});

test('an answer that is cut is complete for neither reader', async () => {
  const cut = RESPONSE.subarray(0, RESPONSE.length - 1);
  const [theirs] = await readResponsesWithNode([{ bytes: cut, method: 'GET' }]);
  assert.deepEqual([theirs?.messages.length, readResponse(cut, 'GET').end], [0, 'partial']);
});
