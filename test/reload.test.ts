/** Reloads of settings: a router in this process, workers and clients with sockets. Signals and files: reload.program.test.ts. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { realClock } from '../src/base/runtime/clock.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { type RunningRouter, startRouter } from '../src/router/compose.ts';
import { formatProblems, type LoadedConfig, loadConfig } from '../src/router/config/load-config.ts';
import type { ReloadResult } from '../src/router/reload.ts';
import { ScrapedMetrics } from './support/prometheus.ts';
import { ask, RawClient, requestBytes } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { answer, type Call, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

interface Rig {
  readonly router: RunningRouter;
  readonly port: number;
  readonly logger: RecordingLogger;
  /** Reloads with this text as the file of --config. */
  reload(text: string): Promise<ReloadResult>;
  connect(): Promise<RawClient>;
  metrics(): Promise<ScrapedMetrics>;
  /** URLs of workers that may take requests. */
  eligible(): string[];
}

/** `flags`: beside the file, as on the command line. */
async function start(t: TestContext, text: string, flags: readonly string[] = []): Promise<Rig> {
  const logger = new RecordingLogger();
  let now = text;
  const quiet = ['--port', '0', '--prometheus-port', '0', '--metrics-path', '/metrics', '--seed', '1'];
  const load = (): LoadedConfig => loadConfig({ argv: ['--config', 'r.yaml', ...quiet, ...flags], env: {}, readFile: () => now });
  const loaded = load();
  if (loaded.kind !== 'config') throw new Error(loaded.kind === 'errors' ? formatProblems(loaded.problems) : loaded.kind);
  const settings = { file: { path: 'r.yaml', isWatched: false }, load: async () => load(), applied: () => {} };
  const router = await startRouter(loaded.config, { clock: realClock, rng: createRng(1), logger, settings }, false);
  const clients: RawClient[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    const stopped = router.stop();
    router.hurry();
    await stopped;
  });
  const { port } = router.address;
  return {
    router,
    port,
    logger,
    reload: (next) => {
      now = next;
      return router.reload('SIGHUP');
    },
    connect: async () => {
      const client = await RawClient.connect(port);
      clients.push(client);
      return client;
    },
    metrics: async () => new ScrapedMetrics((await ask(port, { path: '/metrics' })).text),
    eligible: () => {
      const { eligible, workers } = router.fleet.current;
      return [...eligible.regular].map((index) => workers[index]?.url ?? 'a hole');
    },
  };
}

const untilEligible = (rig: Rig, ...workers: readonly ScriptedWorker[]): Promise<void> =>
  until(
    () =>
      rig.eligible().sort().join() ===
      workers
        .map(({ url }) => url)
        .sort()
        .join(),
    'the workers',
  );

const changedBy = (result: ReloadResult): readonly string[] => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.changed;
};

/** A request whose worker waits for `go`. */
async function held(rig: Rig, worker: ScriptedWorker): Promise<{ client: RawClient; go: () => void }> {
  const arrived = gate();
  const go = gate();
  worker.script = async (call: Call) => {
    await call.body();
    arrived.open();
    await go.promise;
    await call.write(answer(200, {}, 'held'));
  };
  const client = await rig.connect();
  await client.send(requestBytes({ body: '{}' }));
  await arrived.promise;
  return { client, go: () => go.open() };
}

