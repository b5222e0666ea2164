import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf, ScrapedMetrics } from '../../../test/support/prometheus.ts';
import type { Clock } from '../../base/core/clock.ts';
import { HTTP1, type Worker } from '../../base/core/worker.ts';
import { realClock } from '../../base/runtime/clock.ts';
import { INTER_TOKEN_BUCKETS } from './buckets.ts';
import { METRICS } from './declarations.ts';
import { MAX_LABEL_VALUES, RouterMetrics, type RouterMetricsOptions, type WorkerReaders } from './metrics.ts';

/** Unlike the real one, its timers keep the process alive: nothing else does here. */
const waitingClock: Clock = {
  ...realClock,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const NO_FACTS: WorkerReaders = {
  inflight: () => 0,
  processed: () => 0,
  isHealthy: () => true,
  staleConnections: () => 0,
  breaker: () => null,
};

function newMetrics(options: Partial<RouterMetricsOptions> = {}): RouterMetrics {
  return new RouterMetrics({
    clock: waitingClock,
    policy: 'round_robin',
    workers: NO_FACTS,
    processMetrics: false,
    ...options,
  });
}

function workerAt(index: number, overrides: Partial<Worker> = {}): Worker {
  const port = 30000 + index;
  return {
    index,
    id: `id-${index}`,
    url: `http://10.0.0.1:${port}`,
    scheme: 'http',
    host: '10.0.0.1',
    port,
    authority: `10.0.0.1:${port}`,
    basePath: '',
    type: 'regular',
    protocol: HTTP1,
    apiKey: null,
    modelId: 'llama',
    priority: 50,
    cost: 1,
    bootstrapPort: null,
    rank: null,
    maxRunningRequests: null,
    kvTokens: null,
    labels: {},
    ...overrides,
  };
}

const scrape = async (metrics: RouterMetrics) => new ScrapedMetrics(await pageOf(metrics));

test('another parser reads every declared family with its type and help', async () => {
  const text = await pageOf(newMetrics());
  for (const { name, type, help } of Object.values(METRICS)) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
  }
  assert.ok(new ScrapedMetrics(text).find('smg_http_connections_active').length === 1);
});

