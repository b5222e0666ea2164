/**
 * A control plane with a fleet that tests look at. Its sockets are real, its clock is not: time passes only while a test waits, a little
 * with each turn of the event loop, so on a busy machine a probe takes no more of that time than on an idle one.
 */
import type { TestContext } from 'node:test';
import { FleetCell } from '../../src/base/core/fleet.ts';
import { LoadTable } from '../../src/base/core/load.ts';
import type { LocalResponse } from '../../src/base/core/local-route.ts';
import { type Logger, SILENT_LOGGER } from '../../src/base/core/logger.ts';
import type { Worker } from '../../src/base/core/worker.ts';
import { FakeClock } from '../../src/base/runtime/fake-clock.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { type Control, type ControlSettings, createControl } from '../../src/router/control/control.ts';
import { DEFAULT_BREAKER } from '../../src/router/control/registry/breaker.ts';
import { DEFAULT_HEALTH } from '../../src/router/control/registry/health-settings.ts';
import { commandLine } from '../../src/router/control/sources/command-line.ts';
import { matchRoute } from './match-route.ts';
import { type Answer, ProbedWorker } from './probed-worker.ts';

const SETTINGS: ControlSettings = {
  startupTimeoutMs: 60_000,
  startupCheckIntervalMs: 30_000,
  healthCheckEndpoint: '/health',
  health: DEFAULT_HEALTH,
  breaker: DEFAULT_BREAKER,
};

/** A request to a worker on this machine takes about ten turns: 20 ms of the clock. */
const TURN_MS = 2;
/** Of real time, for one wait. */
const LIMIT_MS = 30_000;

export interface ControlRig {
  readonly control: Control;
  readonly cell: FleetCell;
  readonly load: LoadTable;
  readonly clock: FakeClock;
  /** A worker whose delays are of the rig's clock; it listens, and is killed when the test ends. */
  worker(answers?: readonly (readonly [string, Answer])[]): Promise<ProbedWorker>;
  /** Other settings from now on, the rest as at the start. */
  configure(next: Partial<ControlSettings>): void;
  /** Registers workers as if named on the command line. */
  start(workers: Partial<Parameters<typeof commandLine>[0]>): void;
  /** URLs of the workers that may take a request now. */
  eligible(): string[];
  /** What the fleet has at this URL. */
  find(url: string): Worker;
  /** Lets time pass until the condition holds; returns how long that took, ms of the rig's clock. */
  until(condition: () => boolean): Promise<number>;
  untilEligible(url: string, isEligible?: boolean): Promise<number>;
  /** Lets this much time pass. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Time stands still. `target`: path with an optional query. */
  call(method: string, target: string, body?: unknown, authorization?: string): Promise<LocalResponse>;
}

/** Stopped when the test ends. */
export function startControl(t: TestContext, settings: Partial<ControlSettings> = {}, logger: Logger = SILENT_LOGGER): ControlRig {
  const cell = new FleetCell();
  const load = new LoadTable();
  const clock = new FakeClock();
  const control = createControl({
    cell,
    load,
    clock,
    rng: createRng(1),
    logger,
    settings: { ...SETTINGS, ...settings },
  });
  t.after(() => control.stop());
  const eligible = (): string[] => {
    const { regular, prefill, decode } = cell.current.eligible;
    return [...regular, ...prefill, ...decode].map((index) => cell.current.workers[index]?.url ?? 'a hole');
  };
  const until = async (condition: () => boolean): Promise<number> => {
    const [startMs, startRealMs] = [clock.nowMs(), performance.now()];
    while (!condition()) {
      if (performance.now() - startRealMs > LIMIT_MS) throw new Error(`waited in vain: ${clock.nowMs() - startMs} ms of the rig's clock`);
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(TURN_MS);
    }
    return clock.nowMs() - startMs;
  };
  return {
    control,
    cell,
    load,
    clock,
    worker: async (answers) => {
      const worker = await new ProbedWorker(answers, clock).listen();
      t.after(() => worker.kill());
      return worker;
    },
    start: (workers) => control.start([commandLine({ workerUrls: [], prefill: [], decode: [], apiKey: null, ...workers })]),
    configure: (next) => control.configure({ ...SETTINGS, ...settings, ...next }),
    eligible,
    find: (url) => {
      const found = cell.current.workers.find((one) => one?.url === url);
      if (found === undefined) throw new Error(`${url} is not in the fleet`);
      return found;
    },
    until,
    untilEligible: (url, isEligible = true) => until(() => eligible().includes(url) === isEligible),
    pass: async (ms) => {
      const endMs = clock.nowMs() + ms;
      await until(() => clock.nowMs() >= endMs);
    },
    run: async (promise) => {
      let isSettled = false;
      const settled = (): void => {
        isSettled = true;
      };
      promise.then(settled, settled);
      await until(() => isSettled);
      return promise;
    },
    call: async (method, target, body, authorization) => matchRoute(control.routes, method, target, body, authorization),
  };
}