test('workers, policy and settings change together; streams and idle connections stay', async (t) => {
  const [a, b, c] = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const go = gate();
  const arrived = gate();
  a.script = async (call) => {
    await call.body();
    await call.write(sseHead());
    await call.chunk('data: 1\n\n');
    arrived.open();
    await go.promise;
    await call.chunk('data: [DONE]\n\n');
    await call.write('0\r\n\r\n');
  };
  const rig = await start(t, `worker-urls: [${a.url}]\n`);
  await untilEligible(rig, a);
  const streaming = await rig.connect();
  await streaming.send(requestBytes({ path: '/generate', body: '{"stream":true}' }));
  await arrived.promise;
  const idle = await rig.connect();
  await idle.send(requestBytes({ path: '/health' }));
  assert.equal((await idle.response()).status, 200);

  const result = await rig.reload(`worker-urls: [${b.url}, ${c.url}]\npolicy: random\nrequest-timeout-secs: 60\n`);
  assert.deepEqual(changedBy(result), ['--worker-urls', '--policy', '--request-timeout-secs']);
  await untilEligible(rig, b, c);
  for (let i = 0; i < 20; i++) {
    await idle.send(requestBytes({ body: '{}' }));
    assert.equal((await idle.response()).status, 200, 'the same connection serves on');
  }
  assert.ok(b.calls.length > 0 && c.calls.length > 0 && a.calls.length === 1);
  const metrics = await rig.metrics();
  assert.equal(metrics.total('smg_worker_selection_total', { policy: 'random' }), 20);
  go.open();
  assert.equal((await streaming.response()).text, 'data: 1\n\ndata: [DONE]\n\n');
  await until(() => a.openSockets === 0, 'the pool of the removed worker to close');
  assert.equal((await rig.metrics()).total('smg_inflight_drift'), 0);
});

test('a worker that the control API removed or added stays so, unless the settings change about it', async (t) => {
  const [a, b, c] = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const rig = await start(t, `worker-urls: [${a.url}, ${b.url}]\n`);
  await untilEligible(rig, a, b);
  assert.equal((await ask(rig.port, { method: 'DELETE', path: `/workers/${encodeURIComponent(a.url)}` })).status, 202);
  assert.equal((await ask(rig.port, { path: '/workers', body: JSON.stringify({ url: c.url }) })).status, 202);
  changedBy(await rig.reload(`worker-urls: [${a.url}, ${b.url}]\nretry-max-retries: 2\n`));
  await untilEligible(rig, b, c);
  changedBy(await rig.reload(`worker-urls: [${b.url}]\n`));
  changedBy(await rig.reload(`worker-urls: [${a.url}]\n`));
  await untilEligible(rig, a, c);
});

test('pairs: workers of both roles, their policies and the time for prefill change', async (t) => {
  const [prefill, one, two] = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const file = (port: number, decode: readonly ScriptedWorker[], more = ''): string =>
    `prefill: ["${prefill.url} ${port}"]\ndecode: [${decode.map(({ url }) => url).join(', ')}]\n${more}`;
  const rig = await start(t, file(8998, [one]), ['--pd-disaggregation', '--disable-retries']);
  const listed = async (): Promise<unknown[]> => {
    const { workers } = (await ask(rig.port, { path: '/workers' })).json() as { workers: Record<string, unknown>[] };
    return workers.map(({ url, worker_type, bootstrap_port }) => [url, worker_type, bootstrap_port]);
  };
  const ready = async (): Promise<boolean> => (await ask(rig.port, { path: '/readiness' })).status === 200;
  while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 10));
  const result = await rig.reload(file(9000, [one, two], 'decode-policy: power_of_two\npd-bootstrap-timeout-secs: 0.2\n'));
  assert.deepEqual(changedBy(result), ['--prefill', '--decode', '--decode-policy', '--pd-bootstrap-timeout-secs']);
  await until(
    () => rig.router.fleet.current.eligible.decode.length === 2 && rig.router.fleet.current.eligible.prefill.length === 1,
    'the pair',
  );
  assert.deepEqual(await listed(), [
    [one.url, 'decode', undefined],
    [prefill.url, 'prefill', 9000],
    [two.url, 'decode', undefined],
  ]);
  for (const worker of [prefill, one, two])
    worker.script = async (call) => {
      await call.body();
      if (call.target === '/abort_request') await call.write(answer(200, {}, ''));
      else await call.forever();
    };
  assert.equal((await ask(rig.port, { path: '/generate', body: '{"text":"a"}' })).status, 504, 'prefill is given up after 0.2 s');
  assert.ok((await rig.metrics()).total('smg_worker_selection_total', { policy: 'power_of_two' }) >= 1);
});

