/** Who wants workers registered, as the registry knows it; sources/ has the sources themselves. */
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import type { WorkerOptions } from './worker-options.ts';

/** Label `source` of metrics of registrations: one for each kind of source. */
export type SourceLabel = 'static' | 'manual';

export interface Source {
  /** As messages to operators name it, e.g. `the control API`. */
  readonly name: string;
  readonly label: SourceLabel;
  /**
   * False: a source of one moment. It names a worker once; the control API may change and remove that worker.
   * True: it wants a worker until it no longer names it. Until then the worker changes and leaves only with it.
   */
  readonly isLasting: boolean;
}

/** A worker to register, and what its source says about it. */
export interface WantedWorker {
  readonly address: WorkerAddress;
  readonly options: WorkerOptions;
}
