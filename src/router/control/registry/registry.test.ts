import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FleetCell, type FleetSnapshot } from '../../../base/core/fleet.ts';
import { LoadTable } from '../../../base/core/load.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Worker } from '../../../base/core/worker.ts';
import { parseWorkerAddress, type WorkerAddress } from '../../../base/core/worker-address.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import type { DesireResult } from './reconcile.ts';
import { Registry } from './registry.ts';
import type { Source } from './source.ts';
import { isUuid } from './uuid.ts';
import type { WorkerObserver } from './worker-observer.ts';
import { DEFAULT_OPTIONS } from './worker-options.ts';
import type { WorkerRecord } from './worker-record.ts';
import type { Phase, WorkerEvent } from './worker-state.ts';

function addressOf(host: string): WorkerAddress {
  const parsed = parseWorkerAddress(`http://${host}:30000`);
  if (!parsed.ok) throw new Error(parsed.expected);
  return parsed.address;
}

interface Rig {
  readonly registry: Registry;
  readonly cell: FleetCell;
  readonly load: LoadTable;
}

function createRig(maxWorkers?: number): Rig {
  const cell = new FleetCell();
  const load = new LoadTable();
  return {
    registry: new Registry({ cell, load, rng: createRng(7), clock: new FakeClock(), ...(maxWorkers !== undefined && { maxWorkers }) }),
    cell,
    load,
  };
}

const SOURCE: Source = { name: 'a test', label: 'static', isLasting: false };

function desire(registry: Registry, ...hosts: readonly string[]): readonly DesireResult[] {
  return registry.desire(
    SOURCE,
    hosts.map((one) => ({ address: addressOf(one), options: DEFAULT_OPTIONS })),
  );
}

function add(registry: Registry, host: string): WorkerRecord {
  const [result] = desire(registry, host);
  assert.ok(result !== undefined && result.kind !== 'full');
  return result.record;
}

test('a new worker is in the snapshot and not eligible, a passed probe makes it eligible', () => {
  const { registry, cell } = createRig();
  const record = add(registry, 'a');
  assert.equal(cell.current.total, 1);
  assert.equal(cell.current.workers[0], record.worker);
  assert.deepEqual([...cell.current.eligible.regular], []);
  registry.probeEnded(record, 'probe-passed', '');
  assert.deepEqual([...cell.current.eligible.regular], [0]);
  assert.ok(isUuid(record.worker.id));
});

test('the same URL is the same worker, and its options stay', () => {
  const { registry, cell } = createRig();
  const first = add(registry, 'a');
  const { version } = cell.current;
  const [second] = registry.desire(SOURCE, [{ address: addressOf('a'), options: { ...DEFAULT_OPTIONS, priority: 1 } }]);
  assert.deepEqual(second, { kind: 'known', record: first });
  assert.equal(first.worker.priority, 50);
  assert.equal(cell.current.version, version, 'nothing was published');
});

test('many workers are added in one publication', () => {
  const { registry, cell } = createRig();
  const results = desire(registry, 'a', 'b', 'a');
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ['added', 'added', 'known'],
  );
  assert.equal(cell.current.version, 1);
  assert.deepEqual(
    cell.current.workers.map((worker) => worker?.host),
    ['a', 'b'],
  );
});

test('an index is not used again while an attempt of its last owner is in flight', () => {
  const { registry, load } = createRig();
  const first = add(registry, 'a');
  load.acquire(first.worker.index);
  registry.remove(first, SOURCE);
  assert.equal(add(registry, 'b').worker.index, 1);
  load.release(first.worker.index);
  assert.equal(add(registry, 'c').worker.index, 0);
  assert.equal(load.processed[0], 0, 'the counters of the last owner are gone');
});

test('events of a worker that was removed change nothing', () => {
  const { registry, cell } = createRig();
  const record = add(registry, 'a');
  registry.probeEnded(record, 'probe-passed', '');
  registry.remove(record, SOURCE);
  const { version } = cell.current;
  registry.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  registry.probeEnded(record, 'probe-passed', '');
  assert.equal(registry.factsDiscovered(record, { modelId: 'm', dpSize: null, maxRunningRequests: null, metadata: {} }), false);
  assert.equal(registry.remove(record, SOURCE), null);
  assert.equal(cell.current.version, version);
});

test('at the limit a worker is rejected, and a removed one with requests in flight counts', () => {
  const { registry, load } = createRig(2);
  const first = add(registry, 'a');
  add(registry, 'b');
  assert.deepEqual(desire(registry, 'c'), [{ kind: 'full' }]);
  load.acquire(first.worker.index);
  registry.remove(first, SOURCE);
  assert.deepEqual(desire(registry, 'c'), [{ kind: 'full' }]);
  load.release(first.worker.index);
  assert.equal(add(registry, 'c').worker.index, first.worker.index);
});

test('other weights empty the cache of a worker, the first facts and the same ones do not; the size of its cache is one of its facts', () => {
  const { registry, cell } = createRig();
  const emptied: number[] = [];
  cell.subscribe({ cacheEmptied: ({ index }) => emptied.push(index) });
  const record = add(registry, 'a');
  const facts = (weights: string) => ({
    ...{ modelId: null, dpSize: 1, maxRunningRequests: null },
    metadata: { weight_version: weights, max_total_num_tokens: '5000' },
  });
  registry.factsDiscovered(record, facts('1'));
  registry.factsDiscovered(record, facts('1'));
  assert.deepEqual(emptied, []);
  registry.factsDiscovered(record, facts('2'));
  assert.deepEqual(emptied, [0]);
  assert.equal(cell.current.workers[0]?.kvTokens, 5000);
  registry.cacheEmptied(record);
  assert.deepEqual(emptied, [0, 0]);
});

