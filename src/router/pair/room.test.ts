import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rng } from '../../base/core/rng.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { RoomSource, roomDigits } from './room.ts';

const MAX_ROOM = 2n ** 63n - 1n;

/** Gives the numbers listed, then zeros and ones in turn. */
function scripted(...numbers: number[]): Rng {
  let next = 0;
  return { nextUint32: () => numbers[next++] ?? (next % 2 === 0 ? 1 : 0x8000_0000 + next), below: () => 0 };
}

test('digits are those of the 63-bit number, exactly', () => {
  const edges = [0, 1, 9, 10, 999_999_999, 1_000_000_000, 1_000_000_001, 0x7fff_ffff, 0xffff_ffff, 65_535, 65_536];
  const part = fc.oneof(fc.constantFrom(...edges), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(part, part, (high, low) => {
      const top = high & 0x7fff_ffff;
      assert.equal(roomDigits(top, low), String((BigInt(top) << 32n) | BigInt(low >>> 0)));
    }),
    { numRuns: 20_000 },
  );
});

test('rooms reach both ends of 1 .. 2^63-1 and are never 0', () => {
  assert.equal(new RoomSource(scripted(0xffff_ffff, 0xffff_ffff)).draw().digits, String(MAX_ROOM));
  assert.equal(new RoomSource(scripted(0, 1)).draw().digits, '1');
  const room = new RoomSource(scripted(0, 0, 0x8000_0000, 0, 0, 77)).draw();
  assert.equal(room.digits, '77');
});

test('rooms are uniform: each of their 63 bits is set in about half of the draws', () => {
  const source = new RoomSource(createRng(5));
  const set = new Array<number>(63).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const room = source.draw();
    source.giveBack(room);
    const number = BigInt(room.digits);
    assert.ok(number >= 1n && number <= MAX_ROOM);
    for (let bit = 0; bit < 63; bit++) if ((number >> BigInt(bit)) & 1n) set[bit]!++;
  }
  for (const [bit, count] of set.entries()) assert.ok(Math.abs(count - 10_000) < 400, `bit ${bit}: ${count}`);
});

test('no room is drawn within 65,536 numbers of a live one, in whatever order rooms come and go', () => {
  // Few high bits, so that rooms meet all the time.
  const low = fc.integer({ min: 0, max: 5 * 65_536 });
  fc.assert(
    fc.property(fc.array(fc.record({ low, giveBack: fc.option(fc.nat(20)) }), { maxLength: 60 }), (steps) => {
      let next = 0;
      const numbers = steps.flatMap((step) => [0, step.low]);
      // After the script the numbers are far apart from it and from each other.
      const rng: Rng = { nextUint32: () => (next < numbers.length ? numbers[next++]! : next++ * 70_001), below: () => 0 };
      const source = new RoomSource(rng);
      const live: ReturnType<RoomSource['draw']>[] = [];
      for (const step of steps) {
        const room = source.draw();
        for (const other of live) {
          const distance = BigInt(room.digits) - BigInt(other.digits);
          assert.ok(distance >= 65_536n || distance <= -65_536n, `${room.digits} beside ${other.digits}`);
        }
        live.push(room);
        if (step.giveBack !== null && step.giveBack < live.length) source.giveBack(live.splice(step.giveBack, 1)[0]!);
        assert.equal(source.liveCount, live.length);
      }
    }),
  );
});

test('a room that was given back may be drawn again at once', () => {
  const source = new RoomSource(scripted(1, 100, 1, 100));
  const room = source.draw();
  source.giveBack(room);
  assert.equal(source.draw().digits, room.digits);
});

test('a room for a rank leaves it as the remainder, and is drawn anew where that would go beyond the largest', () => {
  const ranks = fc.integer({ min: 1, max: 1024 }).chain((size) => fc.record({ size: fc.constant(size), number: fc.nat(size - 1) }));
  const part = fc.oneof(fc.constantFrom(0, 1, 0xffff_fc00, 0xffff_ffff), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(ranks, part, part, (rank, high, low) => {
      const room = BigInt(new RoomSource(scripted(high, low, 7, 7)).draw({ ...rank, engineUrl: '' }).digits);
      assert.ok(room >= 1n && room <= MAX_ROOM);
      assert.equal(room % BigInt(rank.size), BigInt(rank.number));
      const drawn = (BigInt(high & 0x7fff_ffff) << 32n) + BigInt(low >>> 0);
      assert.ok(room - drawn < rank.size || room >> 32n === 7n, 'the next such number, or another draw');
    }),
    { numRuns: 2000 },
  );
});
