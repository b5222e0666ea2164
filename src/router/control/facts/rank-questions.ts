/** Asks engines again that have not said how many data-parallel ranks they have: soon at first, then more and more seldom. */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;

interface Question {
  pauseMs: number;
  timer: TimerHandle | null;
}

export class RankQuestions {
  readonly #clock: Clock;
  readonly #ask: (record: WorkerRecord) => void;
  readonly #open = new Map<WorkerRecord, Question>();

  constructor(clock: Clock, ask: (record: WorkerRecord) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** The engine did not say it: it is asked again after a pause. */
  askLater(record: WorkerRecord): void {
    const question = this.#open.get(record) ?? { pauseMs: FIRST_PAUSE_MS / 2, timer: null };
    if (question.timer !== null) return;
    this.#open.set(record, question);
    question.pauseMs = Math.min(2 * question.pauseMs, LAST_PAUSE_MS);
    question.timer = this.#clock.after(question.pauseMs, () => {
      question.timer = null;
      this.#ask(record);
    });
  }

  /** It has been answered, or nobody wants to know any more. */
  forget(record: WorkerRecord): void {
    this.#open.get(record)?.timer?.cancel();
    this.#open.delete(record);
  }

  stop(): void {
    for (const record of [...this.#open.keys()]) this.forget(record);
  }
}
