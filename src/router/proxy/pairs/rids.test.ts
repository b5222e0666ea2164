import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PairShape, SINGLE } from '../../pair/batch-shape.ts';
import { abortFields, PairRids } from './rids.ts';

const ROOM = { digits: '4711', block: 0 };
const shape = (batch: number, rid: string | null): PairShape => ({ batch, rid, wantsInputLogprobs: false, wantsExperts: false });
const rids = (batch: number, rid: string | null): PairRids => new PairRids(shape(batch, rid), batch === 0 ? [] : [ROOM]);

test('a request without an id gets one that is made of its room', () => {
  assert.equal(rids(SINGLE, null).member, ',"rid":"pair-0000000000000004711"');
  assert.deepEqual(rids(SINGLE, null).all, ['pair-0000000000000004711']);
  assert.deepEqual(rids(2, null).all, ['pair-0000000000000004711_0', 'pair-0000000000000004711_1']);
});

test('no id of the router begins like the id of another request', () => {
  const idsOf = (digits: string): readonly string[] => new PairRids(shape(SINGLE, null), [{ digits, block: 0 }]).all;
  for (const [one, other] of [
    ['1', '12'],
    ['922337203685477580', '9223372036854775807'],
  ] as const) {
    assert.ok(!idsOf(other)[0]!.startsWith(idsOf(one)[0]!));
    assert.equal(idsOf(one)[0]!.length, idsOf(other)[0]!.length);
  }
});

test('the id of the client stays, and is read as the engine reads it', () => {
  assert.equal(rids(SINGLE, '"x"').member, '');
  assert.deepEqual(rids(SINGLE, '"\\u0078\\n"').all, ['x\n']);
  assert.deepEqual(rids(2, '"x"').all, ['x_0', 'x_1']);
  assert.deepEqual(rids(2, '["x","y"]').all, ['x', 'y']);
});

test('what is no id is not aborted, and of a large batch the first 64', () => {
  for (const rid of ['7', '""', '"\n"', '{}']) assert.deepEqual(rids(SINGLE, rid).all, [], rid);
  assert.deepEqual(rids(3, '[1,"","y"]').all, ['y']);
  assert.deepEqual(rids(0, null).all, []);
  assert.equal(rids(0, null).member, '');
  assert.equal(rids(1000, null).all.length, 64);
});

test('an abort says who asks and for which request', () => {
  const fields = ['x-request-id', 'r', 'authorization', 'Bearer k', 'x-smg-routing-key', 'q'];
  assert.deepEqual(abortFields(fields), ['content-type', 'application/json', 'x-request-id', 'r', 'authorization', 'Bearer k']);
});
