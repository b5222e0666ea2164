import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_LINE_CHARS } from './launcher.ts';
import { OutputLines } from './output-lines.ts';

function linesOf(pieces: readonly Buffer[]): string[] {
  const lines: string[] = [];
  const output = new OutputLines((line) => lines.push(line));
  for (const piece of pieces) output.push(piece);
  output.end();
  return lines;
}

test('LF, CR LF and CR end a line, and what has no end is one', () => {
  assert.deepEqual(linesOf([Buffer.from('a\nb\r\n 10%\r 20%\r\n\nlast')]), ['a', 'b', ' 10%', ' 20%', '', 'last']);
});

test('lines do not depend on how bytes were split', () => {
  const text = fc.array(fc.constantFrom('a', 'é', '💡', '\n', '\r', '\r\n', 'xyz'), { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 120 })), (whole, cuts) => {
      const bytes = Buffer.from(whole);
      const sorted = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = sorted.slice(1).map((cut, index) => bytes.subarray(sorted[index], cut));
      assert.deepEqual(linesOf(pieces), linesOf([bytes]));
    }),
  );
});

test('bytes that are not UTF-8 make no trouble', () => {
  assert.deepEqual(linesOf([Buffer.from([0xff, 0x0a, 0xf0, 0x9f])]), ['\ufffd', '\ufffd']);
});

test('a line without end is told in pieces, and nothing of it is kept or lost', () => {
  const piece = Buffer.alloc(10_000, 'x');
  const lines: string[] = [];
  const output = new OutputLines((line) => lines.push(line));
  for (let round = 0; round < 20; round++) {
    output.push(piece);
    assert.ok(lines.reduce((sum, line) => sum + line.length, 0) > (round + 1) * 10_000 - MAX_LINE_CHARS);
  }
  output.end();
  assert.equal(lines.join('').length, 200_000);
  assert.ok(lines.every((line) => line.length <= MAX_LINE_CHARS));
});
