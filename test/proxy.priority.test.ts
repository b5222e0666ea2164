/** Requests of several priority classes: whose turn it is, what is kept for whom, and what each is told. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ScrapedMetrics } from './support/prometheus.ts';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { type Call, ScriptedWorker } from './support/scripted-worker.ts';
import { type Gate, gate, until } from './support/until.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';
const CLASSES = ['system', 'interactive', 'default', 'bulk'];

interface Rig {
  readonly router: TestRouter;
  readonly worker: ScriptedWorker;
  /** Sends a request of this class on a connection of its own. */
  send(name: string): Promise<RawClient>;
  /** Ends the oldest request at the worker. */
  endOldest(): Promise<void>;
  /** Classes of the requests at the worker, in order of arrival. */
  arrived(): readonly (string | undefined)[];
  scrape(): Promise<ScrapedMetrics>;
}

/** `running`: what the worker says that it runs at the same time. */
async function rig(t: TestContext, running: number, file: string, flags: readonly string[] = []): Promise<Rig> {
  const ends = new Map<Call, Gate>();
  const worker = await ScriptedWorker.start(t, async (call) => {
    const end = gate();
    ends.set(call, end);
    await call.body();
    await Promise.race([end.promise, call.forever()]);
  });
  worker.probe = (path) =>
    path === '/server_info'
      ? { status: 200, body: JSON.stringify({ max_running_requests: running }) }
      : { status: path === '/ready' ? 200 : 404 };
  const router = await startTestRouter(
    t,
    [
      ...['--priority-scheduler-enabled', '--priority-scheduler-default-max-class', 'system', '--forward-headers', 'x-smg-priority'],
      // The router of the tests takes the path of a file for its text.
      ...['--priority-scheduler-config', file, ...flags],
    ],
    [worker],
  );
  const scrape = async (): Promise<ScrapedMetrics> => {
    const { host, port } = router.running.metricsAddress ?? assert.fail();
    return new ScrapedMetrics(await (await fetch(`http://${host}:${port}/metrics`)).text());
  };
  for (let tries = 0; (await scrape()).value('smg_scheduler_slots') !== running; tries++) assert.ok(tries < 500);
  return {
    router,
    worker,
    scrape,
    send: async (name) => {
      const client = await router.connect();
      const before = (await scrape()).total('smg_scheduler_admit_total') + (await scrape()).total('smg_scheduler_queue_depth');
      await client.send(requestBytes({ path: '/generate', body: '{"text":"x"}', headers: { 'x-smg-priority': name } }));
      // The order of arrival is the order of the calls.
      for (let tries = 0; ; tries++) {
        const metrics = await scrape();
        if (metrics.total('smg_scheduler_admit_total') + metrics.total('smg_scheduler_queue_depth') > before) return client;
        assert.ok(tries < 500);
      }
    },
    endOldest: async () => {
      const [call, end] = ends.entries().next().value ?? assert.fail('no request at the worker');
      ends.delete(call);
      await call.write(ANSWER);
      end.open();
    },
    arrived: () => worker.calls.map((call) => call.header('x-smg-priority')),
  };
}

const NO_RESERVES =
  'classes: {system: {reserved_floor: 0}, interactive: {reserved_floor: 0, reserved_per_slot: 0}, default: {reserved_per_slot: 0}}';

