import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FleetCell } from '../../../base/core/fleet.ts';
import { LoadTable } from '../../../base/core/load.ts';
import { parseWorkerAddress } from '../../../base/core/worker-address.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import { Registry } from './registry.ts';
import type { DesiredWorker, Source } from './source.ts';
import { DEFAULT_OPTIONS, type WorkerOptions } from './worker-options.ts';
import type { WorkerRecord } from './worker-record.ts';

const COMMAND_LINE: Source = { name: 'the command line', label: 'static', isLasting: false };
const API: Source = { name: 'the control API', label: 'manual', isLasting: false };
const FILE: Source = { name: 'the file workers', label: 'static', isLasting: true };
const CLUSTER: Source = { name: 'the cluster', label: 'static', isLasting: true };

const urlOf = (host: string): string => `http://${host}:30000`;

function want(host: string, options: Partial<WorkerOptions> = {}): DesiredWorker {
  const parsed = parseWorkerAddress(urlOf(host));
  assert.ok(parsed.ok);
  return { address: parsed.address, options: { ...DEFAULT_OPTIONS, ...options } };
}

class Rig {
  readonly cell = new FleetCell();
  readonly load = new LoadTable();
  readonly registry: Registry;
  readonly heard: string[] = [];

  constructor(maxWorkers = 100) {
    this.registry = new Registry({ cell: this.cell, load: this.load, rng: createRng(5), clock: new FakeClock(), maxWorkers });
    this.registry.observe({
      workerAdded: ({ worker, claims }) => void this.heard.push(`+${worker.host} ${claims.decider.name}`),
      workerRemoved: ({ worker }, by) => void this.heard.push(`-${worker.host} ${by.name}`),
    });
  }

  /** The result for each worker. */
  desire(source: Source, ...workers: readonly DesiredWorker[]): string[] {
    return this.registry.desire(source, workers).map(({ kind }) => kind);
  }

  find(host: string): WorkerRecord {
    const record = this.registry.findByUrl(urlOf(host));
    assert.ok(record !== null, `${host} is not registered`);
    return record;
  }

  get hosts(): string[] {
    return this.registry.list().map(({ worker }) => worker.host);
  }
}

test('workers that a lasting source stops naming leave, and new ones join, in one publication', () => {
  const rig = new Rig();
  rig.desire(FILE, want('a'), want('b'));
  const { version } = rig.cell.current;
  assert.deepEqual(rig.desire(FILE, want('b'), want('c')), ['known', 'added']);
  assert.deepEqual([rig.hosts, rig.cell.current.version], [['b', 'c'], version + 1]);
  assert.deepEqual(rig.heard, ['+a the file workers', '+b the file workers', '-a the file workers', '+c the file workers']);
});

test('a one-time source never drops its claims', () => {
  const rig = new Rig();
  rig.desire(COMMAND_LINE, want('a'));
  rig.desire(COMMAND_LINE, want('b'));
  rig.desire(API, want('c'));
  rig.desire(API);
  assert.deepEqual(rig.hosts, ['a', 'b', 'c']);
});

test('naming the same workers again publishes nothing', () => {
  const rig = new Rig();
  const wanted = [want('a', { labels: { zone: 'x' } }), want('b')];
  rig.desire(FILE, ...wanted);
  const { version } = rig.cell.current;
  assert.deepEqual(rig.desire(FILE, want('a', { labels: { zone: 'x' } }), want('b')), ['known', 'known']);
  assert.equal(rig.cell.current.version, version);
});

test('other options of the same source change the worker in place, another role makes it another worker', () => {
  const rig = new Rig();
  rig.desire(FILE, want('a', { type: 'prefill', bootstrapPort: 8998 }));
  const before = rig.find('a');
  assert.deepEqual(rig.desire(FILE, want('a', { type: 'prefill', priority: 7, labels: { zone: 'x' } })), ['known']);
  const { id, priority, labels, bootstrapPort } = rig.find('a').worker;
  assert.deepEqual([id, priority, labels, bootstrapPort], [before.worker.id, 7, { zone: 'x' }, 8998]);
  assert.deepEqual(rig.desire(FILE, want('a', { type: 'decode' })), ['added']);
  const after = rig.find('a');
  assert.deepEqual([after.worker.type, before.state.phase], ['decode', 'removed']);
  assert.notEqual(after.worker.id, id);
});

test('the control API removes and changes workers of the command line and of its own, not those of a lasting source', () => {
  const rig = new Rig();
  rig.desire(COMMAND_LINE, want('a'));
  rig.desire(API, want('b'));
  rig.desire(FILE, want('c'));
  for (const host of ['a', 'b']) {
    assert.equal(rig.registry.update(rig.find(host), { ...DEFAULT_OPTIONS, priority: 1 }), null);
    assert.equal(rig.find(host).worker.priority, 1);
    assert.equal(rig.registry.remove(rig.find(host), API), null);
  }
  assert.equal(rig.registry.update(rig.find('c'), { ...DEFAULT_OPTIONS, priority: 1 }), FILE);
  assert.equal(rig.registry.remove(rig.find('c'), API), FILE);
  assert.deepEqual([rig.hosts, rig.find('c').worker.priority], [['c'], 50]);
  assert.deepEqual(rig.heard.slice(3), ['-a the control API', '-b the control API']);
});

test('a worker that two lasting sources want leaves with the last of them; the options are those of the first', () => {
  const rig = new Rig();
  rig.desire(FILE, want('a', { priority: 1 }));
  rig.desire(CLUSTER, want('a', { priority: 2 }));
  const { id } = rig.find('a').worker;
  assert.deepEqual([rig.find('a').worker.priority, rig.find('a').claims.decider], [1, FILE]);
  rig.desire(CLUSTER, want('a', { priority: 3 }));
  assert.equal(rig.find('a').worker.priority, 1);
  rig.desire(FILE);
  assert.deepEqual([rig.find('a').worker.priority, rig.find('a').claims.decider, rig.find('a').worker.id], [3, CLUSTER, id]);
  rig.desire(CLUSTER);
  assert.deepEqual([rig.hosts, rig.heard.at(-1)], [[], '-a the cluster']);
});

