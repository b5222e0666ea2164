import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createRng } from '../../base/runtime/rng.ts';
import { drawLength, findWordPrice, makePrompt, makeWords } from './prompt.ts';

test('a prompt for an engine that counts bytes has exactly the bytes asked for', () => {
  const count = (text: string): number => Buffer.byteLength(text) + 1;
  const price = findWordPrice(
    { words: 64, tokens: count(makeWords(64, createRng(1))) },
    { words: 256, tokens: count(makeWords(256, createRng(2))) },
  );
  assert.ok(price !== null);
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 5000 }), fc.integer(), (tokens, seed) => {
      assert.equal(count(makePrompt(tokens, price, createRng(seed))), tokens);
    }),
  );
});

test('a prompt for an engine that counts words has exactly the words asked for', () => {
  const count = (text: string): number => text.trim().split(' ').length + 1;
  const price = findWordPrice(
    { words: 64, tokens: count(makeWords(64, createRng(1))) },
    { words: 256, tokens: count(makeWords(256, createRng(2))) },
  );
  assert.ok(price !== null);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5000 }), fc.integer(), (tokens, seed) => {
      assert.equal(count(makePrompt(tokens, price, createRng(seed))), tokens);
    }),
  );
});

test('an engine that counts nothing sensible gives no price', () => {
  assert.equal(findWordPrice({ words: 64, tokens: 10 }, { words: 256, tokens: 10 }), null);
  assert.equal(findWordPrice({ words: 64, tokens: 70 }, { words: 256, tokens: 10 }), null);
});

test('the same seed makes the same prompt, another seed one that soon differs', () => {
  const price = { base: 0, perWord: 1 };
  assert.equal(makePrompt(100, price, createRng(5)), makePrompt(100, price, createRng(5)));
  const starts = new Set(Array.from({ length: 200 }, (_, seed) => makePrompt(8, price, createRng(seed))));
  assert.equal(starts.size, 200);
});

test('lengths lie between the ratio of the length and all of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0.01, max: 1, noNaN: true }), fc.integer(), (length, ratio, seed) => {
      const drawn = drawLength(length, ratio, createRng(seed));
      assert.ok(Number.isInteger(drawn) && drawn >= Math.max(1, Math.floor(length * ratio)) && drawn <= length, `${drawn}`);
    }),
  );
  assert.equal(drawLength(128, 1, createRng(1)), 128);
});
