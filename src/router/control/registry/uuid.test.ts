import assert from 'node:assert/strict';
import test from 'node:test';
import { createRng } from '../../../base/runtime/rng.ts';
import { createUuid, isUuid } from './uuid.ts';

test('UUIDs are well-formed, of version 4, and differ', () => {
  const rng = createRng(1);
  const made = new Set(Array.from({ length: 1000 }, () => createUuid(rng)));
  assert.equal(made.size, 1000);
  for (const uuid of made) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('what is not a UUID is not taken for one', () => {
  assert.ok(isUuid('9B2C1D3E-0000-4000-8000-00000000000a'));
  for (const text of ['', 'x', '9b2c1d3e-0000-4000-8000-00000000000', '9b2c1d3e000040008000000000000000', 'http://a:1']) {
    assert.equal(isUuid(text), false);
  }
});
