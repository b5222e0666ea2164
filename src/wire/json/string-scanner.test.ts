import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instantiateQuoteSearch, SEARCH_BEHIND_BYTES } from './quote-search.ts';
import { StringScanner } from './string-scanner.ts';

const search = instantiateQuoteSearch();
const WITH_AND_WITHOUT = [
  ['with vector instructions', new StringScanner()],
  ['without vector instructions', new StringScanner(null)],
] as const;

/** The definition: a backslash takes the next byte with it. */
function reference(bytes: Buffer, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if (bytes[i] === 0x5c) i++;
    else if (bytes[i] === 0x22) return i;
  }
  return -1;
}

/** Stretches of text: short ones for the corners, long and dense ones that move the window and leave it again. */
const stretch = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('"', '\\', 'a', 'bcd', ' '.repeat(13), '\\\\', '\\"', '\\\\\\"', 'é') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('\\"', 'x\\"', '\\\\\\"yz', `${'w'.repeat(40)}\\"`), fc.integer({ min: 1, max: 120 }))
      .map(([unit, times]) => unit.repeat(times)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 3000 }).map((length) => 'p'.repeat(length)) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 3000 }).map((length) => '\\'.repeat(length)) },
);

test('there is a vector search on this machine', () => {
  assert.ok(search, 'every machine that Node 20 supports and CI uses has one');
});

for (const [how, strings] of WITH_AND_WITHOUT) {
  test(`finds the ends of strings as the byte-by-byte definition does, ${how}`, () => {
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 30 }), fc.nat(10), (parts, cut) => {
        const bytes = Buffer.from(`"${parts.join('')}`);
        const end = Math.max(1, bytes.length - cut);
        strings.open(bytes, end);
        // One string after another, as in a document, where a quote stands before each.
        for (let from = 1; from > 0; ) {
          const found = strings.find(from);
          assert.equal(found, reference(bytes, from, end), `from ${from} of ${end}`);
          from = found + 1;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test(`finds every end in texts of many windows, ${how}`, () => {
    const unit = `${'code \\"quoted\\" '.repeat(7)}\\\\\\\\"`;
    for (const pad of [0, 1, 2, 3, 15, 16, 17]) {
      const bytes = Buffer.from(`"${'x'.repeat(pad)}${'\\" '.repeat(30_000)}"${unit.repeat(2000)}`);
      strings.open(bytes, bytes.length);
      let ends = 0;
      for (let from = 1; from < bytes.length; ends++) {
        const found = strings.find(from);
        assert.equal(found, reference(bytes, from, bytes.length));
        from = found + 1;
      }
      assert.equal(ends, 2001);
    }
  });

  test(`long runs of backslashes cost linear time, ${how}`, () => {
    const run = Buffer.from(`"${'\\" '.repeat(20)}${`${'\\'.repeat(20_001)}"`.repeat(100)}"`);
    const startNs = process.hrtime.bigint();
    strings.open(run, run.length);
    assert.equal(strings.find(1), run.length - 1);
    // Two million bytes: milliseconds when linear, a minute when each quote looks back over everything.
    assert.ok(process.hrtime.bigint() - startNs < 2_000_000_000n);
  });
}

test('nothing is remembered of the buffer before', () => {
  const strings = new StringScanner();
  const dense = Buffer.from(`${'\\"..'.repeat(1000)}"`);
  strings.open(dense, dense.length);
  assert.equal(strings.find(0), dense.length - 1);
  const plain = Buffer.from(`${'p'.repeat(3000)}"${'\\"..'.repeat(500)}"`);
  strings.open(plain, plain.length);
  assert.equal(strings.find(0), 3000);
  assert.equal(strings.find(3001), plain.length - 1);
});

test('the vector search finds quotes with an even number of backslashes before them', { skip: search === null }, () => {
  const piece = fc.constantFrom('"', '\\', 'a', 'b'.repeat(15), '\\"', '\\\\"', '\\\\\\"', '\\'.repeat(21));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (parts) => {
      const bytes = Buffer.from(`."${parts.join('')}`);
      search!.memory.fill(0x22); // what lies behind the end must not matter
      bytes.copy(search!.memory);
      const end = bytes.length;
      for (let at = SEARCH_BEHIND_BYTES; at < end; at++) {
        const isEnd = (i: number) => bytes[i] === 0x22 && /[^\\](\\\\)*$/.test(bytes.toString('latin1', 0, i));
        let wanted = at;
        while (wanted < end && !isEnd(wanted)) wanted++;
        const found = search!.find(at, end);
        assert.ok(wanted < end ? found === wanted : found >= end, `from ${at}: ${found}, wanted ${wanted} of ${end}`);
      }
    }),
    { numRuns: 500 },
  );
});