test('a lasting source sets the options of a worker of the command line while it wants it, and the old ones hold afterwards', () => {
  const rig = new Rig();
  rig.desire(COMMAND_LINE, want('a'));
  rig.registry.update(rig.find('a'), { ...DEFAULT_OPTIONS, priority: 9 });
  rig.desire(FILE, want('a', { priority: 1 }));
  assert.deepEqual([rig.find('a').worker.priority, rig.registry.remove(rig.find('a'), API)], [1, FILE]);
  rig.desire(FILE);
  assert.deepEqual([rig.hosts, rig.find('a').worker.priority], [['a'], 9]);
  assert.equal(rig.registry.remove(rig.find('a'), API), null);
});

test('a one-time source has no claim to a worker that is registered already', () => {
  const rig = new Rig();
  rig.desire(FILE, want('a'));
  assert.deepEqual(rig.desire(API, want('a', { priority: 1 })), ['known']);
  assert.equal(rig.find('a').worker.priority, 50);
  rig.desire(FILE);
  assert.deepEqual(rig.hosts, []);
});

test('another role than that of another source is a conflict until that source drops the worker', () => {
  const rig = new Rig();
  rig.desire(COMMAND_LINE, want('a', { type: 'prefill', bootstrapPort: 1 }));
  for (const other of [want('a', { type: 'decode' }), want('a', { type: 'prefill', bootstrapPort: 2 })]) {
    assert.deepEqual(rig.desire(API, other), ['conflict']);
    assert.deepEqual(rig.desire(FILE, other), ['conflict']);
  }
  assert.equal(rig.find('a').claims.keeper, null, 'a conflict is no claim');
  rig.desire(FILE, want('a', { type: 'prefill' }));
  assert.equal(rig.find('a').claims.keeper, FILE);
  assert.deepEqual(rig.desire(FILE, want('a', { type: 'decode' })), ['conflict']);
  assert.equal(rig.find('a').claims.keeper, null, 'nor does the old claim stay');
  assert.equal(rig.registry.remove(rig.find('a'), API), null);
  assert.deepEqual(rig.desire(FILE, want('a', { type: 'decode' })), ['added']);
});

test('a URL that is named twice counts once, with its first options', () => {
  const rig = new Rig();
  const wanted = [want('a', { priority: 1 }), want('a', { priority: 2 }), want('a', { type: 'decode' })];
  assert.deepEqual(rig.desire(FILE, ...wanted), ['added', 'known', 'conflict']);
  assert.deepEqual(rig.desire(FILE, ...wanted), ['known', 'known', 'conflict']);
  assert.deepEqual([rig.hosts, rig.find('a').worker.priority], [['a'], 1]);
});

test('in a full router a source that drops a worker makes room for another', () => {
  const rig = new Rig(2);
  assert.deepEqual(rig.desire(FILE, want('a'), want('b'), want('c'), want('c')), ['added', 'added', 'full', 'full']);
  assert.deepEqual(rig.desire(FILE, want('b'), want('c')), ['known', 'added']);
  assert.deepEqual(rig.hosts, ['b', 'c']);
});

const HOSTS = ['a', 'b', 'c', 'd'] as const;
const wanted = fc.uniqueArray(fc.record({ host: fc.constantFrom(...HOSTS), priority: fc.nat(3) }), { selector: ({ host }) => host });
const anyOp = fc.oneof(
  fc.record({ op: fc.constant('desire' as const), source: fc.constantFrom(COMMAND_LINE, API, FILE, CLUSTER), wanted }),
  fc.record({ op: fc.constant('remove' as const), host: fc.constantFrom(...HOSTS) }),
);

test('under any calls a worker is registered while a source claims it, and the options are those of the first lasting source', () => {
  fc.assert(
    fc.property(fc.array(anyOp, { maxLength: 30 }), (ops) => {
      const rig = new Rig();
      /** By host: claims of lasting sources in order, and that of a one-time source. */
      const lasting = new Map<string, Map<Source, number>>(HOSTS.map((host) => [host, new Map()]));
      const moment = new Map<string, number>();
      for (const op of ops) {
        if (op.op === 'remove') {
          const record = rig.registry.findByUrl(urlOf(op.host));
          if (record !== null) rig.registry.remove(record, API);
          if (lasting.get(op.host)?.size === 0) moment.delete(op.host);
        } else {
          rig.desire(op.source, ...op.wanted.map(({ host, priority }) => want(host, { priority })));
          if (op.source.isLasting) {
            for (const [host, claims] of lasting) if (!op.wanted.some((one) => one.host === host)) claims.delete(op.source);
            for (const { host, priority } of op.wanted) lasting.get(host)?.set(op.source, priority);
          } else {
            for (const { host, priority } of op.wanted) {
              if (lasting.get(host)?.size === 0 && !moment.has(host)) moment.set(host, priority);
            }
          }
        }
        for (const host of HOSTS) {
          const [first] = lasting.get(host) ?? [];
          const expected = first?.[1] ?? moment.get(host);
          const record = rig.registry.findByUrl(urlOf(host));
          assert.equal(record?.worker.priority, expected, host);
          assert.equal(record?.claims.keeper ?? null, first?.[0] ?? null, host);
        }
        assert.equal(rig.cell.current.total, rig.registry.list().length);
      }
    }),
  );
});
