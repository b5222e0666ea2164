import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseConcurrencies } from './concurrencies.ts';

const RIGHT: readonly [unknown, number[]][] = [
  ['16x32', [16, 32]],
  ['16', [16]],
  [16, [16]],
  [
    [16, 32],
    [16, 32],
  ],
  [
    ['1x2', 4],
    [1, 2, 4],
  ],
  [' 16 x 32 ', [16, 32]],
  ['32x16', [32, 16]],
];
for (const [given, values] of RIGHT) {
  it(`${JSON.stringify(given)} is ${values.join(', then ')}`, () =>
    assert.deepEqual(parseConcurrencies(given), { ok: true, values, repeated: [] }));
}

it('a value may repeat: each is a run', () => {
  assert.deepEqual(parseConcurrencies('2x2x8x2x8'), { ok: true, values: [2, 2, 8, 2, 8], repeated: [2, 8] });
});

it('commas divide where the caller allows them', () => {
  assert.deepEqual(parseConcurrencies('4,8x16', ','), { ok: true, values: [4, 8, 16], repeated: [] });
});

const WRONG: readonly [unknown, RegExp][] = [
  ['16x', /a number is missing beside an x/],
  ['x16', /a number is missing beside an x/],
  ['', /a number is missing/],
  ['axb', /"a" is no whole number from 1 to 1000000/],
  ['0x4', /"0" is no whole number/],
  ['-1', /"-1" is no whole number/],
  ['1.5', /"1.5" is no whole number/],
  ['16,32', /"16,32" is no whole number/],
  ['16X32', /"16X32" is no whole number/],
  [[], /the list is empty/],
  [[null], /"null" is no whole number/],
  [Array.from({ length: 1001 }, (_, at) => at + 1), /1001 values/],
];
for (const [given, message] of WRONG) {
  it(`${JSON.stringify(given).slice(0, 40)} is refused`, () => {
    const parsed = parseConcurrencies(given);
    assert.match(parsed.ok ? 'taken' : parsed.message, message);
  });
}

it('text, list and mixtures of the same numbers mean the same', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 20 }), (values) => {
      const expected = { ok: true, values, repeated: [] };
      assert.deepEqual(parseConcurrencies(values), expected);
      assert.deepEqual(parseConcurrencies(values.join('x')), expected);
      assert.deepEqual(parseConcurrencies(values.map(String)), expected);
    }),
  );
});
