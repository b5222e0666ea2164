// The wiring: every setting has an effect, and what cannot be wired is refused at start.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SILENT_LOGGER } from '../src/base/core/logger.ts';
import { realClock } from '../src/base/runtime/clock.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { startRouter } from '../src/router/compose.ts';
import { BUILT } from '../src/router/config/catalogue.ts';
import { type Config, type ConfigKey, defaultsOf, type LoadedConfig } from '../src/router/config/load-config.ts';
import { SETTINGS } from '../src/router/config/schema.ts';
import { POLICIES, serves } from '../src/router/policy/catalogue.ts';
import { ProbedWorker } from './support/probed-worker.ts';

const RUNTIME = { clock: realClock, rng: createRng(1), logger: SILENT_LOGGER };
const QUIET: Config = { ...defaultsOf('seed'), port: 0, prometheusPort: 0, shutdownGracePeriodSecs: 0 };

/** Settings that are used while a configuration is loaded. */
const OF_LOADING: readonly ConfigKey[] = ['prioritySchedulerConfig', 'apiKeyFile', 'controlPlaneApiKeysFile'];
/** Settings that the programs use themselves, before there is a router. */
const OF_THE_PROGRAMS: readonly ConfigKey[] = ['logLevel', 'logFormat', 'logDir', 'seed'];

test('every setting is read when the router starts, or by the programs', async () => {
  const read = new Set<string>();
  const watched = new Proxy(QUIET, {
    get(target, key) {
      read.add(String(key));
      return target[key as ConfigKey];
    },
  });
  const start = async (given: Partial<Config>): Promise<void> => {
    const config = new Proxy(QUIET, { get: (_, key) => Reflect.get(Object.hasOwn(given, key) ? given : watched, key) });
    await (await startRouter(config, RUNTIME, true)).stop();
  };
  await start({});
  // Some are read for pairs only, or by one policy.
  await start({ pdDisaggregation: true });
  for (const policy of POLICIES.filter((each) => serves(each, 'regular'))) await start({ policy: policy.name });
  for (const policy of POLICIES.filter((each) => serves(each, 'prefill')))
    await start({ pdDisaggregation: true, prefillPolicy: policy.name });
  const keys = Object.keys(SETTINGS);
  assert.ok(keys.length > 30, `${keys.length} settings`);
  assert.deepEqual(
    keys.filter((key) => !read.has(key)),
    keys.filter((key) => [...OF_THE_PROGRAMS, ...OF_LOADING].some((own) => own === key)),
  );
  for (const program of ['run-router', 'demo-main']) {
    const source = readFileSync(new URL(`../../src/bin/${program}.ts`, import.meta.url), 'utf8');
    for (const key of OF_THE_PROGRAMS) assert.match(source, new RegExp(`config\\.${key}\\b`), `${program} reads ${key}`);
  }
});

test('a reload puts every setting in force that is marked as reloadable', async () => {
  const applied = new Set<string>();
  const reload = async (given: Partial<Config>): Promise<void> => {
    // The comparison with what holds reads every setting once, in order; from then on a setting is read to be applied.
    const compared = new Set<string>();
    const next = new Proxy(
      { ...QUIET, ...given, queueSize: 7 },
      {
        get(target, key) {
          if (compared.has(String(key))) applied.add(String(key));
          compared.add(String(key));
          return Reflect.get(target, key);
        },
      },
    );
    const loaded = {
      kind: 'config',
      config: next,
      warnings: [],
      sources: {},
      placeOf: () => 'here',
      file: null,
    } as unknown as LoadedConfig;
    const settings = { file: { path: '', isWatched: false }, load: async () => loaded, applied: () => {} };
    const router = await startRouter({ ...QUIET, ...given }, { ...RUNTIME, settings }, true);
    assert.deepEqual(await router.reload('SIGHUP'), { ok: true, changed: ['--queue-size'] });
    await router.stop();
  };
  await reload({ maxConcurrentRequests: 1 });
  await reload({ pdDisaggregation: true });
  await reload({ prioritySchedulerEnabled: true });
  for (const policy of POLICIES.filter((each) => serves(each, 'regular'))) await reload({ policy: policy.name });
  const marked = BUILT.filter(({ setting }) => setting.built && setting.reloadable === true).map(({ key }) => key);
  assert.ok(marked.length > 50, `${marked.length} settings`);
  const elsewhere = [...OF_THE_PROGRAMS, ...OF_LOADING].map(String);
  assert.deepEqual(
    marked.filter((key) => !applied.has(key) && !elsewhere.includes(key)),
    [],
  );
});

for (const path of ['/workers', '/health', '/v1/models', '/v1/models/tiny', '/v1/chat/completions', '/list_workers']) {
  test(`--metrics-path ${path} would take a path away from the router, so it is refused`, async () => {
    await assert.rejects(startRouter({ ...QUIET, metricsPath: path }, RUNTIME, true), (error: Error) => {
      assert.equal(error.message, `--metrics-path ${path}: the router has another use for that path; choose another, such as /metrics`);
      return true;
    });
  });
}

test('--metrics-path /metrics and other free paths are served on the main port', async () => {
  for (const path of ['/metrics', '/internal/metrics']) {
    const router = await startRouter({ ...QUIET, metricsPath: path }, RUNTIME, true);
    const answer = await fetch(`http://127.0.0.1:${router.address.port}${path}`, { headers: { connection: 'close' } });
    assert.match(await answer.text(), /^smg_http_connections_active 1$/m);
    await router.stop();
  }
});

test('a router that listens has workers that were up before it, however soon the first request comes', async (t) => {
  const worker = await new ProbedWorker([
    ['/ready', 200],
    ['/generate', { text: 'hi' }],
  ]).listen();
  worker.delaysMs.set('/ready', 200);
  t.after(() => worker.kill());
  const router = await startRouter({ ...QUIET, workerUrls: [worker.address] }, RUNTIME, true);
  t.after(() => router.stop());
  const url = `http://127.0.0.1:${router.address.port}/generate`;
  const answer = await fetch(url, { method: 'POST', body: '{}', headers: { connection: 'close', 'content-type': 'application/json' } });
  assert.deepEqual(await answer.json(), { text: 'hi' });
});
