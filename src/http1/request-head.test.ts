import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequestHead } from '../../test/support/heads.ts';
import { MAX_HEAD_BYTES } from './head-end.ts';
import { HeadError } from './head-error.ts';
import { headTooLarge, MAX_TARGET_BYTES, parseRequestHead, RequestHead } from './request-head.ts';

/** A head from a request line and field lines. */
const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;
/** A valid POST with these further field lines. */
const post = (...fields: string[]): string => lines('POST /generate HTTP/1.1', 'Host: a', ...fields);

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

/** Each rule: a head that breaks it, with its status, and a neighbour that does not. */
const RULES: readonly (readonly [rule: string, status: number, refused: string, neighbour: string])[] = [
  ['a line ends in bare LF', 400, 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a line ends in bare CR', 400, 'GET / HTTP/1.1\rHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a field line begins with a space', 400, post('X: y', ' z'), post('X: y', 'z:')],
  ['a field line begins with a tab', 400, post('X: y', '\tz: a'), post('X: y', 'z: a')],
  ['the first field line begins with a space', 400, lines('GET / HTTP/1.1', ' Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['a space before the colon', 400, post('X : y'), post('X:  y')],
  ['a tab before the colon', 400, post('X\t: y'), post('X:\ty')],
  ['an empty field name', 400, post(': y'), post('X: y')],
  ['a field line without a colon', 400, post('Xy'), post('Xy:')],
  ['a field name with a bracket', 400, post('X[0]: y'), post('X-0: y')],
  ['a field name beyond ASCII', 400, post('X\xe9: y'), post('X: \xe9')],
  ['a control character in a value', 400, post('X: a\x01b'), post('X: a\tb')],
  ['a DEL in a value', 400, post('X: a\x7fb'), post('X: a~b')],
  ['a NUL in a value', 400, post('X: a\0b'), post('X: a0b')],
  ['a NUL in the request line', 400, lines('GET /\0 HTTP/1.1', 'Host: a'), lines('GET /0 HTTP/1.1', 'Host: a')],
  ['two spaces after the method', 400, lines('GET  / HTTP/1.1', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['two spaces after the target', 400, lines('GET /  HTTP/1.1', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['a tab after the method', 400, lines('GET\t/ HTTP/1.1', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['a space after the version', 400, lines('GET / HTTP/1.1 ', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['no version', 400, lines('GET /', 'Host: a'), lines('GET / HTTP/1.0', 'Host: a')],
  ['no target', 400, lines('GET HTTP/1.1', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['a method that is no token', 400, lines('GE(T / HTTP/1.1', 'Host: a'), lines("M-'SEARCH / HTTP/1.1", 'Host: a')],
  ['a tab in the target', 400, lines('GET /\ta HTTP/1.1', 'Host: a'), lines('GET /%09a HTTP/1.1', 'Host: a')],
  ['a space in the target', 400, lines('GET /a b HTTP/1.1', 'Host: a'), lines('GET /a+b HTTP/1.1', 'Host: a')],
  ['a fragment in the target', 400, lines('GET /a#b HTTP/1.1', 'Host: a'), lines('GET /a%23b HTTP/1.1', 'Host: a')],
  ['a target beyond ASCII', 400, lines('GET /\xe9 HTTP/1.1', 'Host: a'), lines('GET /%C3%A9 HTTP/1.1', 'Host: a')],
  ['a target that is no path', 400, lines('GET a HTTP/1.1', 'Host: a'), lines('GET /a HTTP/1.1', 'Host: a')],
  ['* with another method than OPTIONS', 400, lines('GET * HTTP/1.1', 'Host: a'), lines('OPTIONS * HTTP/1.1', 'Host: a')],
  ['version 1.2', 505, lines('GET / HTTP/1.2', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['version 2.0', 505, lines('GET / HTTP/2.0', 'Host: a'), lines('GET / HTTP/1.0', 'Host: a')],
  ['the preface of HTTP/2', 505, lines('PRI * HTTP/2.0'), lines('OPTIONS * HTTP/1.0')],
  ['a version that is none', 400, lines('GET / HTTP/1.1.1', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['a version in lower case', 400, lines('GET / http/1.1', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a')],
  ['CONNECT', 405, lines('CONNECT a:443 HTTP/1.1', 'Host: a'), lines('OPTIONS http://a:443 HTTP/1.1', 'Host: a')],
  ['TRACE', 405, lines('TRACE / HTTP/1.1', 'Host: a'), lines('TRACEX / HTTP/1.1', 'Host: a')],
  ['Content-Length twice', 400, post('Content-Length: 5', 'content-length: 5'), post('Content-Length: 5', 'X-Content-Length: 5')],
  ['Content-Length as a list', 400, post('Content-Length: 5, 5'), post('Content-Length: 55')],
  ['an empty Content-Length', 400, post('Content-Length:'), post('Content-Length: 0')],
  ['a sign in Content-Length', 400, post('Content-Length: +5'), post('Content-Length: 05')],
  ['a negative Content-Length', 400, post('Content-Length: -5'), post('Content-Length: 5')],
  ['hexadecimal Content-Length', 400, post('Content-Length: 0x5'), post('Content-Length: 005')],
  ['a space within Content-Length', 400, post('Content-Length: 5 5'), post('Content-Length:  55 ')],
  ['a tab beside Content-Length', 400, post('Content-Length:\t5'), post('Content-Length: 5 ')],
  ['Content-Length of 2^53', 400, post('Content-Length: 9007199254740992'), post('Content-Length: 9007199254740991')],
  ['a very long Content-Length', 400, post(`Content-Length: ${'9'.repeat(400)}`), post(`Content-Length: ${'0'.repeat(400)}9`)],
  ['another transfer coding', 400, post('Transfer-Encoding: gzip'), post('Transfer-Encoding: chunked')],
  ['two transfer codings', 400, post('Transfer-Encoding: gzip, chunked'), post('Transfer-Encoding:chunked')],
  ['chunked and identity', 400, post('Transfer-Encoding: chunked, identity'), post('transfer-encoding: chunked ')],
  ['chunked in another case', 400, post('Transfer-Encoding: Chunked'), post('TRANSFER-ENCODING: chunked')],
  ['an empty Transfer-Encoding', 400, post('Transfer-Encoding:'), post('Transfer-Encoding: chunked')],
  ['a tab beside chunked', 400, post('Transfer-Encoding: chunked\t'), post('Transfer-Encoding: chunked ')],
  [
    'Transfer-Encoding twice',
    400,
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    post('Transfer-Encoding: chunked', 'TE: x'),
  ],
  ['both framings', 400, post('Content-Length: 5', 'Transfer-Encoding: chunked'), post('Transfer-Encoding: chunked')],
  ['both framings, the other order', 400, post('Transfer-Encoding: chunked', 'Content-Length: 5'), post('Content-Length: 5')],
  [
    'Transfer-Encoding in HTTP/1.0',
    400,
    lines('POST / HTTP/1.0', 'Transfer-Encoding: chunked'),
    lines('POST / HTTP/1.0', 'Content-Length: 1'),
  ],
  ['no Host in HTTP/1.1', 400, lines('GET / HTTP/1.1', 'X: y'), lines('GET / HTTP/1.0', 'X: y')],
  ['Host twice', 400, lines('GET / HTTP/1.1', 'Host: a', 'Host: a'), lines('GET / HTTP/1.1', 'Host: a', 'X-Host: a')],
  ['an empty Host', 400, lines('GET / HTTP/1.1', 'Host:'), lines('GET / HTTP/1.1', 'Host: a')],
  ['a Host with user info', 400, lines('GET / HTTP/1.1', 'Host: u@a'), lines('GET / HTTP/1.1', 'Host: u.a')],
  ['a Host with a path', 400, lines('GET / HTTP/1.1', 'Host: a/b'), lines('GET / HTTP/1.1', 'Host: a:80')],
  ['user info in the target', 400, lines('GET http://u:p@a/ HTTP/1.1', 'Host: a'), lines('GET http://a/@ HTTP/1.1', 'Host: a')],
  ['another scheme in the target', 400, lines('GET ftp://a/ HTTP/1.1', 'Host: a'), lines('GET https://a/ HTTP/1.1', 'Host: a')],
  ['no authority in the target', 400, lines('GET http:///x HTTP/1.1', 'Host: a'), lines('GET http://a/x HTTP/1.1', 'Host: a')],
  ['absolute-form without Host', 400, lines('GET http://a/ HTTP/1.1'), lines('GET http://a/ HTTP/1.1', 'Host: b')],
  ['129 fields', 431, post(...Array<string>(128).fill('X: y')), post(...Array<string>(127).fill('X: y'))],
  [
    'a target over 16 KiB',
    414,
    lines(`GET /${'a'.repeat(MAX_TARGET_BYTES)} HTTP/1.1`, 'Host: a'),
    lines(`GET /${'a'.repeat(MAX_TARGET_BYTES - 1)} HTTP/1.1`, 'Host: a'),
  ],
  ['a head over 64 KiB', 431, post(`X: ${'y'.repeat(MAX_HEAD_BYTES)}`), post(`X: ${'y'.repeat(MAX_HEAD_BYTES - post('X: ').length)}`)],
  ['another Expect', 417, post('Expect: 200-ok'), post('Expect: 100-continue')],
  ['Expect twice', 417, post('Expect: 100-continue', 'Expect: 100-continue'), post('Expect: 100-Continue')],
];

for (const [rule, status, refused, neighbour] of RULES) {
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