suite('priority classes', () => {
  test('get slots by weight: a higher class that waits goes first, a lower one is not forgotten', async (t) => {
    const { send, endOldest, arrived, worker, scrape } = await rig(t, 1, NO_RESERVES);
    const clients: RawClient[] = [await send('bulk')];
    await until(() => worker.calls.length === 1, 'the first request');
    for (const name of ['bulk', 'default', 'interactive', 'system']) for (let i = 0; i < 2; i++) clients.push(await send(name));
    for (let i = 1; i < 9; i++) {
      await endOldest();
      await until(() => worker.calls.length === i + 1, `request ${i + 1}`);
    }
    await endOldest();
    assert.deepEqual(arrived(), ['bulk', 'system', 'interactive', 'default', 'system', 'interactive', 'default', 'bulk', 'bulk']);
    for (const client of clients) assert.equal((await client.response()).status, 200);
    const metrics = await scrape();
    for (const name of CLASSES) {
      assert.equal(metrics.value('smg_scheduler_admit_total', { class: name, outcome: 'admitted' }), name === 'bulk' ? 3 : 2);
      assert.equal(metrics.count('smg_scheduler_queue_wait_seconds', { class: name }), 2);
    }
  });

  test('keep slots for a class that is quiet', async (t) => {
    const file =
      'classes: {system: {reserved_floor: 0}, interactive: {reserved_floor: 2, reserved_per_slot: 0}, default: {reserved_per_slot: 0}}';
    const { send, worker, arrived, scrape } = await rig(t, 4, file);
    const bulk = [await send('bulk'), await send('bulk'), await send('bulk')];
    await until(() => worker.calls.length === 2, 'two requests of bulk');
    const quick = [await send('interactive'), await send('interactive')];
    await until(() => worker.calls.length === 4, 'all slots to be in use');
    assert.deepEqual(arrived(), ['bulk', 'bulk', 'interactive', 'interactive']);
    assert.equal((await scrape()).value('smg_scheduler_queue_depth', { class: 'bulk' }), 1);
    for (const client of [...bulk, ...quick]) client.destroy();
    await until(() => worker.calls.length === 4 || worker.calls.length === 5, 'the end');
  });

  test('lend a kept slot to a request that has waited for the threshold', async (t) => {
    const file =
      'classes: {system: {reserved_floor: 1}, interactive: {reserved_floor: 0, reserved_per_slot: 0}, default: {reserved_per_slot: 0}, bulk: {starvation_threshold_secs: 0.3}}';
    const { send, worker, scrape } = await rig(t, 2, file);
    await send('bulk');
    const startMs = performance.now();
    await send('bulk');
    await until(() => worker.calls.length === 2, 'the second request of bulk');
    assert.ok(performance.now() - startMs >= 290);
    assert.equal((await scrape()).value('smg_scheduler_starvation_promotion_total', { class: 'bulk' }), 1);
  });

  test('have queues and times of their own', async (t) => {
    const file = `classes: {bulk: {queue_size: 1}, interactive: {queue_timeout_secs: 0.3, reserved_floor: 0, reserved_per_slot: 0}, system: {reserved_floor: 0}}`;
    const { send, router, scrape } = await rig(t, 1, file);
    await send('default');
    await send('bulk');
    const full = await router.connect();
    await full.send(requestBytes({ path: '/generate', body: '{"text":"x"}', headers: { 'x-smg-priority': 'bulk' } }));
    const late = await send('interactive');
    for (const [client, status, code] of [
      [full, 429, 'scheduler_queue_full'],
      [late, 408, 'scheduler_queue_timeout'],
    ] as const) {
      const answer = await client.response();
      assert.deepEqual([answer.status, answer.get('x-smg-error-code')], [status, code]);
      assert.match(answer.get('retry-after') ?? '', /^[1-9]\d*$/);
      assert.equal((answer.json() as { error: { code: string } }).error.code, code);
    }
    const metrics = await scrape();
    assert.equal(metrics.value('smg_scheduler_admit_total', { class: 'bulk', outcome: 'rejected_queue_full' }), 1);
    assert.equal(metrics.value('smg_scheduler_admit_total', { class: 'interactive', outcome: 'rejected_queue_timeout' }), 1);
    assert.equal(metrics.value('smg_scheduler_queue_size_limit', { class: 'bulk' }), 1);
  });

  test('keep a flood of one class from holding up another', async (t) => {
    const { router, worker, scrape } = await rig(t, 2, NO_RESERVES);
    worker.script = async (call) => {
      await call.body();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await call.write(ANSWER);
    };
    let isOver = false;
    let flood = 0;
    const ask = async (client: RawClient, name: string): Promise<void> => {
      await client.send(requestBytes({ path: '/generate', body: '{"text":"x"}', headers: { 'x-smg-priority': name } }));
      assert.equal((await client.response()).status, 200);
    };
    const greedy = Array.from({ length: 40 }, async () => {
      const client = await router.connect();
      while (!isOver) {
        await ask(client, 'bulk');
        flood++;
      }
    });
    await until(() => flood > 50, 'the flood');
    const modest = await router.connect();
    for (let i = 0; i < 10; i++) {
      const before = flood;
      await ask(modest, 'interactive');
      // Those under way, those that end while its bytes travel, and a turn of bulk: never the queue of forty.
      assert.ok(flood - before <= 15, `${flood - before} requests of bulk went first`);
    }
    isOver = true;
    await Promise.all(greedy);
    assert.equal((await scrape()).total('smg_scheduler_inflight'), 0);
  });

  test('limit what the operator says with --max-concurrent-requests', async (t) => {
    const { send, worker, scrape } = await rig(t, 3, NO_RESERVES, ['--max-concurrent-requests', '3']);
    for (let i = 0; i < 5; i++) await send('default');
    await until(() => worker.calls.length === 3, 'three requests');
    assert.equal((await scrape()).value('smg_scheduler_queue_depth', { class: 'default' }), 2);
  });
});

test('a class above the ceiling counts as the ceiling, and the router says at its start that it has one', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--priority-scheduler-enabled'], [worker], { logger: new RecordingLogger() });
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: '{"text":"x"}', headers: { 'x-smg-priority': 'interactive' } }));
  assert.equal((await client.response()).status, 200);
  const { host, port } = router.running.metricsAddress ?? assert.fail();
  const metrics = new ScrapedMetrics(await (await fetch(`http://${host}:${port}/metrics`)).text());
  assert.equal(metrics.value('smg_scheduler_clamp_total', { requested_class: 'interactive', effective_class: 'default' }), 1);
  assert.equal(metrics.value('smg_scheduler_admit_total', { class: 'default', outcome: 'admitted' }), 1);
});
