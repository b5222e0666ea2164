/** Who wants workers registered, as the registry knows it; sources/ has the sources themselves. */
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import type { WorkerOptions } from './worker-options.ts';

/** Label `source` of metrics of registrations: one for each kind of source. */
export type SourceLabel = 'static' | 'manual' | 'file';

export interface Source {
  /** As messages to operators name it, e.g. `the control API`. */
  readonly name: string;
  readonly label: SourceLabel;
  /**
   * False: a one-time source. It names a worker once; the control API may change and remove that worker.
   * True: a lasting source. It wants a worker until it stops naming it, and the control API may neither change nor remove that worker.
   */
  readonly isLasting: boolean;
}

/** A worker to register, and what its source says about it. */
export interface DesiredWorker {
  readonly address: WorkerAddress;
  readonly options: WorkerOptions;
}
