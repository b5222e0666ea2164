import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResponseHead } from '../../../test/support/heads.ts';
import { MAX_HEAD_BYTES } from './head-end.ts';
import { HeadError } from './head-error.ts';
import { ResponseHead } from './response-head.ts';

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;
const ok = (...fields: string[]): string => lines('HTTP/1.1 200 OK', ...fields);

function accepted(text: string, method = 'GET'): ResponseHead {
  const head = readResponseHead(text, method);
  assert.ok(head instanceof ResponseHead, `refused: ${JSON.stringify(text)} ${JSON.stringify(head)}`);
  return head;
}

const RULES: readonly (readonly [rule: string, refused: string, neighbour: string])[] = [
  ['a version in lower case', lines('http/1.1 200 OK'), ok()],
  ['version 2', lines('HTTP/2 200 OK'), ok()],
  ['version 1.2', lines('HTTP/1.2 200 OK'), lines('HTTP/1.0 200 OK')],
  ['a tab after the version', lines('HTTP/1.1\t200 OK'), ok()],
  ['two spaces after the version', lines('HTTP/1.1  200 OK'), ok()],
  ['a status of two digits', lines('HTTP/1.1 20 OK'), ok()],
  ['a status of four digits', lines('HTTP/1.1 2000 OK'), ok()],
  ['a status with a letter', lines('HTTP/1.1 2o0 OK'), ok()],
  ['status 099', lines('HTTP/1.1 099 X'), lines('HTTP/1.1 100 X')],
  ['status 600', lines('HTTP/1.1 600 X'), lines('HTTP/1.1 599 X')],
  ['101 unasked', lines('HTTP/1.1 101 Switching Protocols'), lines('HTTP/1.1 102 Processing')],
  ['1xx in HTTP/1.0', lines('HTTP/1.0 100 Continue'), lines('HTTP/1.1 100 Continue')],
  ['a tab after the status', lines('HTTP/1.1 200\tOK'), lines('HTTP/1.1 200 O\tK')],
  ['an empty line first', `\r\n${ok()}`, ok()],
  ['both framings', ok('Content-Length: 5', 'Transfer-Encoding: chunked'), ok('Transfer-Encoding: chunked')],
  ['two lengths', ok('Content-Length: 5', 'Content-Length: 5'), ok('Content-Length: 5')],
  ['a list of lengths', ok('Content-Length: 5, 5'), ok('Content-Length: 55')],
  ['another transfer coding', ok('Transfer-Encoding: gzip, chunked'), ok('Content-Encoding: gzip', 'Transfer-Encoding: chunked')],
  ['chunked twice in one line', ok('Transfer-Encoding: chunked,chunked'), ok('Transfer-Encoding: CHUNKED')],
  ['chunked with a parameter', ok('Transfer-Encoding: chunked;x'), ok('Transfer-Encoding: Chunked')],
  ['chunked in HTTP/1.0', lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'), lines('HTTP/1.0 200 OK')],
  ['a folded line', ok('X: y', ' z'), ok('X: y z')],
  ['a space before the colon', ok('X : y'), ok('X: y')],
  ['a bare LF', ok('X: y\nZ: a'), ok('X: y', 'Z: a')],
  ['a NUL', ok('X: \0'), ok('X: 0')],
  ['129 fields', ok(...Array<string>(129).fill('X: y')), ok(...Array<string>(128).fill('X: y'))],
  ['a head over 64 KiB', ok(`X: ${'y'.repeat(MAX_HEAD_BYTES)}`), ok(`X: ${'y'.repeat(MAX_HEAD_BYTES - ok('X: ').length)}`)],
];

for (const [rule, refused, neighbour] of RULES) {
  test(`an answer is malformed, and its neighbour is not: ${rule}`, () => {
    const error = readResponseHead(refused);
    assert.ok(error === 'bad bytes' || error instanceof HeadError, JSON.stringify(error));
    if (error !== 'bad bytes') assert.deepEqual([error.status, error.code], [502, 'call_upstream_malformed']);
    accepted(neighbour);
  });
}

test('a plain answer is read in all its parts, repeated fields kept', () => {
  const head = accepted(lines('HTTP/1.1 201 All good', 'Set-Cookie: a=b', 'Content-Length: 5', 'set-cookie:  c=d '));
  assert.deepEqual(
    { ...head },
    {
      status: 201,
      minor: 1,
      reason: 'All good',
      fields: ['set-cookie', 'a=b', 'content-length', '5', 'set-cookie', 'c=d'],
      contentLength: 5,
      chunked: false,
      hasBody: true,
      untilClose: false,
      keepAlive: true,
      keepAliveTimeoutMs: -1,
      relayText: null,
    },
  );
  assert.equal(head.find('set-cookie'), 'a=b');
});

test('the reason phrase may be empty, and its space may be missing', () => {
  assert.equal(accepted(lines('HTTP/1.1 200 ')).reason, '');
  assert.equal(accepted(lines('HTTP/1.1 200')).reason, '');
  assert.equal(accepted(lines('HTTP/1.1 200 caf\xe9 \t')).reason, 'caf\xe9 \t');
});

test('HEAD, 1xx, 204 and 304 have no body whatever they say', () => {
  const body = (method: string, status: string, ...fields: string[]): [boolean, boolean] => {
    const head = accepted(lines(`HTTP/1.1 ${status} X`, ...fields), method);
    return [head.hasBody, head.untilClose];
  };
  for (const fields of [[], ['Content-Length: 5'], ['Transfer-Encoding: chunked']]) {
    assert.deepEqual(body('HEAD', '200', ...fields), [false, false]);
    assert.deepEqual(body('GET', '100', ...fields), [false, false]);
    assert.deepEqual(body('GET', '204', ...fields), [false, false]);
    assert.deepEqual(body('GET', '304', ...fields), [false, false]);
  }
  assert.deepEqual(body('GET', '200', 'Content-Length: 5'), [true, false]);
  assert.deepEqual(body('GET', '205', 'Transfer-Encoding: chunked'), [true, false]);
  assert.deepEqual(body('GET', '200'), [true, true]);
});

test('the connection is kept as version, framing and Connection say', () => {
  const keeps = (version: string, ...fields: string[]): boolean => accepted(lines(`HTTP/${version} 200 OK`, ...fields)).keepAlive;
  assert.equal(keeps('1.1', 'Content-Length: 0'), true);
  assert.equal(keeps('1.1', 'Transfer-Encoding: chunked'), true);
  assert.equal(keeps('1.1', 'Content-Length: 0', 'Connection: close'), false);
  assert.equal(keeps('1.1'), false);
  assert.equal(keeps('1.0', 'Content-Length: 0'), false);
  assert.equal(keeps('1.0', 'Content-Length: 0', 'Connection: keep-alive'), true);
});

test('Keep-Alive says how long an idle connection is kept', () => {
  const timeout = (value: string): number => accepted(ok(`Keep-Alive: ${value}`)).keepAliveTimeoutMs;
  assert.equal(timeout('timeout=5'), 5000);
  assert.equal(timeout('max=100, Timeout=15'), 15000);
  assert.equal(timeout('timeout=0'), 0);
  assert.equal(timeout('timeout=999999'), 999_999_000);
  assert.equal(timeout('timeout=1000000'), -1);
  assert.equal(timeout('max=100'), -1);
  assert.equal(timeout('timeout=-1'), -1);
  assert.equal(timeout('timeout=soon'), -1);
  assert.equal(timeout(`timeout=${'9'.repeat(30)}`), -1);
});
