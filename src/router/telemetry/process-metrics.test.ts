import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pageOf, ScrapedMetrics } from '../../../test/support/prometheus.ts';
import { realClock } from '../../base/runtime/clock.ts';
import { RouterMetrics } from './metrics.ts';

function newMetrics(): RouterMetrics {
  const workers = { inflight: () => 0, processed: () => 0, isHealthy: () => true, staleConnections: () => 0, breaker: () => null };
  return new RouterMetrics({ clock: realClock, policy: 'random', workers });
}

const scrape = async (metrics: RouterMetrics) => new ScrapedMetrics(await pageOf(metrics));

/** Keeps the event loop busy until this process has used `ms` of CPU time. */
function block(ms: number): void {
  const start = process.cpuUsage();
  for (let used = 0; used < ms * 1000; ) {
    const { user, system } = process.cpuUsage(start);
    used = user + system;
  }
}

test('memory, CPU, start and version are those of this process', async (t) => {
  const metrics = newMetrics();
  t.after(() => metrics.stop());
  const before = await scrape(metrics);
  block(50);
  const after = await scrape(metrics);
  assert.ok(after.value('process_cpu_seconds_total') - before.value('process_cpu_seconds_total') >= 0.02);
  assert.ok(after.value('process_cpu_user_seconds_total') <= after.value('process_cpu_seconds_total'));
  assert.ok(Math.abs(after.value('process_resident_memory_bytes') - process.memoryUsage.rss()) < 64 * 1024 * 1024);
  assert.ok(after.value('nodejs_heap_size_used_bytes') <= after.value('nodejs_heap_size_total_bytes'));
  assert.ok(Math.abs(after.value('process_start_time_seconds') - (Date.now() / 1000 - process.uptime())) < 1);
  assert.equal(after.value('nodejs_version_info', { version: process.version }), 1);
});

test('descriptors are counted', { skip: process.platform !== 'linux' }, async (t) => {
  const metrics = newMetrics();
  t.after(() => metrics.stop());
  const scraped = await scrape(metrics);
  assert.ok(scraped.value('process_open_fds') > 3);
  assert.ok(scraped.value('process_max_fds') >= scraped.value('process_open_fds'));
});

test('a blocked event loop shows as delay, an idle one as none, and a scrape begins anew', async (t) => {
  const metrics = newMetrics();
  t.after(() => metrics.stop());
  // The first look of the monitor only sets its clock.
  await sleep(60);
  block(200);
  await sleep(60);
  const blocked = await scrape(metrics);
  assert.ok(blocked.value('nodejs_eventloop_lag_max_seconds') >= 0.15);
  assert.ok(blocked.value('nodejs_eventloop_utilization') > 0.3);
  await sleep(200);
  const idle = await scrape(metrics);
  assert.ok(idle.value('nodejs_eventloop_lag_p50_seconds') < blocked.value('nodejs_eventloop_lag_max_seconds'));
  assert.ok(idle.value('nodejs_eventloop_utilization') < blocked.value('nodejs_eventloop_utilization'));
});

test('collections of garbage are observed by kind', async (t) => {
  const metrics = newMetrics();
  t.after(() => metrics.stop());
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let scraped = await scrape(metrics); scraped.total('nodejs_gc_duration_seconds_count', { kind: 'major' }) === 0; ) {
    collect();
    await sleep(5);
    scraped = await scrape(metrics);
  }
});

test('after stop the exposition still answers', async () => {
  const metrics = newMetrics();
  metrics.stop();
  metrics.stop();
  assert.ok((await scrape(metrics)).value('process_resident_memory_bytes') > 0);
});
