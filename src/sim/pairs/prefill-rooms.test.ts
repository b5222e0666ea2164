import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SPEC } from '../../../test/support/scheduler-rig.ts';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { Engine } from '../engine/engine.ts';
import { completeOptions, type SimOptions } from '../engine/options.ts';
import type { Generation, GenerationSpec } from '../scheduling/generation.ts';
import type { KvHandOver, PairHalf } from '../scheduling/pair-half.ts';
import { type DecodePartner, PrefillRooms, placeOf } from './prefill-rooms.ts';

const SPEEDS: Partial<SimOptions> = {
  prefillTokensPerSec: 1000,
  stepOverheadMs: 0,
  itlMs: 10,
  itlPerRequestMs: 0,
  kvTransferLatencyMs: 5,
  kvBytesPerToken: 1_000_000,
  // 8 Gbit a second are 1 token a millisecond.
  kvTransferGbitPerSec: 8,
  disaggregationBootstrapTimeoutSecs: 10,
  meanOutputTokens: 0,
};

/** A decode half without sockets: asks the rooms of one prefill engine, or nobody. */
class MemoryReceiver implements PairHalf {
  readonly mode = 'decode';
  readonly opened: Generation[] = [];
  readonly #rooms: PrefillRooms;
  readonly #engine: Engine;

  constructor(engine: Engine, rooms: PrefillRooms) {
    this.#engine = engine;
    this.#rooms = rooms;
  }

  open(generation: Generation): void {
    this.opened.push(generation);
    const deliver = (kv: KvHandOver, written: () => void): void => {
      this.#engine.clock.after(0, () => this.#engine.scheduler.received(generation, kv));
      written();
    };
    const partner: DecodePartner = { id: generation.spec.rid, deliver, refuse: () => {} };
    this.#engine.clock.after(0, () => this.#rooms.attach(placeOf(generation.spec.pair?.room ?? '', 0), partner));
  }

  send(): void {}
  phaseOf(): 'Decode transfer' {
    return 'Decode transfer';
  }
  drop(): void {}
}

class Rig {
  readonly clock = new FakeClock();
  readonly prefill: Engine;
  readonly decode: Engine;
  readonly rooms: PrefillRooms;
  readonly receiver: MemoryReceiver;
  /** When generations ended, ms. */
  readonly ends = new Map<Generation, number>();
  readonly firsts = new Map<Generation, number>();

  constructor(options: Partial<SimOptions> = {}, forDecode: Partial<SimOptions> = {}) {
    const engine = (mode: 'prefill' | 'decode', more: Partial<SimOptions>): Engine =>
      new Engine(completeOptions({ ...SPEEDS, ...options, ...more, disaggregationMode: mode }), this.clock, createRng(1));
    this.prefill = engine('prefill', {});
    this.decode = engine('decode', forDecode);
    this.rooms = new PrefillRooms(this.prefill);
    this.receiver = new MemoryReceiver(this.decode, this.rooms);
    this.prefill.roomStats = () => this.rooms.stats();
    this.prefill.scheduler.join(this.rooms);
    this.decode.scheduler.join(this.receiver);
  }

  submit(engine: Engine, room: string, more: Partial<GenerationSpec> = {}): Generation {
    const spec: GenerationSpec = {
      ...SPEC,
      rid: `rid-${room}`,
      prompt: new Uint16Array(100).fill(Number(room) % 200),
      maxNewTokens: 3,
      pair: { host: '127.0.0.1', port: 1, room, prefillRank: null, isSampled: false, fault: null },
      ...more,
    };
    const generation = engine.scheduler.submit(spec, {
      advanced: (moved) => void (this.firsts.has(moved) || this.firsts.set(moved, this.clock.nowMs())),
      ended: (ended) => void this.ends.set(ended, this.clock.nowMs()),
    });
    assert.ok(generation !== null);
    engine.scheduler.wake();
    return generation;
  }