suite('nothing changes', () => {
  test('when the file has problems, and the log names all of them', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const rig = await start(t, `worker-urls: [${worker.url}]\n`);
    const result = await rig.reload('worker-urls: []\nrequest-timeout-secs: 0\nno-such-key: 1\n');
    assert.ok(!result.ok && result.why === 'invalid');
    assert.deepEqual(
      result.problems.map(({ flag, source }) => [flag, source]),
      [
        ['no-such-key', 'r.yaml:3:1'],
        ['--request-timeout-secs', 'r.yaml:2:1'],
      ],
    );
    assert.deepEqual(rig.eligible(), [worker.url]);
    const told = rig.logger.records.filter(({ message }) => message === 'reload refused: nothing changed');
    assert.equal(told[0]?.level, 'error');
    assert.match(String(told[0]?.fields['problems']), /r\.yaml:2:1.*expected an integer from 1/);
  });

  test('when a setting differs that needs a restart, which is named', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const rig = await start(t, `worker-urls: [${worker.url}]\n`);
    const result = await rig.reload('worker-urls: []\nmax-tree-size: 5\nforward-headers: [x-a]\npolicy: random\n');
    assert.ok(!result.ok && result.why === 'restart');
    assert.deepEqual(
      result.problems.map(({ flag, value, expected, source }) => [flag, value, expected, source]),
      [
        ['--max-tree-size', '5', '67108864 as at the start: only a restart changes it', 'r.yaml:2:1'],
        ['--forward-headers', '["x-a"]', '[] as at the start: only a restart changes it', 'r.yaml:3:1'],
      ],
    );
    assert.deepEqual(rig.eligible(), [worker.url]);
    await ask(rig.port, { body: '{}' });
    assert.equal((await rig.metrics()).total('smg_worker_selection_total', { policy: 'round_robin' }), 1);
    assert.deepEqual(changedBy(await rig.reload(`worker-urls: [${worker.url}]\n`)), [], 'what was refused is forgotten');
  });

  test('when the same file is read again', async (t) => {
    const rig = await start(t, 'retry-max-retries: 3\n');
    assert.deepEqual(changedBy(await rig.reload('retry_max_retries: 3 # the same\n')), []);
  });
});

suite('POST /admin/reload', () => {
  test('reloads, and answers what changed or what is wrong', async (t) => {
    const rig = await start(t, '');
    const post = async (text: string) => {
      await rig.reload(text);
      const { status, json } = await ask(rig.port, { path: '/admin/reload', body: '' });
      return [status, json()] as const;
    };
    assert.deepEqual(await post('queue-size: 5\n'), [200, { status: 'success', changed: [] }]);
    const problem = { flag: '--queue-size', value: '-1', expected: 'an integer from 0 to 1000000', source: 'r.yaml:1:1' };
    const error = '--queue-size "-1" (r.yaml:1:1): expected an integer from 0 to 1000000';
    assert.deepEqual(await post('queue-size: -1\n'), [400, { error, code: 'BAD_CONFIGURATION', problems: [problem] }]);
    const [status, body] = await post('seed: 7\n');
    assert.equal(status, 200, JSON.stringify(body));
    const [refused, why] = await post('log-format: json\n');
    assert.deepEqual([refused, (why as { code: string }).code], [409, 'NEEDS_RESTART']);
    assert.equal((await ask(rig.port, { method: 'GET', path: '/admin/reload' })).status, 405);
  });
});