test('counters, gauges and histograms arrive with their labels and values', async () => {
  const metrics = newMetrics({
    workers: {
      inflight: (worker) => worker + 3,
      processed: (worker) => worker + 6,
      isHealthy: (worker) => worker === 0,
      staleConnections: () => 2,
      breaker: (worker) => (worker === 0 ? { phase: 'half_open', successes: 12, failures: 4 } : null),
    },
  });
  const chat = metrics.httpRoute('POST', '/v1/chat/completions');
  chat.requests.value += 3;
  chat.duration.observe(0.02);
  chat.duration.observe(400);
  metrics.response(200, '').value += 2;
  metrics.response(503, 'no_workers').value++;
  metrics.connectionsActive.value = 7;
  metrics.policyDecision('round_robin', 'turn').value = 9;
  metrics.probed('regular', false);
  metrics.registered('static');
  metrics.deregistered('manual');
  metrics.readWorkerConnections('regular', () => 2);
  const worker = metrics.bindWorker(workerAt(0));
  metrics.bindWorker(workerAt(1));
  worker.selections.value = 5;
  worker.ttft.observe(0.3);
  worker.itl.observeMany(0.02, 10);
  worker.events.value = 11;
  worker.failed('reset');
  worker.failed('reset');
  worker.upstream(500).value++;
  const endpoint = worker.endpoint('chat');
  endpoint.requestsStreaming.value = 8;
  endpoint.duration.observe(1);
  endpoint.error('call_upstream_reset').value++;

  metrics.breakerChanged(0, 'closed', 'open');

  const scraped = await scrape(metrics);
  const a = { worker: workerAt(0).url };
  assert.equal(scraped.value('smg_worker_cb_state', a), 2);
  assert.equal(scraped.value('smg_worker_cb_transitions_total', { ...a, from: 'closed', to: 'open' }), 1);
  assert.equal(scraped.value('smg_worker_cb_outcomes_total', { ...a, outcome: 'success' }), 12);
  assert.equal(scraped.value('smg_worker_cb_outcomes_total', { ...a, outcome: 'failure' }), 4);
  const route = { method: 'POST', path: '/v1/chat/completions' };
  assert.equal(scraped.value('smg_http_requests_total', route), 3);
  const duration = 'smg_http_request_duration_seconds';
  assert.equal(scraped.upTo(duration, '0.01', route), 0);
  assert.equal(scraped.upTo(duration, '0.025', route), 1);
  assert.equal(scraped.upTo(duration, '240', route), 1);
  assert.equal(scraped.upTo(duration, '480', route), 2);
  assert.equal(scraped.upTo(duration, '+Inf', route), 2);
  assert.equal(scraped.count(duration, route), 2);
  assert.equal(scraped.value(`${duration}_sum`, route), 400.02);
  assert.equal(scraped.value('smg_http_responses_total', { status_code: '200', error_code: '' }), 2);
  assert.equal(scraped.value('smg_http_responses_total', { status_code: '503', error_code: 'no_workers' }), 1);
  assert.equal(scraped.value('smg_http_connections_active'), 7);
  assert.equal(scraped.value('smg_policy_decisions_total', { policy: 'round_robin', reason: 'turn' }), 9);
  assert.equal(scraped.value('smg_worker_health_checks_total', { worker_type: 'regular', result: 'failure' }), 1);
  assert.equal(scraped.value('smg_discovery_registrations_total', { source: 'static', result: 'success' }), 1);
  assert.equal(scraped.value('smg_discovery_deregistrations_total', { source: 'manual', reason: 'removed' }), 1);
  const pool = { worker_type: 'regular', connection_mode: 'http' };
  assert.equal(scraped.value('smg_worker_selection_total', { ...pool, model: 'llama', policy: 'round_robin' }), 5);
  assert.equal(scraped.value('smg_worker_pool_size', { ...pool, model: 'llama' }), 2);
  assert.equal(scraped.value('smg_worker_connections_active', pool), 2);
  assert.equal(scraped.value('smg_worker_errors_total', { ...pool, error_type: 'reset' }), 2);
  const first = { worker: 'http://10.0.0.1:30000' };
  assert.equal(scraped.value('smg_worker_requests_total', first), 6);
  assert.equal(scraped.value('smg_worker_failures_total', { ...first, error_type: 'reset' }), 2);
  assert.equal(scraped.value('smg_worker_stream_events_total', first), 11);
  assert.equal(scraped.value('smg_worker_requests_active', first), 3);
  assert.equal(scraped.value('smg_worker_stale_connections_total', first), 2);
  assert.equal(scraped.value('smg_worker_requests_active', { worker: 'http://10.0.0.1:30001' }), 4);
  assert.equal(scraped.value('smg_worker_health', first), 1);
  assert.equal(scraped.value('smg_worker_health', { worker: 'http://10.0.0.1:30001' }), 0);
  assert.equal(scraped.count('smg_worker_ttft_seconds', first), 1);
  assert.equal(scraped.upTo('smg_worker_inter_token_latency_seconds', '0.015', first), 0);
  assert.equal(scraped.upTo('smg_worker_inter_token_latency_seconds', '0.02', first), 10);
  assert.equal(scraped.value('smg_router_upstream_responses_total', { router_type: 'http', status_code: '500', error_code: '' }), 1);
  const router = { router_type: 'http', backend_type: 'regular', connection_mode: 'http', model: 'llama', endpoint: 'chat' };
  assert.equal(scraped.value('smg_router_requests_total', { ...router, streaming: 'true' }), 8);
  assert.equal(scraped.count('smg_router_request_duration_seconds', router), 1);
  assert.equal(scraped.value('smg_router_request_errors_total', { ...router, error_type: 'call_upstream_reset' }), 1);
});

test('label values with quotes, backslashes and line feeds survive', async () => {
  const metrics = newMetrics();
  const model = 'a"b\\c\nd';
  metrics.endpoint(model, 'chat').requestsPlain.value = 1;
  assert.equal((await scrape(metrics)).value('smg_router_requests_total', { model, streaming: 'false' }), 1);
});

