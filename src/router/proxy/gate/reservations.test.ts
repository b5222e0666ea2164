import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { reservedSlots } from './reservations.ts';

/** The classes of smg as it ships them: system, interactive, default, bulk. */
const STANDARD = [
  { floor: 32, share: 0 },
  { floor: 128, share: 0.25 },
  { floor: 0, share: 0.1 },
  { floor: 0, share: 0 },
];

describe('reserved slots', () => {
  test('are the larger of floor and share', () => {
    assert.deepEqual(reservedSlots(STANDARD, 1024), [32, 256, 103, 0]);
    assert.deepEqual(reservedSlots(STANDARD, 400), [32, 128, 40, 0]);
  });

  test('shrink to half of the slots where the floors do not fit', () => {
    assert.deepEqual(reservedSlots(STANDARD, 100), [10, 40, 10, 0]);
    assert.deepEqual(reservedSlots(STANDARD, 8), [0, 3, 1, 0]);
  });

  test('are honoured up to the last slot but one, and then lost by the lowest class', () => {
    assert.deepEqual(reservedSlots([{ floor: 99, share: 0 }], 100), [99]);
    const shares = [0.5, 0.5, 0.5].map((share) => ({ floor: 0, share }));
    assert.deepEqual(reservedSlots(shares, 100), [50, 49, 0]);
  });

  test('leave one slot to everybody, whatever the rules', () => {
    const rule = fc.record({ floor: fc.nat(300), share: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), fc.nat(500), (rules, slots) => {
        const reserved = reservedSlots(rules, slots);
        assert.ok(reserved.every((count) => Number.isInteger(count) && count >= 0));
        assert.ok(reserved.reduce((sum, count) => sum + count, 0) <= Math.max(0, slots - 1));
      }),
    );
  });
});