suite('limits', () => {
  test('more slots let waiting requests go, fewer hold new ones, none end the queue', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const file = (limits: string): string => `worker-urls: [${worker.url}]\n${limits}`;
    const rig = await start(t, file('max-concurrent-requests: 1\nqueue-size: 1\n'));
    await untilEligible(rig, worker);
    const first = await held(rig, worker);
    const waiting = await rig.connect();
    await waiting.send(requestBytes({ body: '{}' }));
    await until(() => rig.router.connections() === 2, 'the second client');
    await until(() => worker.calls.length === 1, 'the first request alone');
    assert.equal((await ask(rig.port, { body: '{}' })).status, 429);

    changedBy(await rig.reload(file('max-concurrent-requests: 2\nqueue-size: 0\n')));
    await until(() => worker.calls.length === 2, 'the waiting request');
    const full = await ask(rig.port, { body: '{}' });
    assert.deepEqual([full.status, full.get('x-smg-error-code')], [429, 'admission_queue_full'], 'no queue any more');

    changedBy(await rig.reload(file('')));
    const third = await rig.connect();
    await third.send(requestBytes({ body: '{}' }));
    await until(() => worker.calls.length === 3, 'a request without limits');
    changedBy(await rig.reload(file('max-concurrent-requests: 1\nqueue-size: 0\n')));
    assert.equal((await ask(rig.port, { body: '{}' })).status, 429, 'those that began under the first limit count');
    first.go();
    for (const client of [first.client, waiting, third]) assert.equal((await client.response()).text, 'held');
    assert.equal((await ask(rig.port, { body: '{}' })).status, 200);
    assert.equal((await rig.metrics()).total('smg_admission_inflight'), 0);
  });

  test('a router without limits gets some, and a rate', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const rig = await start(t, `worker-urls: [${worker.url}]\n`);
    await untilEligible(rig, worker);
    changedBy(await rig.reload(`worker-urls: [${worker.url}]\nrate-limit-tokens-per-second: 1\nqueue-size: 0\n`));
    assert.equal((await ask(rig.port, { body: '{}' })).status, 200);
    assert.equal((await ask(rig.port, { body: '{}' })).status, 429);
    changedBy(await rig.reload(`worker-urls: [${worker.url}]\nrate-limit-tokens-per-second: 1000\nqueue-size: 10\n`));
    assert.equal((await ask(rig.port, { body: '{}' })).status, 200);
  });

  test('classes get other rules, and nobody loses a slot', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const base = `worker-urls: [${worker.url}]\npriority-scheduler-enabled: true\n`;
    const rig = await start(t, `${base}max-concurrent-requests: 1\n`);
    await untilEligible(rig, worker);
    const first = await held(rig, worker);
    const waiting = await rig.connect();
    await waiting.send(requestBytes({ body: '{}' }));
    await until(() => rig.router.connections() === 2, 'the second client');
    changedBy(await rig.reload(`${base}max-concurrent-requests: 5\npriority-scheduler-default-max-class: system\n`));
    await until(() => worker.calls.length === 2, 'the waiting request');
    first.go();
    for (const client of [first.client, waiting]) assert.equal((await client.response()).status, 200);
    const refused = await rig.reload(`worker-urls: [${worker.url}]\nmax-concurrent-requests: 5\n`);
    assert.ok(!refused.ok && refused.problems[0]?.flag === '--priority-scheduler-enabled');
  });
});

