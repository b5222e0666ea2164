/** One try at one worker: holds its place in the load count from dispatch to `end`, exactly once. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { Choice } from '../../policy/contract.ts';
import type { WorkerSeries } from '../../telemetry/worker-series.ts';
import type { ProxyContext } from '../context.ts';
import type { Selection } from './selection.ts';

/** Outcomes that say something bad about the worker. */
const FAILURES: ReadonlySet<OutcomeKind> = new Set([
  'status',
  'connect-failed',
  'connect-timeout',
  'reset',
  'cut',
  'malformed',
  'queue-full',
  'queue-timeout',
  'timeout',
]);

export class Attempt {
  readonly worker: WorkerIndex;
  readonly choice: Choice | null;
  readonly series: WorkerSeries | undefined;
  readonly startMs: number;
  readonly #ctx: ProxyContext;
  readonly #selection: Selection;
  #over = false;

  /** `choice`: that of the policy of `selection`; null when no policy was asked. */
  constructor(ctx: ProxyContext, worker: WorkerIndex, choice: Choice | null, selection: Selection = ctx.selection) {
    this.worker = worker;
    this.choice = choice;
    this.startMs = ctx.turnMs;
    this.#ctx = ctx;
    this.#selection = selection;
    this.series = ctx.series.find(worker);
    ctx.load.acquire(worker);
    if (this.series !== undefined && choice !== null) this.series.selections.value++;
  }

  /** `status`: of the worker's answer, 0 without one. */
  end(kind: OutcomeKind, status: number): void {
    if (this.#over) return;
    this.#over = true;
    const ctx = this.#ctx;
    ctx.load.release(this.worker);
    if (FAILURES.has(kind)) this.series?.failed(kind);
    else if (kind === 'ok') this.series?.duration.observe((ctx.turnMs - this.startMs) / 1000);
    const outcome = { kind, status };
    if (this.choice !== null) this.#selection.settled(this.choice, outcome);
    ctx.attempts.attemptEnded(this.worker, outcome);
  }
}
