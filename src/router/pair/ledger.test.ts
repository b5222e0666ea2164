import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Worker } from '../../base/core/worker.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { type LivePair, PairLedger } from './ledger.ts';
import { RoomSource } from './room.ts';

const worker = (url: string) => ({ url }) as Worker; // the ledger only keeps it
const PREFILL = worker('http://p');
const DECODE = worker('http://d');

const newLedger = (maxRooms: number) => new PairLedger(new RoomSource(createRng(1)), maxRooms);

test('a pair is listed with its rooms, workers and phase from open to close', () => {
  const ledger = newLedger(10);
  const pair = ledger.open(2, PREFILL, DECODE, 5)!;
  assert.equal(pair.rooms.length, 2);
  assert.notEqual(pair.rooms[0]!.digits, pair.rooms[1]!.digits);
  assert.deepEqual([pair.prefill, pair.decode, pair.phase, pair.startMs], [PREFILL, DECODE, 'bootstrap', 5]);
  assert.deepEqual(ledger.list(10), [pair]);
  assert.ok(ledger.close(pair));
  assert.deepEqual([ledger.size, ledger.roomCount, ledger.list(10).length], [0, 0, 0]);
});

test('phases only go forward, and skip transfer when decode is first', () => {
  const pair = newLedger(1).open(1, PREFILL, DECODE, 0)!;
  assert.ok(pair.advance('transfer', 3));
  assert.ok(!pair.advance('transfer', 4));
  assert.equal(pair.phaseMs, 3);
  assert.ok(pair.advance('decode', 9));
  assert.ok(!pair.advance('transfer', 10));
  assert.deepEqual([pair.phase, pair.phaseMs], ['decode', 9]);
  const early = newLedger(1).open(1, PREFILL, DECODE, 0)!;
  assert.ok(early.advance('decode', 1));
  assert.ok(!early.advance('transfer', 2));
});

test('refuses what would be more rooms than its limit, and takes it when a pair has ended', () => {
  const ledger = newLedger(4);
  const first = ledger.open(3, PREFILL, DECODE, 0)!;
  assert.equal(ledger.open(2, PREFILL, DECODE, 0), null);
  assert.equal(ledger.roomCount, 3, 'a refused pair leaves nothing behind');
  assert.ok(ledger.open(1, PREFILL, DECODE, 0));
  ledger.close(first);
  assert.ok(ledger.open(2, PREFILL, DECODE, 0));
});

test('pairs without rooms, of empty batches, are bounded as well', () => {
  const ledger = newLedger(2);
  const pairs = [ledger.open(0, PREFILL, DECODE, 0), ledger.open(0, PREFILL, DECODE, 0), ledger.open(0, PREFILL, DECODE, 0)];
  assert.deepEqual(
    pairs.map((pair) => pair !== null),
    [true, true, false],
  );
});

test('the list is the oldest pairs first, as many as asked for', () => {
  const ledger = newLedger(10);
  const pairs = [0, 1, 2].map((ms) => ledger.open(1, PREFILL, DECODE, ms)!);
  assert.deepEqual(ledger.list(2), pairs.slice(0, 2));
});

test('counters return to zero whatever the order of opening and closing, closing twice included', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(3), fc.nat(30)), { maxLength: 60 }), (steps) => {
      const ledger = newLedger(50);
      const opened: LivePair[] = [];
      for (const [isOpen, rooms, pick] of steps) {
        if (isOpen) {
          const pair = ledger.open(rooms, PREFILL, DECODE, 0);
          if (pair !== null) opened.push(pair);
        } else if (opened.length > 0) ledger.close(opened[pick % opened.length]!);
        assert.equal(
          ledger.roomCount,
          ledger.list(100).reduce((sum, pair) => sum + pair.rooms.length, 0),
        );
      }
      const alive = new Set(ledger.list(100));
      for (const pair of opened) assert.equal(ledger.close(pair), alive.has(pair));
      assert.deepEqual([ledger.size, ledger.roomCount], [0, 0]);
    }),
  );
});
