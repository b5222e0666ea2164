/** Logs and counts what happens to workers. */
import type { Logger } from '../../../base/core/logger.ts';
import type { WorkerIndex, WorkerType } from '../../../base/core/worker.ts';
import type { BreakerPhase } from './breaker.ts';
import { isEligible } from './eligibility.ts';
import type { Source, SourceLabel } from './source.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerRecord } from './worker-record.ts';
import { isUp, type Phase, type WorkerEvent } from './worker-state.ts';

/** Counts what happens to workers; the router's metrics are one. */
export interface WorkerCounters {
  registered(source: SourceLabel): void;
  deregistered(source: SourceLabel): void;
  probed(type: WorkerType, hasPassed: boolean): void;
  /** The worker hangs, and its requests were given up. */
  hung(worker: WorkerIndex): void;
  breakerChanged(worker: WorkerIndex, from: BreakerPhase, to: BreakerPhase): void;
}

export class FleetLog implements WorkerObserver {
  readonly #logger: Logger;
  readonly #counters: WorkerCounters | null;
  /** What was said last of hosts that are no engines: a program that answers 404 is probed twice a second. */
  readonly #noEngines = new Map<WorkerRecord, string>();

  constructor(logger: Logger, counters: WorkerCounters | null) {
    this.#logger = logger;
    this.#counters = counters;
  }

  workerAdded({ worker, claims }: WorkerRecord): void {
    const { label } = claims.decider;
    this.#logger.info({ worker: worker.url, id: worker.id, source: label }, 'worker added');
    this.#counters?.registered(label);
  }

  workerRemoved(record: WorkerRecord, { label }: Source): void {
    const { worker } = record;
    this.#noEngines.delete(record);
    this.#logger.info({ worker: worker.url, id: worker.id, source: label }, 'worker removed');
    this.#counters?.deregistered(label);
  }

  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void {
    if (event === 'unchecked') return;
    const { worker } = record;
    const hasPassed = event === 'probe-passed' || event === 'health-passed';
    this.#counters?.probed(worker.type, hasPassed);
    if (!hasPassed) this.#logger.debug({ worker: worker.url, event, detail }, 'probe did not pass');
    if (event !== 'probe-wrong') this.#noEngines.delete(record);
    else if (!isUp(record.state)) this.#noEngine(record, detail);
  }

  #noEngine(record: WorkerRecord, detail: string): void {
    if (this.#noEngines.get(record) === detail) return;
    this.#noEngines.set(record, detail);
    this.#logger.warn({ worker: record.worker.url, detail }, 'worker takes no requests: what answers there is no engine');
  }

  phaseChanged(record: WorkerRecord, from: Phase, because: WorkerEvent): void {
    const { phase } = record.state;
    if (phase === 'hung') this.#counters?.hung(record.worker.index);
    const fields = { worker: record.worker.url, from, phase, because };
    if (isEligible(record)) this.#logger.info(fields, 'worker takes requests');
    else if (phase === 'asking') this.#logger.info(fields, 'worker is up; it is asked for its data-parallel ranks');
    else this.#logger.warn(fields, 'worker takes no requests');
  }

  breakerChanged({ worker, ranks, breaker: { phase: to, strikes } }: WorkerRecord, from: BreakerPhase): void {
    for (const { index } of ranks) this.#counters?.breakerChanged(index, from, to);
    const fields = { worker: worker.url, from, to };
    if (to === 'open') this.#logger.warn({ ...fields, failures: strikes.length }, 'circuit breaker opened: worker takes no requests');
    else if (to === 'closed') this.#logger.info(fields, 'circuit breaker closed');
    else this.#logger.info(fields, 'circuit breaker half-open: worker takes a few requests');
  }

  overloadChanged({ worker, overload }: WorkerRecord): void {
    if (overload === null) this.#logger.info({ worker: worker.url }, 'worker is below its load bounds again: it takes requests');
    else this.#logger.warn({ worker: worker.url, ...overload }, 'worker is overloaded: it takes no new requests');
  }

  ranksMissing({ worker }: WorkerRecord, why: string): void {
    this.#logger.warn({ worker: worker.url, why }, 'worker takes no requests: its data-parallel ranks are not known');
  }
}
