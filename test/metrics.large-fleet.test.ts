/**
 * A scrape of a large fleet must not stop the event loop, on either port. Turns of the loop are measured in CPU time of this process,
 * so the load of the machine does not count; the scraper is another process. In one piece the page of 1,000 busy workers (6.9 MB) takes
 * a turn of 24 ms, and that of 4,000 a turn of 100 ms.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SILENT_LOGGER } from '../src/base/core/logger.ts';
import { realClock } from '../src/base/runtime/clock.ts';
import { RouterMetrics } from '../src/router/telemetry/metrics.ts';
import { metricsRoute, startMetricsServer } from '../src/router/telemetry/metrics-server.ts';
import { startMemoryRouter } from './support/memory-router.ts';
import { workerOf } from './support/worker-of.ts';

const SCRAPES = 5;
const SCRAPER = fileURLToPath(new URL('./support/scrape.main.js', import.meta.url));
/** The longest turn that streams may have to wait for. Measured: 2 to 5 ms, whatever the size of the fleet. */
const MAX_TURN_MS = 50;

function fleetMetrics(t: TestContext, workers: number, hasServed: boolean): RouterMetrics {
  const served = hasServed ? 1 : 0;
  const metrics = new RouterMetrics({
    clock: realClock,
    policy: 'round_robin',
    workers: {
      inflight: () => served,
      processed: () => served,
      isHealthy: () => true,
      staleConnections: () => served,
      breaker: () => null,
    },
  });
  t.after(() => metrics.stop());
  for (let index = 0; index < workers; index++) {
    const series = metrics.bindWorker(workerOf(index, { url: `http://10.0.${index >> 8}.${index & 255}:30000` }));
    if (!hasServed) continue;
    for (const histogram of [series.duration, series.ttft, series.itl]) histogram.observe(0.03 + index / 100);
    series.events.value = index + 1;
    series.failed('reset');
  }
  return metrics;
}

interface Scrape {
  readonly bytes: number;
  readonly turnMs: number;
}

/** Scrapes a few times: bytes of the page, and the longest turn of the loop as ms of CPU time, median over the scrapes. */
async function scrape(t: TestContext, port: number): Promise<Scrape> {
  const scraper = fork(SCRAPER, [String(port)]);
  t.after(() => scraper.kill());
  const turns: number[] = [];
  let bytes = 0;
  for (let i = 0; i < SCRAPES; i++) {
    const watch = new TurnWatch();
    scraper.send('scrape');
    [bytes] = (await once(scraper, 'message')) as [number];
    turns.push(watch.stop());
  }
  return { bytes, turnMs: turns.sort((a, b) => a - b)[SCRAPES >> 1]! };
}

/** Finds the longest turn of the event loop, in CPU time of this process. */
class TurnWatch {
  #longestUs = 0;
  #isOver = false;
  #last = process.cpuUsage();

  constructor() {
    setImmediate(this.#look);
  }

  /** Milliseconds. */
  stop(): number {
    this.#isOver = true;
    return this.#longestUs / 1000;
  }

  readonly #look = (): void => {
    const now = process.cpuUsage();
    this.#longestUs = Math.max(this.#longestUs, now.user + now.system - this.#last.user - this.#last.system);
    this.#last = now;
    if (!this.#isOver) setImmediate(this.#look);
  };
}

for (const [port, start] of [
  ['the metrics port', startOwnPort],
  ['the main port', startMainPort],
] as const) {
  test(`scraped at ${port}, 4,000 workers that have all served do not stop the loop`, async (t) => {
    const { bytes, turnMs } = await scrape(t, await start(t, fleetMetrics(t, 4000, true)));
    t.diagnostic(`${bytes} bytes, longest turn ${turnMs.toFixed(1)} ms of CPU`);
    assert.ok(bytes > 20_000_000, `${bytes} bytes: all series`);
    assert.ok(turnMs < MAX_TURN_MS, `${turnMs} ms`);
  });

  test(`scraped at ${port}, 1,000 workers that have served nothing are a small page`, async (t) => {
    const { bytes, turnMs } = await scrape(t, await start(t, fleetMetrics(t, 1000, false)));
    t.diagnostic(`${bytes} bytes, longest turn ${turnMs.toFixed(1)} ms of CPU`);
    assert.ok(bytes > 1000 * 100, `${bytes} bytes: every worker is visible`);
    assert.ok(bytes < 200_000, `${bytes} bytes`);
    assert.ok(turnMs < MAX_TURN_MS, `${turnMs} ms`);
  });
}

async function startOwnPort(t: TestContext, metrics: RouterMetrics): Promise<number> {
  const server = await startMetricsServer({ host: '127.0.0.1', port: 0, explicit: true, metrics, logger: SILENT_LOGGER });
  assert.ok(server !== null);
  t.after(() => server.stop());
  return server.port;
}

async function startMainPort(t: TestContext, metrics: RouterMetrics): Promise<number> {
  const { port } = await startMemoryRouter(t, 0, {}, 'round_robin', undefined, [metricsRoute('/metrics', metrics)]);
  return port;
}
