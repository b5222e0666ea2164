import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BAD_CHUNK, ChunkedFramer, MAX_EXTENSION_BYTES } from './chunked-framer.ts';
import { MAX_HEAD_BYTES } from './head-end.ts';

type Verdict = { readonly verdict: 'done' | 'more' | 'bad'; readonly payload: string; readonly consumed: number };

/** Feeds the text in reads that end at the stops. */
function walk(text: string, stops: readonly number[] = []): Verdict {
  const buf = Buffer.from(text, 'latin1');
  const framer = new ChunkedFramer();
  let payload = '';
  let at = 0;
  for (const stop of [...stops, buf.length]) {
    const end = framer.feed(buf, at, stop);
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

const END = '0\r\n\r\n';

const CASES: readonly (readonly [name: string, text: string, verdict: 'done' | 'more' | 'bad', payload?: string])[] = [
  ['an empty body', END, 'done', ''],
  ['one chunk', `3\r\nabc\r\n${END}`, 'done', 'abc'],
  ['several chunks', `3\r\nabc\r\n1\r\nd\r\n${END}`, 'done', 'abcd'],
  ['a chunk that looks like framing', `5\r\n0\r\n\r\n\r\n${END}`, 'done', '0\r\n\r\n'],
  ['digits in both cases', `A\r\n0123456789\r\na\r\n0123456789\r\n${END}`, 'done', '01234567890123456789'],
  ['15 digits', `000000000000003\r\nabc\r\n${END}`, 'done', 'abc'],
  ['16 digits', `0000000000000003\r\nabc\r\n${END}`, 'bad'],
  ['15 digits of a last chunk', '000000000000000\r\n\r\n', 'done', ''],
  ['16 digits of a last chunk', '0000000000000000\r\n\r\n', 'bad'],
  ['a size of 2^53-1', '1fffffffffffff\r\nabc', 'more', 'abc'],
  ['a size of 2^53', '20000000000000\r\nabc', 'bad'],
  ['no digit', '\r\nabc\r\n', 'bad'],
  ['a letter that is no digit', 'g\r\n', 'bad'],
  ['0x before the size', '0x3\r\nabc\r\n', 'bad'],
  ['a sign before the size', '+3\r\nabc\r\n', 'bad'],
  ['a space before the size', ' 3\r\nabc\r\n', 'bad'],
  ['a space after the size', '3 \r\nabc\r\n', 'bad'],
  ['a tab after the size', '3\t\r\nabc\r\n', 'bad'],
  ['a bare LF after the size', '3\nabc\r\n', 'bad'],
  ['a CR without LF after the size', '3\rabc\r\n', 'bad'],
  ['a CR and another byte after the size', `3\rXabc\r\n${END}`, 'bad'],
  ['a bare LF after the data', '3\r\nabc\n0\r\n\r\n', 'bad'],
  ['a CR without LF after the data', '3\r\nabc\r0', 'bad'],
  ['data longer than its size', '3\r\nabcd\r\n', 'bad'],
  ['data shorter than its size', `4\r\nabc\r\n${END}`, 'bad'],
  ['nothing after the data', '3\r\nabc0\r\n\r\n', 'bad'],
  ['an extension', `3;a\r\nabc\r\n${END}`, 'done', 'abc'],
  ['an extension with a value', `3;a=b\r\nabc\r\n${END}`, 'done', 'abc'],
  ['several extensions', `3;a=b;c;d="e;\\"f"\r\nabc\r\n${END}`, 'done', 'abc'],
  ['an extension of the last chunk', '0;a\r\n\r\n', 'done', ''],
  ['an empty extension', `3;\r\nabc\r\n${END}`, 'bad'],
  ['an extension without a value', `3;a=\r\nabc\r\n${END}`, 'bad'],
  ['an extension without a name', `3;=b\r\nabc\r\n${END}`, 'bad'],
  ['two semicolons', `3;;a\r\nabc\r\n${END}`, 'bad'],
  ['white space in an extension', `3; a\r\nabc\r\n${END}`, 'bad'],
  ['white space before an extension', `3 ;a\r\nabc\r\n${END}`, 'bad'],
  ['a quoted value that does not end', `3;a="b\r\nabc\r\n${END}`, 'bad'],
  ['something after a quoted value', `3;a="b"c\r\nabc\r\n${END}`, 'bad'],
  ['a bare LF in an extension', `3;a\n\r\nabc\r\n${END}`, 'bad'],
  ['a CR in an extension', `3;a\rb\r\nabc\r\n${END}`, 'bad'],
  ['a NUL in an extension', `3;a="\0"\r\nabc\r\n${END}`, 'bad'],
  ['a tab in an extension', `3;a="\t"\r\nabc\r\n${END}`, 'bad'],
  ['the longest extension', `3;${'a'.repeat(MAX_EXTENSION_BYTES - 1)}\r\nabc\r\n${END}`, 'done', 'abc'],
  ['an extension that is too long', `3;${'a'.repeat(MAX_EXTENSION_BYTES)}\r\nabc\r\n${END}`, 'bad'],
  ['trailers', '3\r\nabc\r\n0\r\nX: y\r\nZ:\r\n\r\n', 'done', 'abc'],
  ['a trailer about length', '0\r\nContent-Length: 5\r\n\r\n', 'bad'],
  ['a trailer about coding', '0\r\nTRANSFER-ENCODING: chunked\r\n\r\n', 'bad'],
  ['a trailer about the connection', '0\r\nConnection: close\r\n\r\n', 'bad'],
  ['a trailer with a similar name', '0\r\nX-Content-Length: 5\r\n\r\n', 'done', ''],
  ['a folded trailer', '0\r\nX: y\r\n z\r\n\r\n', 'bad'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n', 'bad'],
  ['a trailer without a name', '0\r\n: y\r\n\r\n', 'bad'],
  ['white space before the colon of a trailer', '0\r\nX : y\r\n\r\n', 'bad'],
  ['a control character in a trailer', '0\r\nX: \x01\r\n\r\n', 'bad'],
  ['a bare LF in the trailers', '0\r\nX: y\n\r\n', 'bad'],
  ['a bare LF as the end', '0\r\n\n', 'bad'],
  ['a CR without LF as the end', '0\r\n\rX', 'bad'],
  ['the largest trailer section', `0\r\nX:${'y'.repeat(MAX_HEAD_BYTES - 6)}\r\n\r\n`, 'done', ''],
  ['a trailer section that is too large', `0\r\nX:${'y'.repeat(MAX_HEAD_BYTES - 5)}\r\n\r\n`, 'bad'],
  ['trailers without end', `0\r\n${'X: y\r\n'.repeat(MAX_HEAD_BYTES / 6 + 1)}`, 'bad'],
  ['nothing yet', '', 'more', ''],
  ['half a chunk', '5\r\nab', 'more', 'ab'],
  ['all but the last LF', '3\r\nabc\r\n0\r\n\r', 'more', 'abc'],
];

for (const [name, text, verdict, payload] of CASES) {
  test(`a chunked body is ${verdict}: ${name}`, () => {
    const result = walk(text);
    assert.equal(result.verdict, verdict);
    assert.equal(result.payload, payload ?? '');
    if (verdict === 'done') assert.equal(result.consumed, text.length);
  });
}

test('the verdict and the payload do not depend on where the reads end: every split, and byte by byte', () => {
  for (const [name, text] of CASES.filter(([, text]) => text.length < 1000)) {
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
