import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHUNK_CASES, END } from '../../../test/support/chunk-cases.ts';
import { BAD_CHUNK, ChunkedFramer } from './chunked-framer.ts';

type Verdict = { readonly verdict: 'done' | 'more' | 'bad'; readonly payload: string; readonly consumed: number };

/** Feeds the text in reads that end at the stops. */
function walk(text: string, stops: readonly number[] = []): Verdict {
  const buf = Buffer.from(text, 'latin1');
  const framer = new ChunkedFramer();
  let payload = '';
  let at = 0;
  for (const stop of [...stops, buf.length]) {
    const whole = framer.wholeChunk(buf, at, stop);
    const end = framer.feed(buf, at, stop);
    if (whole >= 0) {
      assert.equal(end, stop);
      assert.ok(framer.wholeChunks && !framer.done);
      assert.deepEqual([...framer.pieces.subarray(0, 2 * framer.pieceCount)], [whole, stop - 2]);
    }
    if (end === BAD_CHUNK) return { verdict: 'bad', payload: '', consumed: -1 };
    payload += payloadOf(framer, buf);
    at = end;
    if (framer.done) return { verdict: 'done', payload, consumed: end };
    assert.equal(end, stop);
  }
  return { verdict: 'more', payload, consumed: at };
}

function payloadOf(framer: ChunkedFramer, buf: Buffer): string {
  let payload = '';
  for (let i = 0; i < framer.pieceCount; i += 1) payload += buf.toString('latin1', framer.pieces[2 * i], framer.pieces[2 * i + 1]);
  assert.equal(payload.length, framer.payloadBytes);
  return payload;
}

for (const [name, text, verdict, payload] of CHUNK_CASES) {
  test(`a chunked body is ${verdict}: ${name}`, () => {
    const result = walk(text);
    assert.equal(result.verdict, verdict);
    assert.equal(result.payload, payload ?? '');
    if (verdict === 'done') assert.equal(result.consumed, text.length);
  });
}

test('the verdict and the payload do not depend on where the reads end: every split, and byte by byte', () => {
  for (const [name, text] of CHUNK_CASES.filter(([, text]) => text.length < 1000)) {
    const whole = walk(text);
    for (let split = 0; split <= text.length; split += 1) assert.deepEqual(walk(text, [split]), whole, `${name}, split at ${split}`);
    const everywhere = Array.from(text, (_, at) => at);
    assert.deepEqual(walk(text, everywhere), whole, name);
  }
});

const chunk = fc.tuple(
  fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }),
  fc.constantFrom('', '', ';a=b', ';q="\\""'),
  fc.boolean(),
);
const body = fc.tuple(fc.array(chunk, { maxLength: 12 }), fc.constantFrom(END, END, '00\r\n\r\n', '0\r\nX: y\r\n\r\n', '0;a\r\n\r\n'));

function textOf([chunks, end]: readonly [readonly (readonly [string, string, boolean])[], string]): string {
  const size = (data: string, isUpper: boolean): string =>
    isUpper ? data.length.toString(16).toUpperCase() : `0${data.length.toString(16)}`;
  return chunks.map(([data, extension, isUpper]) => `${size(data, isUpper)}${extension}\r\n${data}\r\n`).join('') + end;
}

/** Ascending, within the text. */
function stopsOf(cuts: readonly number[], text: string): number[] {
  return cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b);
}

test('any body in any splits gives its payload, and what follows it is not touched', () => {
  fc.assert(
    fc.property(
      body,
      fc.array(fc.nat(2000), { maxLength: 20 }),
      fc.constantFrom('', 'GET / HTTP/1.1\r\n\r\n', '0\r\n\r\n'),
      (parts, cuts, after) => {
        const text = textOf(parts);
        const expected = parts[0].map(([data]) => data).join('');
        assert.deepEqual(walk(text + after, stopsOf(cuts, text)), { verdict: 'done', payload: expected, consumed: text.length });
      },
    ),
    { numRuns: 1000 },
  );
});