suite('settings that hold for new requests', () => {
  test('retries', async (t) => {
    const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
    for (const worker of workers)
      worker.script = async (call) => {
        await call.body();
        await call.write(answer(502, {}, 'bad'));
      };
    const urls = `worker-urls: [${workers.map(({ url }) => url).join(', ')}]\n`;
    const rig = await start(t, `${urls}disable-retries: true\n`, ['--disable-circuit-breaker']);
    await untilEligible(rig, ...workers);
    const attempts = async (): Promise<number> => {
      const before = workers[0]!.calls.length + workers[1]!.calls.length;
      assert.equal((await ask(rig.port, { body: '{}' })).status, 502);
      return workers[0]!.calls.length + workers[1]!.calls.length - before;
    };
    assert.equal(await attempts(), 1);
    changedBy(await rig.reload(`${urls}retry-max-retries: 3\nretry-initial-backoff-ms: 1\n`));
    assert.equal(await attempts(), 3);
  });

  test('the time of a request', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.forever();
    });
    const rig = await start(t, `worker-urls: [${worker.url}]\n`, ['--disable-retries']);
    await untilEligible(rig, worker);
    changedBy(await rig.reload(`worker-urls: [${worker.url}]\nrequest-timeout-secs: 1\n`));
    assert.equal((await ask(rig.port, { body: '{}' })).status, 504);
  });

  test('the largest body', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const rig = await start(t, `worker-urls: [${worker.url}]\n`);
    await untilEligible(rig, worker);
    changedBy(await rig.reload(`worker-urls: [${worker.url}]\nmax-payload-size: 10\n`));
    assert.equal((await ask(rig.port, { body: `{"a":"${'x'.repeat(20)}"}` })).status, 413);
  });

  test('the breaker opens after fewer failures, and closes when it is switched off', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write(answer(502, {}, 'bad'));
    });
    const urls = `worker-urls: [${worker.url}]\n`;
    const rig = await start(t, urls, ['--disable-retries']);
    await untilEligible(rig, worker);
    changedBy(await rig.reload(`${urls}cb-failure-threshold: 1\n`));
    assert.equal((await ask(rig.port, { body: '{}' })).status, 502);
    await until(() => rig.eligible().length === 0, 'the breaker to open');
    changedBy(await rig.reload(`${urls}disable-circuit-breaker: true\n`));
    assert.deepEqual(rig.eligible(), [worker.url]);
  });

  test('health checks are switched off and on', async (t) => {
    const worker = await ScriptedWorker.start(t);
    worker.probe = () => ({ status: 503 });
    const rig = await start(t, `worker-urls: [${worker.url}]\n`);
    await until(() => worker.probes > 0, 'a probe');
    assert.equal((await ask(rig.port, { path: '/readiness' })).status, 503);
    changedBy(await rig.reload(`worker-urls: [${worker.url}]\ndisable-health-check: true\n`));
    assert.equal((await ask(rig.port, { path: '/readiness' })).status, 200);
    changedBy(await rig.reload(`worker-urls: [${worker.url}]\nhealth-failure-threshold: 1\n`));
    await until(() => rig.router.fleet.current.eligible.regular.length === 1, 'the last resort');
    await until(() => worker.probes > 1, 'another probe');
  });
});

test('twenty reloads under load lose no request', async (t) => {
  const workers = await Promise.all(Array.from({ length: 3 }, () => ScriptedWorker.start(t)));
  const file = (round: number): string => {
    const named = workers.filter((_, at) => at !== round % 3);
    const policy = ['round_robin', 'cache_aware', 'power_of_two'][round % 3];
    return `worker-urls: [${named.map(({ url }) => url).join(', ')}]\npolicy: ${policy}\nmax-concurrent-requests: ${(round % 4) + 1}\n`;
  };
  const rig = await start(t, file(0));
  await until(() => rig.eligible().length === 2, 'the workers');
  let isOver = false;
  const statuses = new Set<number>();
  let requests = 0;
  const clients = Array.from({ length: 8 }, async () => {
    const client = await rig.connect();
    while (!isOver) {
      await client.send(requestBytes({ path: '/generate', body: '{"text":"the same prompt for all of them"}' }));
      statuses.add((await client.response()).status);
      requests++;
    }
  });
  for (let round = 1; round <= 20; round++) {
    changedBy(await rig.reload(file(round)));
    const before = requests;
    await until(() => rig.eligible().length === 2 && requests > before + 8, 'requests of this round');
  }
  isOver = true;
  await Promise.all(clients);
  assert.deepEqual([...statuses], [200], `${requests} requests`);
  assert.equal((await rig.metrics()).total('smg_inflight_drift'), 0);
  assert.ok(rig.router.load.inflight.every((count) => count === 0));
});
