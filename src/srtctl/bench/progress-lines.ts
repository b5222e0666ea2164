/** A line now and then while requests run, and one at the end. */
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import { isShort, isUnstreamed, type Sample } from './sample.ts';

const EVERY_MS = 5000;

export class ProgressLines {
  readonly #what: string;
  readonly #requests: number;
  readonly #clock: Clock;
  readonly #say: (line: string) => void;
  readonly #startMs: number;
  #timer: TimerHandle;
  #completed = 0;
  #failed = 0;
  #short = 0;
  #unstreamed = 0;
  #tokens = 0;
  #ttftMs = 0;

  constructor(what: string, requests: number, clock: Clock, say: (line: string) => void) {
    this.#what = what;
    this.#requests = requests;
    this.#clock = clock;
    this.#say = say;
    this.#startMs = clock.nowMs();
    this.#timer = this.#next();
  }

  add(sample: Sample): void {
    if (sample.isCut) return;
    if (sample.error !== null) {
      this.#failed++;
      // The first failures are news at once; a flood of them is one line in five seconds.
      if (this.#failed <= 3) this.#say(`${this.#what}: a request failed: ${sample.error}`);
      return;
    }
    this.#completed++;
    if (isShort(sample)) this.#short++;
    if (isUnstreamed(sample)) this.#unstreamed++;
    this.#tokens += sample.outputTokens;
    this.#ttftMs += (sample.firstMs ?? sample.startMs) - sample.startMs;
  }

  /** Says the last line. */
  stop(): void {
    this.#timer.cancel();
    this.#tell();
  }

  #next(): TimerHandle {
    return this.#clock.after(EVERY_MS, () => {
      this.#tell();
      this.#timer = this.#next();
    });
  }

  #tell(): void {
    const seconds = Math.max(0.001, (this.#clock.nowMs() - this.#startMs) / 1000);
    const parts = [
      `${this.#completed}/${this.#requests} requests`,
      `${seconds.toFixed(1)} s`,
      `${(this.#completed / seconds).toFixed(2)} req/s`,
      `${(this.#tokens / seconds).toFixed(0)} tok/s`,
      ...(this.#completed > 0 ? [`mean TTFT ${(this.#ttftMs / this.#completed).toFixed(0)} ms`] : []),
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
      ...(this.#short > 0 ? [`${this.#short} shorter than asked for`] : []),
      ...(this.#unstreamed > 0 ? [`${this.#unstreamed} not streamed`] : []),
    ];
    this.#say(`${this.#what}: ${parts.join(', ')}`);
  }
}
