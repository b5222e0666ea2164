/** The contract of sources: who says which workers the router should have. */
import type { Desired } from '../registry/reconcile.ts';
import type { Source, WantedWorker } from '../registry/source.ts';

/** The registry, as sources see it. */
export interface SourceSink {
  /**
   * The workers that `source` wants from now on. A lasting source names all of them in each call: what it no longer names it no longer
   * wants. A source of one moment names further ones. One result for each worker, in order; of a URL that is named twice the first counts.
   * A wish that was not fulfilled (`conflict`, `full`) is considered again when the source repeats it.
   */
  desire(source: Source, workers: readonly WantedWorker[]): readonly Desired[];
}

export interface WorkerSource extends Source {
  /** Called once. What the source wants in this call is part of the router's first look at its workers. */
  start(sink: SourceSink): void;
  /** Resolves when the source calls its sink no more. Idempotent. */
  stop(): Promise<void>;
}
