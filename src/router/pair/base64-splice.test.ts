import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spliceBase64 } from './base64-splice.ts';

const base64 = (bytes: Uint8Array): Buffer => Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1');

test('equals decoding both, putting one over the beginning of the other, and encoding again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 60 }), (head, rest) => {
      const text = base64(rest);
      const splice = spliceBase64(base64(head), text);
      assert.ok(splice !== null);
      const spliced = Buffer.concat([...splice.parts, text.subarray(splice.until)]).toString('latin1');
      assert.equal(spliced, Buffer.concat([Buffer.from(head), Buffer.from(rest.subarray(head.length))]).toString('base64'));
    }),
    { numRuns: 2000 },
  );
});

test('text that is no base64 is left alone', () => {
  for (const [head, rest] of [
    ['AAA', 'AAAA'],
    ['AAAA', 'AAAAA'],
  ] as const) {
    assert.equal(spliceBase64(Buffer.from(head), Buffer.from(rest)), null);
  }
});
