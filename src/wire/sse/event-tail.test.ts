import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutsOf, inPieces } from '../../../test/support/splits.ts';
import { EventTail } from './event-tail.ts';

const stream = fc
  .array(fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r', 'a', 'data: x', ' ', ':'), { maxLength: 24 })
  .map((parts) => Buffer.from(parts.join('')));

/** The definition, over the whole stream: the places after a blank line (and the start), by length of the stream in front of them. */
function boundaries(bytes: Buffer): Set<number> {
  const found = new Set([0]);
  let lineStart = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x0a && bytes[i] !== 0x0d) continue;
    const isBlank = i === lineStart;
    if (isBlank) found.add(i + 1);
    if (bytes[i] === 0x0d && bytes[i + 1] === 0x0a) {
      i++;
      if (isBlank) found.add(i + 1);
    }
    lineStart = i + 1;
  }
  return found;
}

test('finds the last boundary of each piece, however the stream is split', () => {
  fc.assert(
    fc.property(stream, cutsOf, (bytes, cuts) => {
      const wanted = boundaries(bytes);
      const tail = new EventTail();
      let seen = 0;
      inPieces(bytes, cuts, (buf, start, end) => {
        const whole = tail.push(buf, start, end);
        const length = end - start;
        let last = 0;
        for (let i = 1; i <= length; i++) if (wanted.has(seen + i)) last = i;
        assert.equal(whole - start, last);
        seen += length;
        assert.equal(tail.isAtBoundary, wanted.has(seen));
      });
    }),
    { numRuns: 10_000 },
  );
});

test('knows after every byte whether an event is open', () => {
  fc.assert(
    fc.property(stream, (bytes) => {
      const wanted = boundaries(bytes);
      const tail = new EventTail();
      for (let i = 0; i < bytes.length; i++) {
        tail.push(bytes, i, i + 1);
        assert.equal(tail.isAtBoundary, wanted.has(i + 1), `after ${i + 1} bytes`);
      }
    }),
    { numRuns: 3000 },
  );
});

test('what is passed on is always whole events, and at the end only a cut event is left', () => {
  const events = ['data: {"a":1}\n\n', ': ping\r\n\r\n', 'event: x\rdata: 1\rdata: 2\r\r', 'data: [DONE]\n\n'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events)), fc.constantFrom('', 'data: half', 'data: half\n'), cutsOf, (parts, half, cuts) => {
      const tail = new EventTail();
      let passed = '';
      let held = '';
      inPieces(Buffer.from(parts.join('') + half), cuts, (buf, start, end) => {
        const whole = tail.push(buf, start, end);
        if (whole > start) {
          passed += held + buf.toString('utf8', start, whole);
          held = '';
        }
        held += buf.toString('utf8', whole, end);
      });
      assert.equal(passed, parts.join(''));
      assert.equal(held, half);
    }),
    { numRuns: 2000 },
  );
});

test('a reset forgets the stream', () => {
  const tail = new EventTail();
  tail.push(Buffer.from('data: half'), 0, 10);
  assert.equal(tail.isAtBoundary, false);
  tail.reset();
  assert.equal(tail.isAtBoundary, true);
});

test('an empty piece changes nothing', () => {
  const tail = new EventTail();
  tail.push(Buffer.from('data\n'), 0, 5);
  assert.equal(tail.push(Buffer.from('\n'), 1, 1), 1);
  assert.equal(tail.isAtBoundary, false);
  assert.equal(tail.push(Buffer.from('\n'), 0, 1), 1);
  assert.equal(tail.isAtBoundary, true);
});
