/** The workers of a simulation: a scheduler for each, and the snapshots in which the router sees them. */
import type { Clock } from '../base/core/clock.ts';
import { EMPTY_FLEET, FleetCell, type FleetSnapshot } from '../base/core/fleet.ts';
import type { LoadTable } from '../base/core/load.ts';
import { HTTP1, type Worker, type WorkerIndex } from '../base/core/worker.ts';
import { Scheduler, type SchedulerSettings } from '../sim/scheduling/scheduler.ts';

export class SimulatedFleet {
  readonly cell: FleetCell = new FleetCell();
  readonly schedulers: Scheduler[] = [];
  readonly #settings: SchedulerSettings;
  readonly #clock: Clock;
  readonly #load: LoadTable;

  constructor(settings: SchedulerSettings, clock: Clock, load: LoadTable) {
    this.#settings = settings;
    this.#clock = clock;
    this.#load = load;
  }

  /** A cold worker, eligible at once. */
  join(): void {
    const index = this.schedulers.length;
    this.schedulers.push(new Scheduler(this.#settings, this.#clock));
    this.#load.reset(index);
    const worker = workerAt(index, this.#settings);
    const { workers, eligible } = this.cell.current;
    this.#publish([...workers, worker], [...eligible.regular, index], [worker], []);
  }

  /** It gets no more requests and ends those that it has. */
  leave(index: WorkerIndex): void {
    const { workers, eligible } = this.cell.current;
    const worker = workers[index];
    if (worker === undefined) return;
    this.#publish(
      workers.map((one) => (one === worker ? undefined : one)),
      [...eligible.regular].filter((one) => one !== index),
      [],
      [worker],
    );
  }

  #publish(workers: FleetSnapshot['workers'], eligible: readonly WorkerIndex[], joined: readonly Worker[], left: readonly Worker[]): void {
    const { current } = this.cell;
    const regular = Int32Array.from(eligible);
    const total = workers.filter((worker) => worker !== undefined).length;
    const snapshot = { ...EMPTY_FLEET, version: current.version + 1, workers, eligible: { ...EMPTY_FLEET.eligible, regular }, total };
    this.cell.publish(snapshot, joined, left);
  }
}

function workerAt(index: WorkerIndex, { maxRunningRequests, kvTokens }: SchedulerSettings): Worker {
  const host = `worker-${index}`;
  return {
    index,
    id: host,
    url: `http://${host}:30000`,
    scheme: 'http',
    host,
    port: 30_000,
    authority: `${host}:30000`,
    basePath: '',
    type: 'regular',
    protocol: HTTP1,
    apiKey: null,
    modelId: 'simulated',
    priority: 50,
    cost: 1,
    bootstrapPort: null,
    rank: null,
    maxRunningRequests,
    kvTokens,
    labels: {},
  };
}