test('a damaged body gives the same verdict in any splits', () => {
  let bad = 0;
  fc.assert(
    fc.property(
      body,
      fc.nat(500),
      fc.constantFrom('', '\r', '\n', '0', ';', ' ', '\0', '\r\n', 'g'),
      fc.array(fc.nat(2000), { maxLength: 12 }),
      (parts, place, damage, cuts) => {
        const text = textOf(parts);
        const at = place % (text.length + 1);
        const damaged = text.slice(0, at) + damage + text.slice(at + (damage === '' ? 1 : 0));
        const whole = walk(damaged);
        if (whole.verdict === 'bad') bad += 1;
        assert.deepEqual(walk(damaged, stopsOf(cuts, damaged)), whole);
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(bad > 50, `only ${bad} damaged bodies were refused`);
});

test('reads that may be passed on raw carry the same body, framing included, and nothing of trailers or extensions', () => {
  let raw = 0;
  // Only trailers and extensions hold a semicolon or a colon here.
  const plain = body.map(
    ([chunks, end]) => [chunks.map(([data, ...rest]) => [data.replaceAll(/[:;]/g, '_'), ...rest] as const), end] as const,
  );
  const atBoundaries = fc.array(fc.boolean(), { minLength: 13, maxLength: 13 });
  fc.assert(
    fc.property(plain, atBoundaries, fc.array(fc.nat(2000), { maxLength: 2 }), ([chunks, end], isRead, cuts) => {
      const boundaries = chunks.map((_, n) => textOf([chunks.slice(0, n), '']).length).filter((_, n) => isRead[n]);
      const text = textOf([chunks, end]);
      const { out, rawReads } = relay(text, stopsOf([...boundaries, ...cuts], text));
      raw += rawReads;
      assert.doesNotMatch(out, /[:;]/);
      assert.deepEqual(walk(out), { verdict: 'done', payload: chunks.map(([data]) => data).join(''), consumed: out.length });
    }),
    { numRuns: 1000 },
  );
  assert.ok(raw > 300, `only ${raw} reads were passed on raw`);
});

/** Passes reads on raw where that is allowed, and frames their payload anew elsewhere. */
function relay(text: string, stops: readonly number[]): { readonly out: string; readonly rawReads: number } {
  const buf = Buffer.from(text, 'latin1');
  const framer = new ChunkedFramer();
  let out = '';
  let rawReads = 0;
  let at = 0;
  for (const stop of [...stops, buf.length]) {
    const end = framer.feed(buf, at, stop);
    const payload = payloadOf(framer, buf);
    if (framer.wholeChunks) out += buf.toString('latin1', at, end);
    else out += `${payload === '' ? '' : `${payload.length.toString(16)}\r\n${payload}\r\n`}${framer.done ? END : ''}`;
    if (framer.wholeChunks && end > at) rawReads += 1;
    at = end;
    if (framer.done) break;
  }
  assert.equal(framer.done, true);
  return { out, rawReads };
}

test('a read of whole chunks says so, with its pieces and counts', () => {
  const framer = new ChunkedFramer();
  const buf = Buffer.from('xx3\r\nabc\r\n2\r\nde\r\n', 'latin1');
  assert.equal(framer.feed(buf, 2, buf.length), buf.length);
  assert.deepEqual(
    [framer.pieceCount, framer.payloadBytes, framer.chunks, framer.wholeChunks, framer.atBoundary, framer.done],
    [2, 5, 2, true, true, false],
  );
  assert.deepEqual([...framer.pieces.subarray(0, 4)], [5, 8, 13, 15]);
  assert.deepEqual([framer.terminatorStart, framer.plainTerminator], [-1, false]);
});

test('a read that ends within a chunk is not of whole chunks, nor is the next one', () => {
  const framer = new ChunkedFramer();
  const buf = Buffer.from('3\r\nabc\r\n3\r\nd', 'latin1');
  framer.feed(buf, 0, buf.length);
  assert.deepEqual([framer.wholeChunks, framer.atBoundary, framer.chunks, framer.payloadBytes], [false, false, 2, 4]);
  const rest = Buffer.from('ef\r\n1\r\ng\r\n', 'latin1');
  framer.feed(rest, 0, rest.length);
  assert.deepEqual([framer.wholeChunks, framer.atBoundary, framer.chunks, framer.payloadBytes], [false, true, 1, 3]);
  const next = Buffer.from('1\r\nh\r\n', 'latin1');
  framer.feed(next, 0, next.length);
  assert.deepEqual([framer.wholeChunks, framer.chunks], [true, 1]);
});

test('the terminator is reported where it begins, and plain only if it is exactly the shortest one', () => {
  const end = (text: string, stops: readonly number[] = []): [number, boolean, boolean] => {
    const buf = Buffer.from(text, 'latin1');
    const framer = new ChunkedFramer();
    let at = 0;
    for (const stop of [...stops, buf.length]) at = framer.feed(buf, at, stop);
    assert.equal(framer.done, true);
    return [framer.terminatorStart, framer.plainTerminator, framer.wholeChunks];
  };
  assert.deepEqual(end('1\r\na\r\n0\r\n\r\n'), [6, true, true]);
  assert.deepEqual(end('1\r\na\r\n0\r\n\r\n', [6]), [6, true, true]);
  assert.deepEqual(end('1\r\na\r\n0\r\n\r\n', [7]), [-1, false, false]);
  assert.deepEqual(end('1\r\na\r\n00\r\n\r\n'), [6, false, false]);
  assert.deepEqual(end('1\r\na\r\n0;a\r\n\r\n'), [6, false, false]);
  assert.deepEqual(end('1\r\na\r\n0\r\nX: y\r\n\r\n'), [6, false, false]);
  assert.deepEqual(end('1\r\na\r\n0\r\n\r\n', [9]), [-1, false, false]);
});

test('a read with an extension is not passed on raw', () => {
  const framer = new ChunkedFramer();
  const buf = Buffer.from('1;a\r\nb\r\n', 'latin1');
  framer.feed(buf, 0, buf.length);
  assert.deepEqual([framer.wholeChunks, framer.atBoundary, framer.payloadBytes], [false, true, 1]);
});

test('many small chunks in one read all have their piece', () => {
  const framer = new ChunkedFramer();
  const buf = Buffer.from('1\r\nx\r\n'.repeat(10_000), 'latin1');
  assert.equal(framer.feed(buf, 0, buf.length), buf.length);
  assert.deepEqual([framer.pieceCount, framer.chunks, framer.payloadBytes], [10_000, 10_000, 10_000]);
  assert.equal(payloadOf(framer, buf), 'x'.repeat(10_000));
});

test('reset makes a framer ready for another body, after an end and after a fault', () => {
  const framer = new ChunkedFramer();
  for (const first of ['1\r\na\r\n0\r\n\r\n', 'zz', '5\r\nab', '0\r\nX: y']) {
    framer.feed(Buffer.from(first), 0, first.length);
    framer.reset();
    const buf = Buffer.from('3\r\nabc\r\n0\r\n\r\n');
    assert.equal(framer.feed(buf, 0, buf.length), buf.length, first);
    assert.deepEqual([framer.done, framer.wholeChunks, framer.payloadBytes], [true, true, 3], first);
  }
});

test('a broken or finished body stays so', () => {
  const framer = new ChunkedFramer();
  const bad = Buffer.from('zz');
  const good = Buffer.from('1\r\na\r\n');
  assert.equal(framer.feed(bad, 0, 2), BAD_CHUNK);
  assert.equal(framer.feed(good, 0, good.length), BAD_CHUNK);
  framer.reset();
  const whole = Buffer.from(END);
  framer.feed(whole, 0, whole.length);
  assert.equal(framer.feed(good, 0, good.length), BAD_CHUNK);
});

test('a read that is one whole chunk is seen as such, unless it has an extension; half of one, two, or the last chunk are not', () => {
  const at = (text: string): number => new ChunkedFramer().wholeChunk(Buffer.from(text, 'latin1'), 0, text.length);
  assert.equal(at('5\r\nhello\r\n'), 3);
  assert.equal(at('0005\r\nhello\r\n'), 6);
  assert.equal(at('A\r\n0123456789\r\n'), 3);
  for (const text of [
    '5\r\nhello\r',
    '5\r\nhell\r\n',
    '5\r\nhello1\r\n',
    '5;a\r\nhello\r\n',
    '5\r\nhello\r\n5\r\nhello\r\n',
    '0\r\n\r\n',
    '5',
    '',
  ]) {
    assert.equal(at(text), -1, JSON.stringify(text));
  }
  const framer = new ChunkedFramer();
  framer.feed(Buffer.from('9\r\n'), 0, 3);
  assert.equal(framer.wholeChunk(Buffer.from('1\r\na\r\n'), 0, 6), -1, 'within a chunk');
});
