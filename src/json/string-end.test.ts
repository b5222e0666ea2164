import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringEnd } from './string-end.ts';

/** The definition: a backslash takes the next byte with it. */
function reference(bytes: Buffer, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if (bytes[i] === 0x5c) i++;
    else if (bytes[i] === 0x22) return i;
  }
  return -1;
}

test('finds the closing quote as the byte-by-byte definition does', () => {
  const dense = fc.array(fc.constantFrom('"', '\\', 'a', 'bcd', ' '.repeat(13), '\\\\', '\\"', 'é'), { maxLength: 40 });
  fc.assert(
    fc.property(dense, fc.nat(10), fc.nat(10), (parts, skip, cut) => {
      const bytes = Buffer.from(parts.join(''));
      const end = Math.max(0, bytes.length - cut);
      const from = Math.min(skip, end);
      assert.equal(stringEnd(bytes, from, end), reference(bytes, from, end));
    }),
    { numRuns: 20_000 },
  );
});

test('long runs of backslashes cost linear time', () => {
  const run = Buffer.from(`${`${'\\'.repeat(20_001)}"`.repeat(100)}"`);
  const startNs = process.hrtime.bigint();
  assert.equal(stringEnd(run, 0, run.length), run.length - 1);
  // Two million bytes: milliseconds when linear, a minute when each quote looks back over everything.
  assert.ok(process.hrtime.bigint() - startNs < 2_000_000_000n);
});
