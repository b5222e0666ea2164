import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LoadTable } from './load.ts';
import { HeapLoadOrder } from './load-order.ts';
import { NONE } from './worker.ts';
import { SmallWorkerSet, type WorkerSet } from './worker-set.ts';

/** What the order must say, by walking everybody. */
function bruteForce(table: LoadTable, eligible: readonly number[], excluded: readonly number[]) {
  const others = eligible.filter((worker) => !excluded.includes(worker));
  const loads = others.map((worker) => table.inflight[worker]!);
  const best = others
    .slice()
    .sort((a, b) => table.inflight[a]! - table.inflight[b]! || table.processed[a]! - table.processed[b]! || a - b)[0];
  return { least: best ?? NONE, min: loads.length ? Math.min(...loads) : 0, max: loads.length ? Math.max(...loads) : 0 };
}

function setOf(workers: readonly number[]): WorkerSet {
  const set = new SmallWorkerSet();
  for (const worker of workers) set.add(worker);
  return set;
}

/** The `count` least loaded, each found by excluding those before it. */
function leastLoadedOf(order: HeapLoadOrder, count: number): number[] {
  const found: number[] = [];
  while (found.length < count) found.push(order.leastLoaded(setOf(found)));
  return found;
}

const WORKERS = 90; // beyond the 64 for which the table has room from the start
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('acquire' as const), worker: fc.nat(WORKERS - 1) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('release' as const), worker: fc.nat(WORKERS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), worker: fc.nat(WORKERS - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('eligible' as const),
      workers: fc.uniqueArray(fc.nat(WORKERS - 1), { maxLength: 40 }),
    }),
  },
);

describe('HeapLoadOrder', () => {
  it('agrees with a walk over all workers after any order of events', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 300, size: 'max' }),
        fc.uniqueArray(fc.nat(WORKERS - 1), { maxLength: 12 }),
        (steps, excluded) => {
          const table = new LoadTable();
          const order = new HeapLoadOrder(table);
          table.ensure(WORKERS - 1);
          let eligible: number[] = [];
          for (const event of steps) {
            if (event.kind === 'eligible') {
              eligible = event.workers;
              order.setEligible(Int32Array.from(eligible));
            } else if (event.kind === 'reset') table.reset(event.worker);
            else if (event.kind === 'acquire') table.acquire(event.worker);
            else if (table.inflight[event.worker]! > 0) table.release(event.worker);
            for (const without of [[], excluded, leastLoadedOf(order, eligible.length >> 1), leastLoadedOf(order, eligible.length)]) {
              const expected = bruteForce(table, eligible, without);
              const set = setOf(without);
              assert.equal(order.leastLoaded(set), expected.least);
              assert.equal(order.minLoad(set), expected.min);
              assert.equal(order.maxLoad(set), expected.max);
            }
          }
          for (let worker = -1; worker < 200; worker++) assert.equal(order.has(worker), eligible.includes(worker));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('spreads a run of acquisitions evenly', () => {
    const table = new LoadTable();
    const order = new HeapLoadOrder(table);
    order.setEligible(Int32Array.from({ length: 1000 }, (_, i) => i));
    for (let i = 0; i < 3000; i++) table.acquire(order.leastLoaded());
    assert.equal(order.minLoad(), 3);
    assert.equal(order.maxLoad(), 3);
  });

  it('knows a worker that becomes eligible before its counters were reset', () => {
    const table = new LoadTable();
    const order = new HeapLoadOrder(table);
    order.setEligible(Int32Array.of(5000));
    assert.equal(order.leastLoaded(), 5000);
    table.acquire(5000);
    assert.equal(order.maxLoad(), 1);
  });

  it('brings the maximum down after bursts far beyond its first room', () => {
    const table = new LoadTable();
    const order = new HeapLoadOrder(table);
    order.setEligible(Int32Array.of(0, 1));
    for (let i = 0; i < 1000; i++) table.acquire(0);
    table.acquire(1);
    assert.deepEqual([order.minLoad(), order.maxLoad()], [1, 1000]);
    table.reset(0);
    assert.deepEqual([order.minLoad(), order.maxLoad()], [0, 1]);
  });
});