test('the same labels give the same cell', () => {
  const metrics = newMetrics();
  assert.equal(metrics.httpRoute('GET', '/health'), metrics.httpRoute('GET', '/health'));
  assert.equal(metrics.response(200, ''), metrics.response(200, ''));
  assert.equal(metrics.response(502, 'call_upstream_reset'), metrics.response(502, 'call_upstream_reset'));
  assert.notEqual(metrics.response(200, ''), metrics.response(201, ''));
  assert.equal(metrics.endpoint('m', 'chat'), metrics.endpoint('m', 'chat'));
});

test('a worker whose model becomes known keeps its object and moves to the pool of that model', async () => {
  const metrics = newMetrics();
  const before = metrics.bindWorker(workerAt(0, { modelId: 'unknown' }));
  before.ttft.observe(1);
  before.selections.value = 1;
  const after = metrics.bindWorker(workerAt(0, { modelId: 'qwen' }));
  assert.equal(after, before);
  after.selections.value = 2;
  after.endpoint('chat').requestsPlain.value = 3;
  const scraped = await scrape(metrics);
  assert.equal(scraped.value('smg_worker_pool_size', { model: 'unknown' }), 0);
  assert.equal(scraped.value('smg_worker_pool_size', { model: 'qwen' }), 1);
  assert.equal(scraped.value('smg_worker_selection_total', { model: 'qwen' }), 2);
  assert.equal(scraped.value('smg_router_requests_total', { model: 'qwen', streaming: 'false' }), 3);
  assert.equal(scraped.count('smg_worker_ttft_seconds'), 1);
});

test('a worker that left is gone from the page, and what it still counts stays out', async () => {
  const metrics = newMetrics();
  const worker = workerAt(0);
  const series = metrics.bindWorker(worker);
  series.failed('reset');
  metrics.unbindWorker(worker);
  series.ttft.observe(1);
  series.failed('reset');
  series.failed('cut');
  const text = await pageOf(metrics);
  assert.ok(!text.includes('worker="http'), text);
  assert.equal(new ScrapedMetrics(text).value('smg_worker_pool_size'), 0);
});

test('a worker that comes back under another index before the old one left has one series, its own', async () => {
  const metrics = newMetrics({ workers: { ...NO_FACTS, inflight: (worker) => worker } });
  const old = workerAt(0);
  const fresh = { ...workerAt(5), url: old.url };
  metrics.bindWorker(old);
  metrics.bindWorker(fresh);
  metrics.unbindWorker(old);
  assert.equal((await scrape(metrics)).value('smg_worker_requests_active', { worker: old.url }), 5);
  metrics.unbindWorker(old);
  metrics.unbindWorker(fresh);
  assert.equal((await scrape(metrics)).find('smg_worker_requests_active').length, 0);
});

test('models, paths, methods, statuses and codes cannot make more series than the caps', async () => {
  const metrics = newMetrics();
  for (let i = 0; i < MAX_LABEL_VALUES * 2; i++) {
    metrics.endpoint(`model-${i}`, 'chat').requestsPlain.value++;
    metrics.unknownPath(`METHOD${i}`).requests.value++;
    metrics.response(10_000 + i, '').value++;
    metrics.response(500, `code-${i}`).value++;
  }
  const scraped = await scrape(metrics);
  assert.equal(scraped.find('smg_router_requests_total', { streaming: 'false' }).length, MAX_LABEL_VALUES + 1);
  assert.equal(scraped.value('smg_router_requests_total', { streaming: 'false', model: 'other' }), MAX_LABEL_VALUES);
  assert.equal(scraped.value('smg_http_requests_total', { method: 'other', path: 'other' }), MAX_LABEL_VALUES * 2);
  assert.equal(scraped.value('smg_http_responses_total', { status_code: 'other' }), MAX_LABEL_VALUES * 2);
  assert.equal(scraped.value('smg_http_responses_total', { status_code: '500', error_code: 'other' }), MAX_LABEL_VALUES * 2);
});

