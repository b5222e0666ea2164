/** The contract of worker sources: they name the workers that the router should have. */
import type { DesireResult } from '../registry/reconcile.ts';
import type { DesiredWorker, Source } from '../registry/source.ts';

/** What a source needs of the registry. */
export interface SourceSink {
  /**
   * Names the workers that `source` wants. A lasting source names all of them in each call, and the registry drops its claims to all
   * others. A one-time source names additional ones, and in `dropped` the URLs that it names no longer. Returns one result for each worker, in order; if a URL is named twice, the first
   * counts. After `conflict` or `full` the registry tries again only when the source names the worker again.
   */
  desire(source: Source, workers: readonly DesiredWorker[], dropped?: readonly string[]): readonly DesireResult[];
}

export interface WorkerSource extends Source {
  /** Called once. The router waits for the first probes of workers that the source names in this call before it listens. */
  start(sink: SourceSink): void;
  /** After it resolves, the source does not call its sink. Idempotent. */
  stop(): Promise<void>;
}
