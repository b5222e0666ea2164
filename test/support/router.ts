/** A router inside the test's process, as the program makes it: through loadConfig and startRouter, on free ports. */
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/base/core/clock.ts';
import type { FleetCell } from '../../src/base/core/fleet.ts';
import type { LoadTable } from '../../src/base/core/load.ts';
import { type Logger, SILENT_LOGGER } from '../../src/base/core/logger.ts';
import { realClock } from '../../src/base/runtime/clock.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { type RunningRouter, startRouter } from '../../src/router/compose.ts';
import { formatProblems, loadConfig } from '../../src/router/config/load-config.ts';
import { RawClient } from './raw-client.ts';
import type { ScriptedWorker } from './scripted-worker.ts';
import { until } from './until.ts';

export interface TestRouter {
  readonly url: string;
  readonly port: number;
  readonly fleet: FleetCell;
  readonly load: LoadTable;
  readonly running: RunningRouter;
  /** A connection to it, destroyed when the test ends. */
  connect(): Promise<RawClient>;
  /** Waits until all `workers` (the given ones if left out) may take requests. */
  untilEligible(workers?: readonly { readonly url: string }[]): Promise<void>;
  /** Attempts in flight, all workers together. */
  inflight(): number;
  /** Waits until no request, no client connection and no busy connection to a worker is left; rejects if that does not come. */
  assertQuiet(): Promise<void>;
  /** Stops it and checks that nothing is left: no connection on either side. Idempotent. */
  stop(): Promise<void>;
}

export interface TestRouterOptions {
  readonly logger?: Logger;
  /** The real one if left out. */
  readonly clock?: Clock;
  /** Whether to wait for the workers; true if left out. */
  readonly wait?: boolean;
  /** Whether unknown paths go to a worker, so that a test may ask for any; true if left out. */
  readonly forwardsAll?: boolean;
  /** Whether the workers are given with --worker-urls, or `flags` or the test does it; as URLs if left out. */
  readonly named?: 'as urls' | 'by flags';
}

/** `flags` come after the ones that make it quiet and quick to stop. Stopped, with checks, when the test ends. */
export async function startTestRouter(
  t: TestContext,
  flags: readonly string[],
  workers: readonly ScriptedWorker[],
  { logger = SILENT_LOGGER, clock = realClock, wait = true, forwardsAll = true, named = 'as urls' }: TestRouterOptions = {},
): Promise<TestRouter> {
  const urls = workers.length === 0 || named === 'by flags' ? [] : ['--worker-urls', ...workers.map((worker) => worker.url)];
  const paths = forwardsAll ? ['--forward-paths', '/*'] : [];
  // Tests of bad answers send more of them than open a breaker; tests of the breaker set its flags.
  const breaker = flags.some((flag) => flag.startsWith('--cb-')) ? [] : ['--disable-circuit-breaker'];
  const argv = [
    ...breaker,
    '--port',
    '0',
    '--prometheus-port',
    '0',
    '--shutdown-grace-period-secs',
    '1',
    '--seed',
    '1',
    ...urls,
    ...paths,
    ...flags,
  ];
  const loaded = loadConfig({ argv, env: {}, readFile: (path) => path });
  if (loaded.kind !== 'config') throw new Error(loaded.kind === 'errors' ? formatProblems(loaded.problems) : loaded.kind);
  const running = await startRouter(loaded.config, { clock, rng: createRng(loaded.config.seed ?? undefined), logger }, false);
  const { port } = running.address;
  const clients: RawClient[] = [];

  const inflight = (): number => running.load.inflight.reduce((sum, count) => sum + count, 0);
  const facts = (): string =>
    `in flight ${[...running.load.inflight].filter((count) => count !== 0).join(',') || 0}, clients ${running.connections()}, ` +
    `to workers ${running.workerConnections()}, busy at the workers ${workers.map((worker) => worker.busySockets).join(',')}`;
  const assertQuiet = (): Promise<void> =>
    until(
      () =>
        running.load.inflight.every((count) => count === 0) &&
        running.connections() === 0 &&
        workers.every((worker) => worker.busySockets === 0),
      () => `the router to be quiet: ${facts()}`,
    );
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    await assertQuiet();
    await running.stop();
    await until(
      () => running.workerConnections() === 0 && workers.every((worker) => worker.openSockets === 0),
      () => `no connection to be left after stop: ${facts()}, open at the workers ${workers.map((worker) => worker.openSockets).join(',')}`,
    );
  };
  const stopOnce = (): Promise<void> => {
    stopped ??= stop().finally(() => {
      running.hurry();
      return running.stop();
    });
    return stopped;
  };
  t.after(stopOnce);

  const router: TestRouter = {
    url: `http://127.0.0.1:${port}`,
    port,
    fleet: running.fleet,
    load: running.load,
    running,
    connect: async () => {
      const client = await RawClient.connect(port);
      clients.push(client);
      return client;
    },
    untilEligible: (wanted = workers) =>
      until(() => {
        const { eligible, workers: known } = running.fleet.current;
        const indices = [...eligible.regular, ...eligible.prefill, ...eligible.decode];
        const urlsNow = new Set(indices.map((index) => known[index]?.url));
        return wanted.every((worker) => urlsNow.has(worker.url));
      }, 'all workers to be eligible'),
    inflight,
    assertQuiet,
    stop: stopOnce,
  };
  if (wait) await router.untilEligible();
  return router;
}
