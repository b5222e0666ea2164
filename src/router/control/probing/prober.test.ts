import assert from 'node:assert/strict';
import test from 'node:test';
import { FleetCell } from '../../../base/core/fleet.ts';
import { LoadTable } from '../../../base/core/load.ts';
import { parseWorkerAddress } from '../../../base/core/worker-address.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import type { CallResult, WorkerClient } from '../calls/worker-client.ts';
import { Registry } from '../registry/registry.ts';
import type { Source } from '../registry/source.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { DEFAULT_TARGET } from './probe.ts';
import { Prober, type ProberSettings } from './prober.ts';

const SETTINGS: ProberSettings = {
  target: DEFAULT_TARGET,
  awayIntervalMs: 500,
  rareAfterMs: 60_000,
  isIdle: () => false,
};
const SOURCE: Source = { name: 'a test', label: 'static', isLasting: false };
const REFUSED: CallResult = { ok: false, failure: 'no-connection', detail: 'ECONNREFUSED' };
const ABORTED: CallResult = { ok: false, failure: 'aborted', detail: 'aborted' };
const READY: CallResult = { ok: true, status: 200, body: Buffer.alloc(0) };

/** Remembers when each call began; a call ends when the test says how, or when it is aborted. */
class FakeClient implements WorkerClient {
  readonly startsMs: number[] = [];
  readonly running: ((result: CallResult) => void)[] = [];
  /** Answers every call at once when set. */
  always: CallResult | null = null;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  open(_worker: unknown, signal: AbortSignal): ReturnType<WorkerClient['open']> {
    return {
      post: () => Promise.reject(new Error('probes are GET')),
      get: () => {
        this.startsMs.push(this.#clock.nowMs());
        if (this.always !== null) return Promise.resolve(this.always);
        return new Promise((resolve) => {
          const end = (result: CallResult): void => {
            this.running.splice(this.running.indexOf(end), 1);
            resolve(result);
          };
          this.running.push(end);
          signal.addEventListener('abort', () => end(ABORTED));
        });
      },
      close: async () => {},
    };
  }
}

interface Rig {
  readonly clock: FakeClock;
  readonly client: FakeClient;
  readonly prober: Prober;
  readonly registry: Registry;
  readonly reports: string[];
  add(host: string): WorkerRecord;
  /** Moves time in small steps and lets promises run between them. */
  pass(ms: number): Promise<void>;
}

function createRig(settings: Partial<ProberSettings> = {}): Rig {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const reports: string[] = [];
  const rng = createRng(3);
  const registry = new Registry({ cell: new FleetCell(), load: new LoadTable(), rng, clock });
  registry.observe({ probeEnded: (_record, event) => void reports.push(event) });
  const prober = new Prober(clock, rng, client, { ...SETTINGS, ...settings }, registry);
  registry.observe(prober);
  return {
    clock,
    client,
    prober,
    registry,
    reports,
    add(host) {
      const parsed = parseWorkerAddress(`http://${host}:1`);
      assert.ok(parsed.ok);
      const [result] = registry.desire(SOURCE, [{ address: parsed.address, options: DEFAULT_OPTIONS }]);
      assert.ok(result?.kind === 'added');
      return result.record;
    },
    async pass(ms) {
      for (const endMs = clock.nowMs() + ms; clock.nowMs() < endMs; ) {
        clock.advance(Math.min(10, endMs - clock.nowMs()));
        await settle();
      }
    },
  };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]!);
}

test('a worker that refuses is probed about every 500 ms, and later every 1.5 s', async () => {
  const { client, pass, add } = createRig({ rareAfterMs: 5000 });
  client.always = REFUSED;
  add('a');
  await pass(4900);
  assert.ok(client.startsMs.length >= 9, `${client.startsMs.length} probes`);
  for (const gap of gaps(client.startsMs)) assert.ok(gap >= 440 && gap <= 570, `${gap} ms`);
  const before = client.startsMs.length;
  await pass(20_000);
  const rare = gaps(client.startsMs.slice(before + 1));
  assert.ok(rare.length >= 2);
  for (const gap of rare) assert.ok(gap >= 1340 && gap <= 1660, `${gap} ms`);
});

