import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHUNK_END, chunkHeaderText, LAST_CHUNK, MAX_CHUNK_HEADER_BYTES, writeChunkHeader } from './chunk.ts';
import { ChunkedFramer } from './chunked-framer.ts';

const size = fc.oneof(
  fc.integer({ min: 1, max: 70_000 }),
  fc.maxSafeInteger().map((n) => Math.abs(n) || 1),
);

test('a chunk header is the size in hexadecimal and CRLF, and nothing else is touched', () => {
  fc.assert(
    fc.property(size, fc.nat(5), (bytes, at) => {
      const buf = Buffer.alloc(at + MAX_CHUNK_HEADER_BYTES + 2, 0xaa);
      const end = writeChunkHeader(buf, at, bytes);
      assert.equal(buf.toString('latin1', at, end), `${bytes.toString(16)}\r\n`);
      assert.equal(chunkHeaderText(bytes), `${bytes.toString(16)}\r\n`);
      assert.ok(buf.subarray(0, at).every((byte) => byte === 0xaa) && buf.subarray(end).every((byte) => byte === 0xaa));
    }),
  );
  const largest = Buffer.alloc(MAX_CHUNK_HEADER_BYTES);
  assert.equal(writeChunkHeader(largest, 0, Number.MAX_SAFE_INTEGER), MAX_CHUNK_HEADER_BYTES);
});

test('what is framed here is read by the framer', () => {
  const body = Buffer.from(`${chunkHeaderText(3)}abc${CHUNK_END}${chunkHeaderText(17)}${'x'.repeat(17)}${CHUNK_END}${LAST_CHUNK}`);
  const framer = new ChunkedFramer();
  assert.equal(framer.feed(body, 0, body.length), body.length);
  assert.deepEqual([framer.done, framer.payloadBytes, framer.plainTerminator], [true, 20, true]);
});
