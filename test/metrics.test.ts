/** The metrics of a running router, read by another parser. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { SILENT_LOGGER } from '../src/base/core/logger.ts';
import { realClock } from '../src/base/runtime/clock.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { startRouter } from '../src/router/compose.ts';
import { loadConfig } from '../src/router/config/load-config.ts';
import { MetricsPortError } from '../src/router/telemetry/metrics-server.ts';
import { ScrapedMetrics } from './support/prometheus.ts';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';

const BODY = '{"model":"m","messages":[{"role":"user","content":"hello"}]}';
const CHAT = { method: 'POST', path: '/v1/chat/completions' };
const POOL = { worker_type: 'regular', connection_mode: 'http' };

async function scrape(router: TestRouter): Promise<ScrapedMetrics> {
  const address = router.running.metricsAddress;
  assert.ok(address !== null);
  const response = await fetch(`http://${address.host}:${address.port}/metrics`);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return new ScrapedMetrics(await response.text());
}

test('plain requests are counted by route, model, worker and reason', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--policy', 'round_robin'], [worker]);
  for (let i = 0; i < 3; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  await router.assertQuiet();
  const metrics = await scrape(router);
  const own = { worker: worker.url };
  assert.equal(metrics.value('smg_http_requests_total', CHAT), 3);
  assert.equal(metrics.count('smg_http_request_duration_seconds', CHAT), 3);
  assert.ok(metrics.value('smg_http_request_duration_seconds_sum', CHAT) > 0);
  assert.equal(metrics.value('smg_http_responses_total', { status_code: '200', error_code: '' }), 3);
  assert.equal(metrics.value('smg_http_connections_active'), 0);
  assert.equal(metrics.value('smg_router_requests_total', { endpoint: 'chat', streaming: 'false' }), 3);
  assert.equal(metrics.total('smg_router_requests_total', { endpoint: 'chat', streaming: 'true' }), 0);
  assert.equal(metrics.count('smg_router_request_duration_seconds', { endpoint: 'chat' }), 3);
  assert.equal(metrics.value('smg_router_upstream_responses_total', { status_code: '200' }), 3);
  assert.equal(metrics.value('smg_worker_selection_total', { ...POOL, policy: 'round_robin' }), 3);
  assert.equal(metrics.total('smg_policy_decisions_total', { policy: 'round_robin' }), 3);
  assert.equal(metrics.value('smg_worker_requests_total', own), 3);
  assert.equal(metrics.count('smg_worker_request_duration_seconds', own), 3);
  assert.equal(metrics.value('smg_worker_requests_active', own), 0);
  assert.equal(metrics.value('smg_worker_health', own), 1);
  assert.equal(metrics.total('smg_worker_pool_size', POOL), 1);
  assert.equal(metrics.value('smg_worker_connections_active', POOL), router.running.workerConnections());
  assert.equal(metrics.value('smg_discovery_registrations_total', { source: 'static' }), 1);
  assert.ok(metrics.value('smg_worker_health_checks_total', { worker_type: 'regular', result: 'success' }) >= 1);
});

test('a stream has one time to the first event and one between each two', async (t) => {
  const EVENTS = 6;
  const PAUSE_MS = 30;
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await call.write(sseHead());
    await call.chunk(': no token\n\n');
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    for (let i = 0; i < EVENTS; i++) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      await call.chunk(`data: {"i":${i}}\n\n`);
      if (i === 1) await call.chunk(': no token\n\n');
    }
    await call.chunk('data: [DONE]\n\n');
    await call.write(LAST_CHUNK);
  });
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  const answer = await client.response();
  assert.equal(answer.status, 200);
  client.destroy();
  await router.assertQuiet();
  const metrics = await scrape(router);
  const own = { worker: worker.url };
  const stream = { endpoint: 'chat' };
  const pauses = EVENTS - 1;
  assert.equal(metrics.count('smg_worker_ttft_seconds', own), 1);
  // Timers may be late, never early (a millisecond for rounding): all of them lie above the bound below the pause.
  assert.equal(metrics.upTo('smg_worker_ttft_seconds', '0.05', own), 0);
  assert.equal(metrics.count('smg_worker_inter_token_latency_seconds', own), pauses);
  assert.ok(metrics.value('smg_worker_inter_token_latency_seconds_sum', own) >= (pauses * (PAUSE_MS - 1)) / 1000);
  assert.equal(metrics.value('smg_worker_stream_events_total', own), EVENTS);
  assert.equal(metrics.value('smg_router_requests_total', { ...stream, streaming: 'true' }), 1);
  assert.equal(metrics.count('smg_router_ttft_seconds', stream), 1);
  assert.equal(metrics.count('smg_router_tpot_seconds', stream), 1);
  assert.equal(metrics.upTo('smg_router_tpot_seconds', '0.02', stream), 0);
  assert.equal(metrics.count('smg_router_generation_duration_seconds', stream), 1);
});

test('failures are counted by their code at the router and by their kind at the worker', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    call.reset();
  });
  const router = await startTestRouter(t, [], [worker]);
  assert.equal((await ask(router.port, { body: BODY })).status, 502);
  assert.equal((await ask(router.port, { body: BODY, headers: { 'content-type': 'text/plain' } })).status, 415);
  assert.equal((await ask(router.port, { path: '/pause_generation', body: BODY })).status, 404);
  await router.assertQuiet();
  const metrics = await scrape(router);
  assert.equal(metrics.value('smg_http_responses_total', { status_code: '502', error_code: 'call_upstream_reset' }), 1);
  assert.equal(metrics.value('smg_http_responses_total', { status_code: '415', error_code: 'unsupported_media_type' }), 1);
  assert.equal(metrics.value('smg_http_responses_total', { status_code: '404', error_code: 'not_found' }), 1);
  assert.equal(metrics.value('smg_http_requests_total', { path: 'other' }), 1);
  assert.equal(metrics.value('smg_router_request_errors_total', { endpoint: 'chat', error_type: 'call_upstream_reset' }), 1);
  assert.equal(metrics.value('smg_worker_errors_total', { ...POOL, error_type: 'reset' }), 1);
  assert.equal(metrics.value('smg_worker_failures_total', { worker: worker.url, error_type: 'reset' }), 1);
  assert.deepEqual(metrics.find('smg_router_request_duration_seconds_count', { endpoint: 'chat' }), []);
});

test('a worker that is removed leaves the exposition', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const removed = await ask(router.port, { method: 'POST', path: `/remove_worker?url=${encodeURIComponent(worker.url)}`, body: '' });
  assert.equal(removed.status, 200);
  const metrics = await scrape(router);
  assert.deepEqual(metrics.find('smg_worker_health'), []);
  assert.equal(metrics.total('smg_worker_pool_size'), 0);
  assert.equal(metrics.value('smg_discovery_deregistrations_total', { source: 'manual' }), 1);
});

test('the prefix index of cache_aware tells how full it is', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, ['--policy', 'cache_aware'], workers);
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(4000) }] });
  assert.equal((await ask(router.port, { body })).status, 200);
  const metrics = await scrape(router);
  assert.ok(metrics.value('smg_prefix_index_blocks') > 0);
  assert.ok(metrics.value('smg_prefix_index_bytes') > 0);
  assert.equal(metrics.value('smg_prefix_index_evictions_total'), 0);
});

test('the main port serves the same metrics at a path of choice, and not otherwise', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const open = await startTestRouter(t, ['--metrics-path', '/internal/metrics'], [worker]);
  const response = await ask(open.port, { method: 'GET', path: '/internal/metrics' });
  assert.equal(response.status, 200);
  assert.equal(new ScrapedMetrics(response.text).value('smg_worker_health', { worker: worker.url }), 1);
  const closed = await startTestRouter(t, [], [worker]);
  assert.equal((await ask(closed.port, { method: 'GET', path: '/metrics' })).status, 404);
});

test('a chosen metrics port that is taken is an error, and nothing is left listening', async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  t.after(() => holder.close());
  const { port } = holder.address() as AddressInfo;
  const loaded = loadConfig({ argv: ['--port', '0', '--prometheus-port', String(port)], env: {}, readFile: () => '' });
  assert.ok(loaded.kind === 'config');
  const runtime = { clock: realClock, rng: createRng(1), logger: SILENT_LOGGER };
  await assert.rejects(startRouter(loaded.config, runtime, true), MetricsPortError);
  const router = await startRouter(loaded.config, runtime, false);
  assert.equal(router.metricsAddress, null);
  await router.stop();
});
