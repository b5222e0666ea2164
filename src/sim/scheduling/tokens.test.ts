import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode, EOS, encode, IM_START, tokenText, VOCABULARY } from './tokens.ts';

test('a text has one token per byte and comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      fc.pre(!text.includes('<|'));
      const ids = encode(text);
      assert.equal(ids.length, Buffer.byteLength(text));
      assert.equal(decode(ids), Buffer.from(text).toString());
      assert.ok(ids.every((id) => id < 256));
    }),
  );
});

test('ids are those of the recorded tokenizer: printable bytes first', () => {
  // "!" is byte 33, the first printable one; a space is not printable in that table.
  assert.deepEqual([...encode('!"a ')], [0, 1, 64, 220]);
  assert.ok(VOCABULARY > EOS);
});

test('the name of a special token becomes that token and leaves no text', () => {
  const ids = encode('a<|im_start|>b');
  assert.equal(ids[1], IM_START);
  assert.equal(ids.length, 3);
  assert.equal(decode(ids), 'ab');
  assert.equal(tokenText(IM_START), '<|im_start|>');
});
