/** What the registry keeps of one worker, and what others in the control plane may read of it. */
import type { Worker, WorkerType } from '../../../base/core/worker.ts';
import type { WorkerState } from './worker-state.ts';

/** What whoever names a worker may say about it. */
export interface WorkerOptions {
  readonly type: WorkerType;
  readonly apiKey: string | null;
  /** null: what the worker says of itself. */
  readonly modelId: string | null;
  readonly priority: number;
  readonly cost: number;
  readonly bootstrapPort: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** Source: sglang_router 0.3.2 (priority 50, cost 1.0). */
export const DEFAULT_OPTIONS: WorkerOptions = {
  type: 'regular',
  apiKey: null,
  modelId: null,
  priority: 50,
  cost: 1,
  bootstrapPort: null,
  labels: {},
};

/** What a worker reports about itself. */
export interface WorkerFacts {
  readonly modelId: string | null;
  /** How many data-parallel ranks the engine has, 1 or more; null if it reports no usable number. */
  readonly dpSize: number | null;
  /** Few, short values under the names that the engine gives them. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface WorkerRecord {
  /** Replaced whole when facts or options change; id, index and address never do. */
  readonly worker: Worker;
  /**
   * What requests are sent to: the worker itself or, where ranks are told apart, each rank of the engine as a worker with an id
   * and an index of its own. They join, leave and fail together; the first has the index of the worker.
   */
  readonly ranks: readonly Worker[];
  readonly options: WorkerOptions;
  readonly facts: WorkerFacts | null;
  readonly state: WorkerState;
}
