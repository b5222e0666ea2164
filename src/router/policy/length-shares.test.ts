import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LengthShares } from './length-shares.ts';

describe('the shares of lengths', () => {
  it('never decrease from shorter to longer prompts, and stay between 0 and 1', () => {
    const bytes = fc.oneof(fc.nat(100), fc.nat(2 ** 20), fc.nat(2 ** 40));
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 50 }), bytes, bytes, fc.double({ min: 0, max: 1, noNaN: true }), (entered, a, b, within) => {
        const shares = new LengthShares();
        for (const each of entered) shares.enter(each);
        const [low, high] = [shares.below(Math.min(a, b), within), shares.below(Math.max(a, b), within)];
        assert.ok(low >= 0 && high <= 1 + 1e-9 && low <= high + 1e-9, `${low} ${high}`);
      }),
    );
  });

  it('stay finite after any number of prompts', () => {
    const shares = new LengthShares();
    for (let i = 0; i < 100_000; i++) shares.enter(i % 3 === 0 ? 2 ** 30 : 10);
    assert.ok(shares.below(10, 1) < 1e-6);
    assert.ok(Math.abs(shares.below(2 ** 30, 1) - 1) < 1e-9);
  });
});
