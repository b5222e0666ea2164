import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BAD_HEAD, findHeadEnd, NEED_MORE } from './head-end.ts';

const find = (text: string): number => {
  const buf = Buffer.from(text, 'latin1');
  return findHeadEnd(buf, 0, 0, buf.length);
};

const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const CASES: readonly (readonly [name: string, text: string, expected: number])[] = [
  ['nothing yet', '', NEED_MORE],
  ['one byte of a token', 'G', NEED_MORE],
  ['a whole head', HEAD, HEAD.length],
  ['a head with bytes after it', `${HEAD}\0\n`, HEAD.length],
  ['a head without fields', 'GET / HTTP/1.1\r\n\r\n', 18],
  ['a head without its last LF', HEAD.slice(0, -1), NEED_MORE],
  ['a head without its empty line', HEAD.slice(0, -2), NEED_MORE],
  ['one empty line first', `\r\n${HEAD}`, HEAD.length + 2],
  ['two empty lines first', `\r\n\r\n${HEAD}`, HEAD.length + 4],
  ['two empty lines and no more', '\r\n\r\n', NEED_MORE],
  ['three empty lines first', `\r\n\r\n\r\n${HEAD}`, BAD_HEAD],
  ['a third CR at the start', '\r\n\r\n\r', BAD_HEAD],
  ['half an empty line', '\r', NEED_MORE],
  ['a CR and no LF at the start', '\rG', BAD_HEAD],
  ['an LF at the start', `\n${HEAD}`, BAD_HEAD],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01', BAD_HEAD],
  ['a space at the start', ` ${HEAD}`, BAD_HEAD],
  ['a bare LF in a line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', BAD_HEAD],
  ['a bare LF as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n', BAD_HEAD],
  ['a bare CR in a line', 'GET / HTTP/1.1\r\nX: a\rb\r\n\r\n', BAD_HEAD],
  ['two CRs before an LF', 'GET / HTTP/1.1\r\r\n', BAD_HEAD],
  ['a NUL', 'GET / HTTP/1.1\r\nX: \0', BAD_HEAD],
  ['a bell', 'GET / HTTP/1.1\r\nX: \x07', BAD_HEAD],
  ['a vertical tab', 'GET / HTTP/1.1\r\nX: \x0b', BAD_HEAD],
  ['a DEL', 'GET / HTTP/1.1\r\nX: \x7f', BAD_HEAD],
  ['a tab', 'GET / HTTP/1.1\r\nX: \ta\r\n\r\n', 25],
  ['bytes beyond ASCII', 'GET / HTTP/1.1\r\nX: \x80\xff\r\n\r\n', 25],
];

for (const [name, text, expected] of CASES) {
  test(`finds the end, or refuses at once: ${name}`, () => {
    assert.equal(find(text), expected);
  });
}

test('every control character but tab, CR and LF is refused wherever it stands', () => {
  for (let code = 0; code < 256; code += 1) {
    const isControl = (code < 0x20 && code !== 0x09) || code === 0x7f;
    for (const text of [`GET /${String.fromCharCode(code)}`, `GET / HTTP/1.1\r\nX: ${String.fromCharCode(code)}`]) {
      assert.equal(find(text), isControl && code !== 0x0d ? BAD_HEAD : NEED_MORE, `byte ${code}`);
    }
  }
});

test('begins at start, not at the beginning of the buffer', () => {
  const buf = Buffer.from(`\0\0${HEAD}\0`, 'latin1');
  assert.equal(findHeadEnd(buf, 2, 2, buf.length), 2 + HEAD.length);
});

test('looks at nothing beyond end', () => {
  const buf = Buffer.from(HEAD, 'latin1');
  for (let end = 0; end < buf.length; end += 1) assert.equal(findHeadEnd(buf, 0, 0, end), NEED_MORE, `end ${end}`);
});

/** Resumes at every stop; the verdict and the place where it is reached must be those of the shortest sufficient prefix. */
function findInSteps(text: string, stops: readonly number[]): number {
  const buf = Buffer.from(text, 'latin1');
  let seen = 0;
  for (const stop of [...stops, buf.length]) {
    const found = findHeadEnd(buf, 0, seen, stop);
    if (found !== NEED_MORE) return found;
    seen = stop;
  }
  return NEED_MORE;
}

test('a resumed search gives the same answer at every single split and byte by byte', () => {
  for (const [name, text, expected] of CASES) {
    for (let split = 0; split <= text.length; split += 1) assert.equal(findInSteps(text, [split]), expected, `${name}, split at ${split}`);
    assert.equal(
      findInSteps(
        text,
        Array.from(text, (_, at) => at),
      ),
      expected,
      name,
    );
  }
});

test('a resumed search gives the same answer for any bytes and any splits', () => {
  const piece = fc.constantFrom('\r\n', '\r', '\n', 'G', ' ', ':', '\t', '\0', '\xff', '\r\n\r\n', 'abc');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(30)), (pieces, cuts) => {
      const text = pieces.join('');
      const stops = cuts.filter((cut) => cut <= text.length).sort((a, b) => a - b);
      assert.equal(findInSteps(text, stops), find(text));
    }),
    { numRuns: 3000 },
  );
});
