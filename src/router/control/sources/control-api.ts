/** Source of the workers that requests to the control API add. */
import type { DesireResult } from '../registry/reconcile.ts';
import type { DesiredWorker } from '../registry/source.ts';
import type { SourceSink, WorkerSource } from './worker-source.ts';

export class ControlApi implements WorkerSource {
  readonly name = 'the control API';
  readonly label = 'manual';
  readonly isLasting = false;
  #sink: SourceSink | null = null;

  start(sink: SourceSink): void {
    this.#sink = sink;
  }

  async stop(): Promise<void> {}

  /** A worker that is registered already stays as it is. Throws before `start`. */
  add(worker: DesiredWorker): DesireResult {
    const [result] = this.#sink?.desire(this, [worker]) ?? [];
    if (result === undefined) throw new Error('the control API has not been started');
    return result;
  }
}