  both(room: string, more: Partial<GenerationSpec> = {}): readonly [Generation, Generation] {
    return [this.submit(this.prefill, room, more), this.submit(this.decode, room, more)];
  }

  finish(): void {
    while (this.clock.advanceToNext());
  }

  assertIdle(): void {
    for (const { scheduler } of [this.prefill, this.decode]) {
      assert.equal(
        scheduler.bootstrappingRequests + scheduler.transferringRequests + scheduler.waitingRequests + scheduler.runningRequests,
        0,
      );
      assert.equal(scheduler.usedTokens, 0);
    }
    assert.deepEqual(
      { ...this.rooms.stats(), transferMs: 0, transferBytes: 0 },
      { transferMs: 0, transferBytes: 0, rooms: 0, waitingPartners: 0 },
    );
  }
}

test('prefill computes, then the KV takes its latency and its bytes, then decode has its first token', () => {
  const rig = new Rig();
  const [first, all] = rig.both('7');
  rig.finish();
  // 100 tokens at 1000 a second, 5 ms, 100 tokens of 1 ms each.
  assert.equal(rig.ends.get(first), 205);
  assert.equal(rig.firsts.get(all), 205);
  assert.equal(rig.ends.get(all), 225);
  assert.deepEqual([first.finish, all.finish?.type, all.outputIds.length], [{ type: 'length', length: 0 }, 'length', 3]);
  assert.deepEqual(rig.rooms.stats().transferBytes, 100_000_000);
  rig.assertIdle();
});

test('transfers share the line', () => {
  const rig = new Rig({ prefillTokensPerSec: 1e9 });
  const pairs = ['1', '2', '3'].map((room) => rig.both(room));
  rig.finish();
  assert.deepEqual(
    pairs.map(([first]) => Math.round(rig.ends.get(first) ?? 0)),
    [105, 210, 315],
  );
});

test('prefill computes nothing before decode has arrived', () => {
  const rig = new Rig();
  const first = rig.submit(rig.prefill, '7');
  rig.clock.advance(1000);
  assert.deepEqual([first.stage, rig.prefill.scheduler.counters.prefilledTokens], ['bootstrap', 0]);
  rig.submit(rig.decode, '7');
  rig.finish();
  assert.equal(rig.ends.get(first), 1205);
});

test('a request without a decode half is aborted at the bootstrap timeout', () => {
  const rig = new Rig();
  const first = rig.submit(rig.prefill, '7');
  rig.finish();
  assert.equal(rig.ends.get(first), 10_000);
  assert.ok(first.finish?.type === 'abort' && first.finish.status === 500);
  assert.match(
    first.finish.message,
    /^Prefill bootstrap failed .* req\.bootstrap_room=7 .*timed out after 10\.0s in KVPoll\.Bootstrapping$/,
  );
  rig.assertIdle();
});

test('decode asks for KV only when it has room for it, in the order in which requests arrived', () => {
  const rig = new Rig({}, { kvTokens: 128 });
  const pairs = ['1', '2'].map((room) => rig.both(room));
  rig.clock.advance(1);
  assert.deepEqual(
    rig.receiver.opened.map(({ spec }) => spec.rid),
    ['rid-1'],
  );
  assert.equal(pairs[1]?.[0].stage, 'bootstrap');
  rig.finish();
  assert.equal(rig.ends.get(pairs[0]![1]), 225);
  assert.ok((rig.ends.get(pairs[1]![0]) ?? 0) >= 225 + 205);
  rig.assertIdle();
});

test('a request retracted on decode continues without another transfer', () => {
  const rig = new Rig({}, { kvTokens: 640 });
  const pairs = ['1', '2', '3'].map((room) => rig.both(room, { maxNewTokens: 300 }));
  rig.finish();
  assert.ok(
    pairs.some(([, all]) => all.retractions > 0),
    'nothing gave way',
  );
  for (const [first, all] of pairs) assert.deepEqual([first.outputIds.length, all.outputIds.length], [1, 300]);
  assert.equal(rig.receiver.opened.length, 3);
  rig.assertIdle();
});

