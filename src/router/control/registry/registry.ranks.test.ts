import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FleetCell } from '../../../base/core/fleet.ts';
import { LoadTable } from '../../../base/core/load.ts';
import type { Worker } from '../../../base/core/worker.ts';
import { parseWorkerAddress, type WorkerAddress } from '../../../base/core/worker-address.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import { Registry } from './registry.ts';
import type { Source } from './source.ts';
import { DEFAULT_OPTIONS } from './worker-options.ts';
import type { WorkerFacts, WorkerRecord } from './worker-record.ts';

const SOURCE: Source = { name: 'a test', label: 'static', isLasting: false };

function addressOf(host: string): WorkerAddress {
  const parsed = parseWorkerAddress(`http://${host}:1`);
  if (!parsed.ok) throw new Error(parsed.expected);
  return parsed.address;
}

const factsOf = (dpSize: number | null, modelId = 'm'): WorkerFacts => ({ modelId, dpSize, maxRunningRequests: null, metadata: {} });

class Rig {
  readonly cell = new FleetCell();
  readonly load = new LoadTable();
  readonly registry: Registry;
  /** Table of a listener, by index. */
  readonly seen = new Map<number, Worker>();

  constructor(maxWorkers: number) {
    this.registry = new Registry({
      cell: this.cell,
      load: this.load,
      rng: createRng(3),
      clock: new FakeClock(),
      maxWorkers,
      isDpAware: true,
    });
    this.cell.subscribe({
      workerLeft: ({ index, id }) => {
        assert.equal(this.seen.get(index)?.id, id, 'a worker that leaves was in the fleet');
        this.seen.delete(index);
      },
      workerJoined: (worker) => {
        assert.ok([undefined, worker.id].includes(this.seen.get(worker.index)?.id), 'an index is free, or its owner changes');
        this.seen.set(worker.index, worker);
      },
    });
  }

  add(host: string): WorkerRecord {
    const [result] = this.registry.desire(SOURCE, [{ address: addressOf(host), options: DEFAULT_OPTIONS }]);
    assert.ok(result?.kind === 'added');
    return result.record;
  }

  get eligible(): string[] {
    const { eligible, workers } = this.cell.current;
    return [...eligible.regular].map((index) => workers[index]?.url ?? 'a hole');
  }
}

test('an engine is eligible when it is up and its ranks are known, in either order', () => {
  const rig = new Rig(10);
  const [a, b] = [rig.add('a'), rig.add('b')];
  rig.registry.probeEnded(a, 'probe-passed', '');
  assert.deepEqual(rig.eligible, []);
  rig.registry.factsDiscovered(a, factsOf(2));
  rig.registry.factsDiscovered(b, factsOf(1));
  assert.deepEqual(rig.eligible, ['http://a:1@0', 'http://a:1@1']);
  rig.registry.probeEnded(b, 'probe-passed', '');
  assert.deepEqual(rig.eligible, ['http://a:1@0', 'http://b:1@0', 'http://a:1@1']);
  rig.registry.attemptEnded(a.ranks[1]!.index, { kind: 'connect-failed', status: 0 });
  assert.deepEqual(rig.eligible, ['http://b:1@0'], 'an attempt at one rank counts for the engine');
});

test('without a usable number of ranks nothing changes', () => {
  const rig = new Rig(10);
  const record = rig.add('a');
  rig.registry.probeEnded(record, 'probe-passed', '');
  rig.registry.factsDiscovered(record, factsOf(null));
  assert.deepEqual([record.state.phase, record.ranks.map(({ url }) => url)], ['asking', ['http://a:1']]);
  rig.registry.factsDiscovered(record, factsOf(2));
  const { ranks } = record;
  rig.registry.factsDiscovered(record, factsOf(null, 'other'));
  assert.deepEqual(
    record.ranks.map(({ id, modelId }) => [id, modelId]),
    ranks.map(({ id }) => [id, 'other']),
  );
});

test('without room for all ranks of an engine, none is added', () => {
  const rig = new Rig(4);
  const [a, b] = [rig.add('a'), rig.add('b')];
  rig.registry.factsDiscovered(a, factsOf(2));
  rig.registry.factsDiscovered(b, factsOf(3));
  assert.deepEqual([b.state.areRanksKnown, rig.cell.current.total], [false, 3]);
  rig.registry.factsDiscovered(a, factsOf(4));
  assert.equal(a.ranks.length, 2);
  rig.registry.remove(a, SOURCE);
  rig.registry.factsDiscovered(b, factsOf(3));
  assert.deepEqual([b.ranks.length, rig.cell.current.total], [3, 3]);
});

test('a rank is found by its id and its URL', () => {
  const rig = new Rig(4);
  const record = rig.add('a');
  assert.equal(rig.registry.findByRank('http://a:1'), null);
  rig.registry.factsDiscovered(record, factsOf(2));
  for (const name of [record.ranks[1]!.id, 'http://a:1@1']) {
    assert.deepEqual(rig.registry.findByRank(name), { record, rank: record.ranks[1] });
  }
  assert.equal(rig.registry.findByRank('http://a:1@2'), null);
});

type Op =
  | { readonly op: 'add' | 'remove' | 'dispatch' | 'settle'; readonly nth: number }
  | { readonly op: 'facts'; readonly nth: number; readonly ranks: number };

test('under any events every rank has its own index, and an index with an attempt in flight is not reused', () => {
  const op: fc.Arbitrary<Op> = fc.oneof(
    fc.record({ op: fc.constantFrom('add' as const, 'remove' as const, 'dispatch' as const, 'settle' as const), nth: fc.nat(9) }),
    fc.record({ op: fc.constant('facts' as const), nth: fc.nat(9), ranks: fc.integer({ min: 0, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const rig = new Rig(12);
      const running: Worker[] = [];
      for (const one of ops) {
        perform(rig, one, running);
        const { workers, total } = rig.cell.current;
        const all = rig.registry.list().flatMap(({ ranks }) => ranks);
        assert.equal(new Set(all.map(({ index }) => index)).size, all.length);
        assert.deepEqual([total, rig.seen.size], [all.length, all.length]);
        for (const worker of all) assert.deepEqual([workers[worker.index], rig.seen.get(worker.index)], [worker, worker]);
        for (const { index, url } of running) assert.ok([undefined, url].includes(workers[index]?.url));
      }
    }),
    { numRuns: 300 },
  );
});

function perform({ registry, cell, load }: Rig, op: Op, running: Worker[]): void {
  const record = registry.list()[op.nth];
  if (op.op === 'add') {
    const [result] = registry.desire(SOURCE, [{ address: addressOf(`host${op.nth}`), options: DEFAULT_OPTIONS }]);
    if (result !== undefined && result.kind !== 'full') registry.probeEnded(result.record, 'probe-passed', '');
  } else if (op.op === 'remove' && record !== undefined) registry.remove(record, SOURCE);
  else if (op.op === 'facts' && record !== undefined) registry.factsDiscovered(record, factsOf(op.ranks === 0 ? null : op.ranks));
  else if (op.op === 'dispatch') {
    const { eligible, workers } = cell.current;
    const index = eligible.regular[op.nth % Math.max(1, eligible.regular.length)];
    if (index === undefined) return;
    load.acquire(index);
    running.push(workers[index]!);
  } else if (op.op === 'settle' && running.length > 0) {
    const [worker] = running.splice(op.nth % running.length, 1);
    load.release(worker!.index);
    registry.attemptEnded(worker!.index, { kind: 'ok', status: 200 });
  }
}