test('facts replace the worker at its index and reach the listeners; a model set by the source stays', () => {
  const { registry, cell } = createRig();
  const joined: Worker[] = [];
  cell.subscribe({ workerJoined: (worker) => joined.push(worker) });
  const record = add(registry, 'a');
  registry.factsDiscovered(record, { modelId: 'llama', dpSize: 1, maxRunningRequests: null, metadata: { version: '1' } });
  assert.equal(cell.current.workers[0]?.modelId, 'llama');
  assert.deepEqual(
    joined.map((worker) => [worker.index, worker.modelId]),
    [
      [0, 'unknown'],
      [0, 'llama'],
    ],
  );
  registry.update(record, { ...record.claims.options, modelId: 'mine', priority: 3 });
  assert.deepEqual([record.worker.modelId, record.worker.priority], ['mine', 3]);
});

test('observers are called once per change, with the probe before it and the wanted probe after it, and never after stop', () => {
  const heard: string[] = [];
  const { registry } = createRig();
  const observer: WorkerObserver = {
    workerAdded: () => void heard.push('added'),
    workerRemoved: () => void heard.push('removed'),
    probeEnded: (_record, event, detail) => void heard.push(`${event} ${detail}`),
    phaseChanged: (record, from) => void heard.push(`${from} -> ${record.state.phase}`),
    probeWanted: (_record, when) => void heard.push(`probe ${when}`),
  };
  registry.observe(observer);
  registry.observe({ workerAdded: () => void heard.push('added, says the second') });
  const record = add(registry, 'a');
  registry.probeEnded(record, 'probe-passed', '200');
  registry.probeEnded(record, 'probe-passed', '200');
  registry.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  registry.attemptEnded(0, { kind: 'connect-timeout', status: 0 });
  registry.remove(record, SOURCE);
  registry.stop();
  add(registry, 'b');
  assert.deepEqual(heard, [
    'added',
    'added, says the second',
    'probe-passed 200',
    'pending -> ready',
    'probe-passed 200',
    'ready -> unreachable',
    'probe soon',
    'removed',
  ]);
});

type Op =
  | { op: 'add'; host: string }
  | { op: 'remove'; host: string }
  | { op: 'probe'; host: string; event: WorkerEvent }
  | { op: 'dispatch' }
  | { op: 'settle'; nth: number; kind: OutcomeKind };

const host = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const probeEvent = fc.constantFrom<WorkerEvent>(
  'probe-passed',
  'probe-refused',
  'probe-broken',
  'probe-unready',
  'probe-slow',
  'health-passed',
  'health-failed',
  'silent',
);
const outcome = fc.constantFrom<OutcomeKind>('ok', 'status', 'connect-failed', 'connect-timeout', 'reset', 'cut', 'timeout', 'client-gone');
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ op: fc.constant('add' as const), host }),
  fc.record({ op: fc.constant('remove' as const), host }),
  fc.record({ op: fc.constant('probe' as const), host, event: probeEvent }),
  fc.record({ op: fc.constant('dispatch' as const) }),
  fc.record({ op: fc.constant('settle' as const), nth: fc.nat(), kind: outcome }),
);

test('under any order of events indices are unique, counters balance, and ready workers are eligible, or else unready ones', () => {
  fc.assert(
    fc.property(fc.array(anyOp, { maxLength: 120, size: 'max' }), (ops) => {
      const rig = createRig();
      const running: Worker[] = [];
      for (const op of ops) {
        const version = rig.cell.current.version;
        apply(rig, op, running);
        check(rig, running, version);
      }
    }),
  );
});

/** `running`: owners of the attempts in flight. */
function apply({ registry, cell, load }: Rig, op: Op, running: Worker[]): void {
  if (op.op === 'add') add(registry, op.host);
  if (op.op === 'remove' || op.op === 'probe') {
    const record = registry.findByUrl(addressOf(op.host).url);
    if (record === null) return;
    if (op.op === 'remove') registry.remove(record, SOURCE);
    else registry.probeEnded(record, op.event, '');
  }
  if (op.op === 'dispatch') {
    const index = cell.current.eligible.regular.at(-1);
    if (index === undefined) return;
    load.acquire(index);
    running.push(cell.current.workers[index]!);
  }
  if (op.op === 'settle' && running.length > 0) {
    const [worker] = running.splice(op.nth % running.length, 1);
    load.release(worker!.index);
    registry.attemptEnded(worker!.index, { kind: op.kind, status: 0 });
  }
}

function check({ registry, cell, load }: Rig, running: readonly Worker[], versionBefore: number): void {
  const snapshot: FleetSnapshot = cell.current;
  assert.ok(snapshot.version >= versionBefore);
  const registered = registry.list();
  assert.equal(snapshot.total, registered.length);
  assert.equal(snapshot.workers.filter((worker) => worker !== undefined).length, registered.length);
  for (const { worker } of registered) assert.equal(snapshot.workers[worker.index], worker, 'at its own index');
  const inPhase = (phase: Phase): number[] => registered.filter(({ state }) => state.phase === phase).map(({ worker }) => worker.index);
  const ready = inPhase('ready');
  assert.equal(registry.healthy.regular, ready.length, 'the last resort is not healthy');
  assert.deepEqual(
    [...snapshot.eligible.regular],
    (ready.length > 0 ? ready : inPhase('unready')).sort((a, b) => a - b),
  );
  for (const owner of running) {
    const there = snapshot.workers[owner.index];
    assert.ok(there === undefined || there.id === owner.id, 'the index of a running attempt belongs to no other worker');
  }
  for (let index = 0; index < load.inflight.length; index++) {
    assert.equal(load.inflight[index], running.filter((owner) => owner.index === index).length);
  }
}
