/** What the registry keeps of one worker; other parts of the control plane read it. */
import type { Worker } from '../../../base/core/worker.ts';
import type { BreakerState } from './breaker.ts';
import type { Claims } from './claims.ts';
import type { HealthSettings } from './health-settings.ts';
import type { WorkerState } from './worker-state.ts';

/** What a worker reports about itself. */
export interface WorkerFacts {
  readonly modelId: string | null;
  /** How many data-parallel ranks the engine has, 1 or more; null if it reports no usable number. */
  readonly dpSize: number | null;
  /** Requests that the engine runs at the same time, all ranks together; null if it reports no usable number. */
  readonly maxRunningRequests: number | null;
  /** Few, short values under the names that the engine gives them. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a worker says of its load; null: it does not say it. */
export interface LoadReport {
  /** Of all ranks together. */
  readonly waitingRequests: number | null;
  /** Share of the KV cache in use, the mean of the ranks. */
  readonly tokenUsage: number | null;
}

export interface WorkerRecord {
  /** Replaced whole when facts or options change; id, index and address never do. */
  readonly worker: Worker;
  /**
   * What requests are sent to: the worker or, with `--dp-aware`, one worker for each rank of the engine, with its own id and index.
   * They join, leave and fail together; the first has the index of the worker.
   */
  readonly ranks: readonly Worker[];
  /** Who wants it registered, and with which options. */
  readonly claims: Pick<Claims, 'keeper' | 'decider' | 'options'>;
  readonly facts: WorkerFacts | null;
  readonly state: WorkerState;
  /** Of this worker: its own settings, else those of the router. */
  readonly health: HealthSettings;
  readonly breaker: BreakerState;
  /** False: the breaker keeps requests away. */
  readonly isAdmitted: boolean;
  /** The load that is at or above a bound; null: the worker is below all bounds, or its load is not known. */
  readonly overload: LoadReport | null;
  /** Attempts since the worker was registered, as the breaker judges them. */
  readonly judged: { readonly successes: number; readonly failures: number };
}
