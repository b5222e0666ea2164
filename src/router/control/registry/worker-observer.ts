/** Events of the registry. It calls observers synchronously, in the order in which they subscribed. */
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { BreakerPhase } from './breaker.ts';
import type { Source } from './source.ts';
import type { WorkerRecord } from './worker-record.ts';
import type { Phase, WorkerEvent } from './worker-state.ts';

export interface WorkerObserver {
  workerAdded?(record: WorkerRecord): void;
  /** `by`: the source that asked for it. */
  workerRemoved?(record: WorkerRecord, by: Source): void;
  /** A probe of the worker ended. Comes before the change of phase that it causes. `detail`: a status or an error code. */
  probeEnded?(record: WorkerRecord, event: WorkerEvent, detail: string): void;
  /** Not called for the change to `removed`. */
  phaseChanged?(record: WorkerRecord, from: Phase, because: WorkerEvent): void;
  /** Comes after `phaseChanged` when one event causes both. */
  probeWanted?(record: WorkerRecord, when: 'now' | 'soon'): void;
  /** Its load went above or below the bounds. */
  overloadChanged?(record: WorkerRecord): void;
  /** Other health settings hold for the worker. */
  healthChanged?(record: WorkerRecord): void;
  breakerChanged?(record: WorkerRecord, from: BreakerPhase): void;
  /** The worker was asked for its data-parallel ranks, and they are still unknown. */
  ranksMissing?(record: WorkerRecord, why: string): void;
  /** An attempt ended whose worker has been removed. */
  strayEnded?(worker: WorkerIndex): void;
}
