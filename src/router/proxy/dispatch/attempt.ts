/** One try at one worker: counts as its load, and commits the policy to the choice, from the constructor to `end`. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { Choice, PoolPolicy } from '../../policy/contract.ts';
import type { WorkerSeries } from '../../telemetry/worker-series.ts';
import type { Sink } from '../upstream/seam.ts';
import { AnswerListener } from './answer-listener.ts';
import type { AttemptParts } from './dispatch.ts';
import { learns, type Selection } from './selection.ts';

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
  'hung',
]);

export class Attempt {
  readonly worker: WorkerIndex;
  readonly choice: Choice | null;
  readonly series: WorkerSeries | undefined;
  readonly startMs: number;
  readonly #parts: AttemptParts;
  /** The worker is not to blame for how it ends. */
  isBlameless = false;
  /** Learns how the attempt ends, even if a reload has put another policy in its place. */
  readonly #chooser: PoolPolicy;
  #listener: AnswerListener | null = null;
  #over = false;

  /** `choice`: what the policy of `selection` chose; null if no policy was asked. */
  constructor(parts: AttemptParts, worker: WorkerIndex, choice: Choice | null, selection: Selection) {
    this.worker = worker;
    this.choice = choice;
    this.startMs = parts.turn.nowMs;
    this.#parts = parts;
    this.#chooser = selection.chooser;
    this.series = parts.series.find(worker);
    if (choice !== null) selection.commit(choice);
    parts.load.acquire(worker);
    if (this.series !== undefined && choice !== null) this.series.selections.value++;
    parts.attempts.attemptStarted(worker);
  }

  /** The sink for the worker's answer: `sink`, behind a listener if the policy learns from answers. */
  listen(sink: Sink): Sink {
    if (this.choice === null || !learns(this.#chooser)) return sink;
    this.#listener = new AnswerListener(sink, () => this.#firstToken());
    return this.#listener;
  }

  #firstToken(): void {
    if (this.#over || this.choice === null) return;
    const { turn } = this.#parts;
    turn.begin();
    const { policy, state } = this.#chooser;
    policy.firstToken?.(state, this.choice, turn.nowMs);
  }

  /** `status`: of the worker's answer, 0 without one. */
  end(kind: OutcomeKind, status: number): void {
    if (this.#over) return;
    this.#over = true;
    const { turn, load, attempts } = this.#parts;
    load.release(this.worker);
    if (FAILURES.has(kind)) this.series?.failed(kind);
    else if (kind === 'ok') this.series?.duration.observe((turn.nowMs - this.startMs) / 1000);
    const outcome = { kind, status };
    if (this.choice !== null && learns(this.#chooser)) {
      const usage = kind === 'ok' && this.#listener !== null ? this.#listener.usage() : null;
      const { policy, state } = this.#chooser;
      policy.settled?.(state, this.choice, { outcome, usage, nowMs: turn.nowMs });
    }
    attempts.attemptEnded(this.worker, this.isBlameless ? { kind: 'ok', status } : outcome);
  }
}
