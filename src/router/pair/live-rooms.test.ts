import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LiveRooms } from './live-rooms.ts';

// Few homes, so that blocks meet, and blocks beyond 32 bits.
const block = fc.oneof(
  fc.nat(200),
  fc.nat(20).map((n) => 2 ** 40 + n),
  fc.nat(20).map((n) => 2 ** 47 - 1 - n * 64),
);

test('knows what a Map would know, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), block, fc.nat(65_535)), { maxLength: 400 }), (steps) => {
      const rooms = new LiveRooms();
      const map = new Map<number, number>();
      for (const [isAdded, number, offset] of steps) {
        if (!isAdded) {
          rooms.delete(number);
          map.delete(number);
        } else if (!map.has(number)) {
          rooms.add(number, offset);
          map.set(number, offset);
        }
        assert.equal(rooms.size, map.size);
      }
      for (const [, number] of steps) {
        for (const near of [number - 1, number, number + 1]) assert.equal(rooms.offsetIn(near), map.get(near) ?? -1);
      }
    }),
    { numRuns: 500 },
  );
});
