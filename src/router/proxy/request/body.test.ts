import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestBody } from './body.ts';
import { BodyMemory } from './body-memory.ts';

const FRONT_BYTES = 1024;

const held = (body: RequestBody): Buffer => body.buf.subarray(body.start, body.end);

test('a body held in any pieces is the bytes that came, up to the limit and not one more', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }),
      fc.integer({ min: 0, max: 20_000 }),
      fc.constantFrom(-1, 0, 100, 5000, 1_000_000),
      (pieces, limit, declared) => {
        const memory = new BodyMemory(1_000_000_000, FRONT_BYTES);
        const body = new RequestBody(declared, memory);
        const all = Buffer.concat(pieces);
        for (const piece of pieces) {
          const taken = body.hold(Buffer.from(piece), 0, piece.length, limit);
          assert.equal(taken, Math.min(piece.length, taken));
          if (taken < piece.length) assert.equal(body.heldBytes, limit);
        }
        assert.ok(held(body).equals(all.subarray(0, Math.min(limit, all.length))));
        assert.equal(body.start >= FRONT_BYTES, true);
        body.release(false);
        assert.equal(memory.heldBytes, 0);
      },
    ),
  );
});

test('what is kept beyond the limit is kept whole, also when the budget of all bodies is used up', () => {
  const memory = new BodyMemory(100_000, FRONT_BYTES);
  const other = new RequestBody(-1, memory);
  other.hold(Buffer.alloc(200_000), 0, 200_000, 1_000_000);
  assert.ok(memory.heldBytes > memory.limitBytes);
  const body = new RequestBody(300_000, memory);
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251));
  const taken = body.hold(bytes, 0, bytes.length, 1_000_000);
  assert.ok(taken < bytes.length, 'with the budget used up less is held');
  body.append(bytes, taken, bytes.length);
  assert.ok(held(body).equals(bytes));
  assert.ok(body.buf.length < 2 * bytes.length, 'a body that streams takes no memory for what has not come');
  body.release(false);
  other.release(false);
  assert.equal(memory.heldBytes, 0);
});

test('a body that streams takes no room for the rest of its declared length', () => {
  const memory = new BodyMemory(1_000_000_000, FRONT_BYTES);
  const body = new RequestBody(200_000_000, memory);
  const piece = Buffer.alloc(60_000, 1);
  let taken = piece.length;
  while (taken === piece.length) taken = body.hold(piece, 0, piece.length, 500_000);
  body.append(piece, taken, piece.length);
  assert.equal(body.heldBytes, 9 * piece.length);
  assert.ok(memory.heldBytes <= 2 ** 20, `${memory.heldBytes} bytes accounted`);
});

test('the front of a body is given once, and only as much as there is', () => {
  const memory = new BodyMemory(100_000, FRONT_BYTES);
  const body = new RequestBody(3, memory);
  assert.equal(body.takeFront(10), -1, 'nothing is held yet');
  body.hold(Buffer.from('abc'), 0, 3, 100);
  const other = body.alias();
  assert.equal(body.takeFront(FRONT_BYTES + 1), -1);
  assert.equal(body.takeFront(200), FRONT_BYTES - 200);
  assert.equal(body.takeFront(200), -1);
  assert.equal(other.takeFront(200), -1, 'the bytes are shared');
  other.release(false);
  body.release(false);
});
