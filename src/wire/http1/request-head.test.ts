import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequestHead } from '../../../test/support/heads.ts';
import { lines, post, REQUEST_RULES } from '../../../test/support/request-rules.ts';
import { MAX_HEAD_BYTES } from './head-end.ts';
import { HeadError } from './head-error.ts';
import { headTooLarge, parseRequestHead, RequestHead } from './request-head.ts';

function accepted(text: string): RequestHead {
  const head = readRequestHead(text);
  assert.ok(head instanceof RequestHead, `refused: ${JSON.stringify(text)} ${JSON.stringify(head)}`);
  return head;
}

function statusOf(text: string): number | 'accepted' {
  const head = readRequestHead(text);
  if (head === 'bad bytes') return 400;
  return head instanceof HeadError ? head.status : 'accepted';
}

for (const [rule, status, refused, neighbour] of REQUEST_RULES) {
  test(`refuses with ${status}, and takes the neighbour: ${rule}`, () => {
    assert.equal(statusOf(refused), status);
    assert.equal(statusOf(neighbour), 'accepted');
  });
}

test('a refusal carries the code of its status and a message without bytes of the client', () => {
  const error = readRequestHead(post('Expect: <evil>'));
  assert.deepEqual(error, new HeadError(417, 'Expect is not "100-continue".'));
  assert.equal((error as HeadError).code, 'expectation_failed');
});

test('user info in the target is named as such', () => {
  assert.deepEqual(
    readRequestHead(lines('GET http://u:p@a/ HTTP/1.1', 'Host: a')),
    new HeadError(400, 'The request target holds user info.'),
  );
});

test('a plain request is read in all its parts', () => {
  const head = accepted(
    lines('POST /v1/chat/completions?a=b?c HTTP/1.1', 'Host: example.org:3001', 'X-Odd:  caf\xe9 \t', 'CONTENT-LENGTH: 12', 'x-odd:'),
  );
  assert.deepEqual(
    { ...head },
    {
      method: 'POST',
      target: '/v1/chat/completions?a=b?c',
      path: '/v1/chat/completions',
      query: 'a=b?c',
      minor: 1,
      fields: ['host', 'example.org:3001', 'x-odd', 'caf\xe9', 'content-length', '12', 'x-odd', ''],
      authority: 'example.org:3001',
      contentLength: 12,
      chunked: false,
      keepAlive: true,
      expectContinue: false,
    },
  );
  assert.equal(head.find('x-odd'), 'caf\xe9');
  assert.equal(head.find('X-Odd'), undefined);
});

test('an absolute-form target is reduced and its authority wins over Host', () => {
  const read = (method: string, target: string): string[] => {
    const head = accepted(lines(`${method} ${target} HTTP/1.1`, 'Host: other'));
    return [head.target, head.path, head.query, head.authority];
  };
  assert.deepEqual(read('GET', 'http://a:1/b?c'), ['/b?c', '/b', 'c', 'a:1']);
  assert.deepEqual(read('GET', 'HTTPS://[::1]/'), ['/', '/', '', '[::1]']);
  assert.deepEqual(read('GET', 'http://a'), ['/', '/', '', 'a']);
  assert.deepEqual(read('GET', 'http://a?b/c'), ['/?b/c', '/', 'b/c', 'a']);
  assert.deepEqual(read('OPTIONS', 'http://a'), ['*', '*', '', 'a']);
  assert.deepEqual(read('OPTIONS', 'http://a/'), ['/', '/', '', 'a']);
  assert.deepEqual(read('GET', '//a/b'), ['//a/b', '//a/b', '', 'other']);
});

test('the connection is kept as the version and Connection say', () => {
  const keeps = (version: string, ...fields: string[]): boolean => accepted(lines(`GET / HTTP/${version}`, 'Host: a', ...fields)).keepAlive;
  assert.equal(keeps('1.1'), true);
  assert.equal(keeps('1.1', 'Connection: close'), false);
  assert.equal(keeps('1.1', 'Connection: foo , CLOSE'), false);
  assert.equal(keeps('1.1', 'Connection: foo', 'Connection: close'), false);
  assert.equal(keeps('1.1', 'Connection: closed'), true);
  assert.equal(keeps('1.1', 'Connection: upgrade', 'Upgrade: h2c'), true);
  assert.equal(keeps('1.0'), false);
  assert.equal(keeps('1.0', 'Connection: Keep-Alive'), true);
  assert.equal(keeps('1.0', 'Connection: keep-alive, close'), false);
});

test('framing is given as it was sent', () => {
  const framing = (...fields: string[]): [number, boolean] => {
    const head = accepted(post(...fields));
    return [head.contentLength, head.chunked];
  };
  assert.deepEqual(framing(), [-1, false]);
  assert.deepEqual(framing('Content-Length: 0'), [0, false]);
  assert.deepEqual(framing('Content-Length: 9007199254740991'), [Number.MAX_SAFE_INTEGER, false]);
  assert.deepEqual(framing('Transfer-Encoding: chunked'), [-1, true]);
  assert.deepEqual(framing('Transfer-Encoding: CHUNKED'), [-1, true]);
});

test('100-continue is seen in HTTP/1.1 and ignored in HTTP/1.0', () => {
  assert.equal(accepted(post('Expect: 100-continue')).expectContinue, true);
  assert.equal(accepted(lines('POST / HTTP/1.0', 'Expect: 100-continue')).expectContinue, false);
});

test('empty lines before the request line are skipped', () => {
  assert.equal(accepted(`\r\n\r\n${post()}`).target, '/generate');
});

test('a head is read where it lies in a buffer', () => {
  const buf = Buffer.from(`junk\n${post('X: y')}junk`, 'latin1');
  const head = parseRequestHead(buf, 5, buf.length - 4);
  assert.ok(head instanceof RequestHead);
  assert.deepEqual(head.fields, ['host', 'a', 'x', 'y']);
});

test('a head without an end that is too large is 414 when its first line is, else 431', () => {
  const status = (text: string): number => headTooLarge(Buffer.from(text, 'latin1'), 0, text.length).status;
  assert.equal(status(`GET /${'a'.repeat(MAX_HEAD_BYTES)}`), 414);
  assert.equal(status(`\r\nGET /${'a'.repeat(MAX_HEAD_BYTES)}`), 414);
  assert.equal(status(`GET / HTTP/1.1\r\nX: ${'a'.repeat(MAX_HEAD_BYTES)}`), 431);
  assert.equal(status(`\r\nGET / HTTP/1.1\r\nX: ${'a'.repeat(MAX_HEAD_BYTES)}`), 431);
});
