import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BAD_HEAD, findHeadEnd, NEED_MORE } from './head-end.ts';
import { HeadError } from './head-error.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';
import { ResponseHeadMemo } from './response-head-memo.ts';

const HEADS = [
  'HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 10:00:00 GMT\r\ncontent-length: 5\r\n\r\n',
  'HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 10:00:01 GMT\r\ncontent-length: 5\r\n\r\n',
  'HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 10:00:01 GMT\r\ncontent-length: 5\r\nx: 1\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n',
  `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(2000)}\r\n\r\n`,
  'HTTP/1.1 200 OK\r\nbroken\n\r\n',
  'HTTP/1.1 200 OK\r\nunfinished: yes\r\n',
];

const plain = (head: ResponseHead | HeadError): unknown =>
  head instanceof HeadError ? head.message : [head.status, head.hasBody, head.contentLength, head.fields];

test('says what a parser without memory says, whatever heads came before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...HEADS), fc.constantFrom('GET', 'HEAD'), fc.constantFrom('', 'hello')), {
        size: 'max',
        maxLength: 40,
      }),
      (answers) => {
        const memo = new ResponseHeadMemo();
        for (const [text, method, body] of answers) {
          const buf = Buffer.from(`__${text}${body}`);
          const end = findHeadEnd(buf, 2, 2, buf.length);
          const read = memo.read(buf, 2, 2, buf.length, method);
          if (end === NEED_MORE || end === BAD_HEAD) assert.equal(read, end);
          else {
            assert.equal(memo.end, end);
            assert.ok(typeof read === 'object');
            assert.deepEqual(plain(read), plain(parseResponseHead(buf, 2, end, method)));
          }
        }
      },
    ),
  );
});

test("gives the same object for the same bytes, and keeps none of the caller's", () => {
  const memo = new ResponseHeadMemo();
  const buf = Buffer.from(`${HEADS[0]}hello`);
  const first = memo.read(buf, 0, 0, buf.length, 'GET');
  buf.fill(0);
  buf.write(`${HEADS[0]}other`);
  assert.equal(memo.read(buf, 0, 0, buf.length, 'GET'), first);
  assert.notEqual(memo.read(buf, 0, 0, buf.length, 'HEAD'), first);
});
