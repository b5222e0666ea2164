import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { readRequestHead, readResponseHead } from '../../../test/support/heads.ts';
import { reasonPhrase } from './reason-phrase.ts';
import { RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';
import { appendField, isValidFieldName, isValidFieldValue, requestHeadText, responseHeadText, statusLine } from './write-head.ts';

test('a request head is written as text', () => {
  assert.equal(
    requestHeadText('POST', '/a?b', 'h:1', ['x-a', '1', 'x-b', ''], appendField('', 'content-length', '3')),
    'POST /a?b HTTP/1.1\r\nhost: h:1\r\nx-a: 1\r\nx-b: \r\ncontent-length: 3\r\n\r\n',
  );
});

test('a response head is written as text, with the reason phrase given or the usual one', () => {
  assert.equal(responseHeadText(200, ['a', 'b']), 'HTTP/1.1 200 OK\r\na: b\r\n\r\n');
  assert.equal(responseHeadText(200, [], 'c: d\r\n', 'Fine'), 'HTTP/1.1 200 Fine\r\nc: d\r\n\r\n');
  assert.equal(statusLine(599), 'HTTP/1.1 599 \r\n');
});

test('reason phrases are those of the registry, where Node has not kept an old one', () => {
  const renamed = new Set([413, 422, 499]);
  for (let status = 100; status < 600; status += 1) {
    const phrase = reasonPhrase(status);
    if (phrase !== '' && !renamed.has(status)) assert.equal(phrase, STATUS_CODES[status], String(status));
  }
  assert.equal(reasonPhrase(413), 'Content Too Large');
});

const fieldName = fc.stringMatching(/^[a-z][a-z0-9!#$%&'*+.^_`|~-]{0,20}$/).map((name) => `x-${name}`);
const fieldValue = fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 20 });
const fields = fc.array(
  fc.tuple(
    fieldName,
    fieldValue.filter(isValidFieldValue).map((value) => value.replace(/^[ \t]+|[ \t]+$/g, '')),
  ),
  { maxLength: 20 },
);

test('what is written is read back, requests and responses', () => {
  fc.assert(
    fc.property(fields, (pairs) => {
      const flat = pairs.flat();
      const request = readRequestHead(requestHeadText('GET', '/x', 'h', flat));
      assert.ok(request instanceof RequestHead);
      assert.deepEqual(request.fields, ['host', 'h', ...flat]);
      const response = readResponseHead(responseHeadText(200, flat));
      assert.ok(response instanceof ResponseHead);
      assert.deepEqual(response.fields, flat);
    }),
  );
});

test('a value is valid exactly if it can be written without changing what is read', () => {
  fc.assert(
    fc.property(fieldValue, (value) => {
      const head = readRequestHead(requestHeadText('GET', '/x', 'h', ['x-a', `"${value}"`, 'x-b', 'end']));
      const isIntact = head instanceof RequestHead && head.fields[3] === `"${value}"` && head.fields.length === 6;
      assert.equal(isValidFieldValue(value), isIntact);
    }),
    { numRuns: 2000 },
  );
});

test('line ends, NUL and characters that latin1 cannot hold are not valid in a value', () => {
  for (const value of ['a\rb', 'a\nb', '\r\nx: y', '\0', '\x7f', '\u0100', '\u{1f600}', '\u010a', '\u010d'])
    assert.equal(isValidFieldValue(value), false, JSON.stringify(value));
  for (const value of ['', 'a b\tc', '\xff']) assert.equal(isValidFieldValue(value), true, JSON.stringify(value));
});

test('a name is valid if it is a token', () => {
  for (const name of ['a', 'X-Request-Id', "!#$%&'*+-.^_`|~09"]) assert.equal(isValidFieldName(name), true, name);
  for (const name of ['', 'a b', 'a:', 'a\r', '\xe9', '\u0141', '(a)']) assert.equal(isValidFieldName(name), false, JSON.stringify(name));
});
