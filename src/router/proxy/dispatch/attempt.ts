/** One try at one worker: counts as its load, and commits the policy to the choice, from the constructor to `end`. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { Choice } from '../../policy/contract.ts';
import type { WorkerSeries } from '../../telemetry/worker-series.ts';
import type { ProxyContext } from '../context.ts';
import type { Sink } from '../upstream/seam.ts';
import { AnswerListener } from './answer-listener.ts';
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
  #listener: AnswerListener | null = null;
  #over = false;

  /** `choice`: what the policy of `selection` chose; null if no policy was asked. */
  constructor(ctx: ProxyContext, worker: WorkerIndex, choice: Choice | null, selection: Selection = ctx.selection) {
    this.worker = worker;
    this.choice = choice;
    this.startMs = ctx.turnMs;
    this.#ctx = ctx;
    this.#selection = selection;
    this.series = ctx.series.find(worker);
    if (choice !== null) selection.commit(choice);
    ctx.load.acquire(worker);
    if (this.series !== undefined && choice !== null) this.series.selections.value++;
  }

  /** The sink for the worker's answer: `sink`, behind a listener if the policy learns from answers. */
  listen(sink: Sink): Sink {
    if (this.choice === null || !this.#selection.learns) return sink;
    this.#listener = new AnswerListener(sink, () => this.#firstToken());
    return this.#listener;
  }

  #firstToken(): void {
    if (this.#over || this.choice === null) return;
    this.#ctx.touch();
    this.#selection.firstToken(this.choice, this.#ctx.turnMs);
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
    if (this.choice !== null && this.#selection.learns) {
      const usage = kind === 'ok' && this.#listener !== null ? this.#listener.usage() : null;
      this.#selection.settled(this.choice, outcome, usage, ctx.turnMs);
    }
    ctx.attempts.attemptEnded(this.worker, outcome);
  }
}