test('a decode half keeps no prefix cache, a prefill half does', () => {
  const rig = new Rig();
  rig.both('7');
  rig.finish();
  assert.equal(rig.decode.scheduler.pool.cache.heldTokens, 0);
  const [first, all] = rig.both('7');
  rig.finish();
  assert.deepEqual([first.cachedTokens, all.cachedTokens], [99, 99]);
});

test('a room that decode gave up fails the next prefill, once, and is forgotten after two minutes', () => {
  const rig = new Rig();
  rig.rooms.abort('7@0', 'gone');
  assert.equal(rig.submit(rig.prefill, '7').finish?.type, 'abort');
  assert.equal(rig.submit(rig.prefill, '7').stage, 'bootstrap');
  rig.rooms.abort('8@0', 'gone');
  rig.clock.advance(120_001);
  assert.equal(rig.submit(rig.prefill, '8').stage, 'bootstrap');
  rig.finish();
  rig.assertIdle();
});

test('the queue limit counts requests that have not met', () => {
  const rig = new Rig({ maxQueuedRequests: 2 });
  for (const room of ['1', '2']) rig.submit(rig.prefill, room);
  assert.throws(() => rig.submit(rig.prefill, '3'));
});

test('any order of arrivals, departures and aborts leaves nothing behind', () => {
  const act = fc.record({
    what: fc.constantFrom('prefill', 'decode', 'abort-prefill', 'abort-decode', 'partner-gone', 'partner-aborts', 'wait'),
    room: fc.integer({ min: 1, max: 3 }),
    ms: fc.integer({ min: 0, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const rig = new Rig({ disaggregationBootstrapTimeoutSecs: 0.5 }, { kvTokens: 256 });
      const sent: Record<'prefill' | 'decode', Generation[]> = { prefill: [], decode: [] };
      const strangers: { readonly room: string; readonly partner: DecodePartner }[] = [];
      for (const { what, room, ms } of acts) {
        const name = String(room);
        if (what === 'prefill' || what === 'decode') sent[what].push(rig.submit(rig[what], name));
        else if (what === 'wait') rig.clock.advance(ms);
        else if (what === 'abort-prefill' || what === 'abort-decode') {
          const mode = what === 'abort-prefill' ? 'prefill' : 'decode';
          const victim = sent[mode].find(({ spec, stage }) => spec.pair?.room === name && stage !== 'ended');
          if (victim !== undefined) rig[mode].scheduler.abort(victim, 'gone');
        } else if (what === 'partner-aborts') rig.rooms.abort(placeOf(name, 0), 'stranger');
        else {
          const partner: DecodePartner = { id: 'stranger', deliver: () => {}, refuse: () => {} };
          rig.rooms.attach(placeOf(name, 0), partner);
          strangers.push({ room: name, partner });
        }
      }
      rig.clock.advance(60_000);
      for (const { room, partner } of strangers) rig.rooms.detach(placeOf(room, 0), partner);
      // Decode halves whose prefill never came wait as long as their own engine says.
      for (const generation of sent.decode) rig.decode.scheduler.abort(generation, 'enough');
      for (const name of ['1', '2', '3']) for (const { spec } of sent.decode) rig.rooms.abort(placeOf(name, 0), spec.rid);
      rig.clock.advance(60_000);
      for (const generation of [...sent.prefill, ...sent.decode]) assert.equal(generation.stage, 'ended');
      assert.equal(rig.prefill.scheduler.usedTokens + rig.decode.scheduler.usedTokens, 0);
      assert.equal(rig.rooms.stats().rooms, rig.rooms.stats().waitingPartners);
      assert.equal(rig.rooms.stats().waitingPartners, 0);
    }),
    { numRuns: 150 },
  );
});
