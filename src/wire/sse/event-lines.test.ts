import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dataStart, EventLines } from './event-lines.ts';

/** Lines with their ends, as reported for the pieces; null where a line was too long. */
function linesOf(pieces: readonly Buffer[], maxLineBytes = 1000): { text: string; end: string }[] | null {
  const lines: { text: string; end: string }[] = [];
  const events = new EventLines(
    { onLine: (buf, from, to, next) => lines.push({ text: buf.toString('latin1', from, to), end: buf.toString('latin1', to, next) }) },
    maxLineBytes,
  );
  for (const piece of pieces) {
    // In the middle of a larger buffer with a line end right behind.
    const around = Buffer.concat([Buffer.from('\n'), piece, Buffer.from('\n')]);
    if (!events.push(around, 1, 1 + piece.length)) return null;
    around.fill(0x7e);
  }
  events.end();
  return lines;
}

const text = fc
  .array(fc.constantFrom('a', 'data: {"x":1}', '\n', '\r', '\r\n', '\n\n', ':', 'é'), { maxLength: 20 })
  .map((parts) => parts.join(''));

test('the lines are those of the text and together all of its bytes, whatever the pieces', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (source, cuts) => {
      const bytes = Buffer.from(source);
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      const lines = linesOf(at.slice(1).map((to, i) => bytes.subarray(at[i], to)));
      assert.ok(lines);
      assert.equal(lines.map((line) => line.text + line.end).join(''), bytes.toString('latin1'));
      const ended = lines.filter((line) => line.end !== '').map((line) => line.text);
      assert.deepEqual(
        ended,
        bytes
          .toString('latin1')
          .split(/[\r\n]/)
          .slice(0, -1),
      );
    }),
    { numRuns: 3000 },
  );
});

test('a line may be as long as allowed and no longer, in one piece or in several', () => {
  const line = (length: number) => Buffer.from(`${'x'.repeat(length)}\n`);
  const split = (bytes: Buffer) => [bytes.subarray(0, 3), bytes.subarray(3, 7), bytes.subarray(7)];
  for (const pieces of [[line(10)], split(line(10))]) assert.equal(linesOf(pieces, 10)?.length, 1);
  for (const pieces of [[line(11)], split(line(11)), [Buffer.alloc(11, 0x78)], split(Buffer.alloc(11, 0x78))]) {
    assert.equal(linesOf(pieces, 10), null);
  }
});

test('finds the value of a data field', () => {
  const start = (line: string) => dataStart(Buffer.from(`.${line}\n`), 1, 1 + line.length);
  assert.equal(start('data: x'), 7);
  assert.equal(start('data:x'), 6);
  assert.equal(start('data:  x'), 7);
  assert.equal(start('data:'), 6);
  for (const other of ['', 'data', 'dat: x', 'Data: x', ':data: x', 'event: data', 'database: x']) assert.equal(start(other), -1, other);
});