test('a ready worker is probed about every ten seconds, one probe at a time', async () => {
  const { client, pass, add } = createRig();
  client.always = READY;
  add('a');
  await pass(65_000);
  assert.ok(client.startsMs.length >= 6 && client.startsMs.length <= 8);
  client.always = null;
  await pass(60_000);
  assert.equal(client.running.length, 1, 'no other probe starts while one hangs');
});

test('while an earlier probe of an away worker hangs, at most three more are started', async () => {
  const { client, pass, add } = createRig();
  add('a');
  await pass(60_000);
  assert.equal(client.running.length, 4);
  for (const gap of gaps(client.startsMs)) assert.ok(gap >= 1120 && gap <= 1400, `${gap} ms`);
});

test('the report of a probe that is older than a later one is dropped', async () => {
  const { client, pass, add, reports } = createRig();
  const record = add('a');
  await pass(2000);
  const [older, newer] = [...client.running];
  newer!(READY);
  await settle();
  older!(REFUSED);
  await settle();
  assert.deepEqual(reports, ['probe-passed']);
  assert.equal(record.state.phase, 'ready');
});

test('a probe that began before an attempt found no connection does not bring the worker back', async () => {
  const { client, pass, add, registry, reports } = createRig();
  client.always = READY;
  const record = add('a');
  await pass(1000);
  client.always = null;
  await pass(10_500);
  assert.equal(client.running.length, 1);
  registry.attemptEnded(record.worker.index, { kind: 'connect-failed', status: 0 });
  client.running[0]!(READY);
  await settle();
  assert.equal(record.state.phase, 'unreachable');
  assert.deepEqual(reports, ['probe-passed']);
  client.always = READY;
  await pass(260);
  assert.equal(record.state.phase, 'ready', 'a probe soon after does');
});

test('however many requests fail on a ready worker, it is not probed more often than every 100 ms', async () => {
  const { client, pass, add, registry } = createRig();
  client.always = READY;
  const record = add('a');
  await pass(1000);
  client.startsMs.length = 0;
  for (let i = 0; i < 100; i++) {
    for (const kind of ['cut', 'reset', 'cut'] as const) registry.attemptEnded(record.worker.index, { kind, status: 0 });
    await pass(10);
  }
  assert.ok(client.startsMs.length >= 3 && client.startsMs.length <= 11, `${client.startsMs.length} probes in 1 s`);
});

test('a reset has the worker probed at once', async () => {
  const { client, pass, add, registry } = createRig();
  client.always = READY;
  const record = add('a');
  await pass(1000);
  const before = client.startsMs.length;
  registry.attemptEnded(record.worker.index, { kind: 'reset', status: 0 });
  await pass(10);
  assert.equal(client.startsMs.length, before + 1);
});

test('workers that hang do not delay the first probe of another one', async () => {
  const { client, pass, add, clock } = createRig();
  for (let i = 0; i < 300; i++) add(`hangs-${i}`);
  await pass(3000);
  const openMs = clock.nowMs();
  client.always = READY;
  const record = add('well');
  await pass(1000);
  assert.equal(record.state.phase, 'ready');
  assert.ok(clock.nowMs() - openMs <= 1000);
  assert.ok(client.running.length <= 1024);
});

test('removal and stop abort what runs, and no timer is left', async () => {
  const { client, pass, add, registry, prober, clock, reports } = createRig();
  const first = add('a');
  add('b');
  await pass(2000);
  registry.remove(first, SOURCE);
  await settle();
  assert.equal(client.running.length, 2, 'those of the other worker');
  await prober.stop();
  await prober.stop();
  assert.equal(client.running.length, 0);
  assert.equal(clock.pending, 0);
  assert.deepEqual(reports, []);
});