test('duration buckets can be replaced, those between tokens stay', async () => {
  const metrics = newMetrics({ durationBuckets: [0.5, 2] });
  metrics.bindWorker(workerAt(0)).itl.observe(1);
  metrics.httpRoute('GET', '/health').duration.observe(1);
  const scraped = await scrape(metrics);
  const bounds = (name: string) => scraped.find(`${name}_bucket`).map(({ labels, value }) => [labels?.['le'], value]);
  assert.deepEqual(bounds('smg_http_request_duration_seconds'), [
    ['0.5', '0'],
    ['2', '1'],
    ['+Inf', '1'],
  ]);
  assert.deepEqual(
    bounds('smg_worker_inter_token_latency_seconds').map(([le]) => le),
    [...INTER_TOKEN_BUCKETS.map(String), '+Inf'],
  );
});

test('counters are there from the start, histograms from their first observation', async () => {
  const metrics = newMetrics();
  const { duration } = metrics.httpRoute('GET', '/health');
  const before = await scrape(metrics);
  assert.equal(before.value('smg_http_requests_total', { path: '/health' }), 0);
  assert.deepEqual(before.find('smg_http_request_duration_seconds_count'), []);
  duration.observe(0);
  assert.equal((await scrape(metrics)).count('smg_http_request_duration_seconds', { path: '/health' }), 1);
});

test('values of other parts are asked for at scrape time', async () => {
  const metrics = newMetrics();
  let blocks = 1;
  metrics.readFrom('prefixBlocks', () => blocks);
  assert.equal((await scrape(metrics)).value('smg_prefix_index_blocks'), 1);
  blocks = 2;
  assert.equal((await scrape(metrics)).value('smg_prefix_index_blocks'), 2);
});

test('a worker that has served nothing is visible by its gauges, and its counters appear with the first request', async () => {
  const processed = new Float64Array(2);
  const metrics = newMetrics({ workers: { ...NO_FACTS, processed: (worker) => processed[worker] ?? 0 } });
  const [idle, busy] = [metrics.bindWorker(workerAt(0)), metrics.bindWorker(workerAt(1))];
  processed[1] = 1;
  busy.events.value = 2;
  busy.ttft.observe(1);
  const lines = (await pageOf(metrics)).split('\n');
  const namesOf = ({ url }: { readonly url: string }) =>
    lines.filter((line) => line.includes(`worker="${url}"`)).map((line) => line.replace(/\{.*/, ''));
  assert.deepEqual(namesOf(idle), ['smg_worker_requests_active', 'smg_worker_health', 'smg_worker_cb_state']);
  const ofBusy = namesOf(busy);
  for (const name of ['smg_worker_requests_total', 'smg_worker_stream_events_total', 'smg_worker_ttft_seconds_count']) {
    assert.ok(ofBusy.includes(name), name);
  }
  assert.ok(!ofBusy.includes('smg_worker_stale_connections_total'));
});

test('slices of a large fleet are made one per turn, also for scrapers that come together, and no faster than they are taken', async () => {
  let turn = 0;
  const turns: number[] = [];
  const metrics = newMetrics({
    clock: {
      ...waitingClock,
      after: (delayMs, run) =>
        waitingClock.after(delayMs, () => {
          turn++;
          run();
        }),
    },
  });
  for (let i = 0; i < 300; i++) {
    const worker = metrics.bindWorker(workerAt(i));
    for (const histogram of [worker.ttft, worker.itl, worker.duration]) histogram.observe(1);
  }
  const scrapeNow = async (): Promise<string> => {
    let page = '';
    for await (const slice of metrics.slices()) {
      if (page !== '') turns.push(turn);
      page += slice;
      assert.ok(slice.length < 128 * 1024);
    }
    return page;
  };
  const [first, second] = await Promise.all([scrapeNow(), scrapeNow()]);
  assert.equal(first, second);
  assert.equal(new ScrapedMetrics(first).find('smg_worker_ttft_seconds_count').length, 300);
  assert.ok(turns.length >= 20, `${turns.length} slices`);
  assert.equal(new Set(turns).size, turns.length, 'no two slices in one turn');

  const before = turn;
  const slow = metrics.slices();
  await slow.next();
  await slow.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(turn, before + 1);
});
