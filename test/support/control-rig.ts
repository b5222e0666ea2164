/** A control plane on the real clock with a fleet that tests look at. */
import type { TestContext } from 'node:test';
import { FleetCell } from '../../src/base/core/fleet.ts';
import { LoadTable } from '../../src/base/core/load.ts';
import type { LocalResponse } from '../../src/base/core/local-route.ts';
import { SILENT_LOGGER } from '../../src/base/core/logger.ts';
import type { Worker } from '../../src/base/core/worker.ts';
import { realClock } from '../../src/base/runtime/clock.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { type Control, type ControlSettings, createControl } from '../../src/router/control/control.ts';
import { commandLine } from '../../src/router/control/sources/command-line.ts';
import { matchRoute } from './match-route.ts';

const SETTINGS: ControlSettings = {
  startupTimeoutMs: 60_000,
  startupCheckIntervalMs: 30_000,
  healthCheckTimeoutMs: 5000,
  healthCheckEndpoint: '/health',
};

interface ControlRig {
  readonly control: Control;
  /** Registers workers as if named on the command line. */
  start(workers: Partial<Parameters<typeof commandLine>[0]>): void;
  readonly cell: FleetCell;
  readonly load: LoadTable;
  /** URLs of the workers that may take a request now. */
  eligible(): string[];
  /** Waits until `url` may, or may not, take a request; answers how long that took, ms. */
  untilEligible(url: string, isEligible?: boolean): Promise<number>;
  until(condition: () => boolean): Promise<number>;
  worker(url: string): Worker;
  /** `target`: path with an optional query. */
  call(method: string, target: string, body?: unknown, authorization?: string): Promise<LocalResponse>;
}

/** Stopped when the test ends. */
export function startControl(t: TestContext, settings: Partial<ControlSettings> = {}): ControlRig {
  const cell = new FleetCell();
  const load = new LoadTable();
  const control = createControl({
    cell,
    load,
    clock: realClock,
    rng: createRng(1),
    logger: SILENT_LOGGER,
    settings: { ...SETTINGS, ...settings },
  });
  t.after(() => control.stop());
  const worker = (url: string): Worker => {
    const found = cell.current.workers.find((one) => one?.url === url);
    if (found === undefined) throw new Error(`${url} is not in the fleet`);
    return found;
  };
  const eligible = (): string[] => {
    const { regular, prefill, decode } = cell.current.eligible;
    return [...regular, ...prefill, ...decode].map((index) => cell.current.workers[index]?.url ?? 'a hole');
  };
  const until = async (condition: () => boolean): Promise<number> => {
    const startMs = performance.now();
    while (!condition()) {
      if (performance.now() - startMs > 20_000) throw new Error('waited for 20 s in vain');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return performance.now() - startMs;
  };
  return {
    control,
    start: (workers) => control.start([commandLine({ workerUrls: [], prefill: [], decode: [], ...workers })]),
    cell,
    load,
    eligible,
    until,
    untilEligible: (url, isEligible = true) => until(() => eligible().includes(url) === isEligible),
    worker,
    call: async (method, target, body, authorization) => matchRoute(control.routes, method, target, body, authorization),
  };
}
