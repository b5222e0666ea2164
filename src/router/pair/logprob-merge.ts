/** The decode leg's answer on its way to the client, with the logprobs of the prompts put in. */
import { dataStart, EventLines, type LineSink } from '../../wire/sse/event-lines.ts';
import { HeldBytes } from '../../wire/sse/held-bytes.ts';
import type { ListFinder } from './logprob-lists.ts';
import { type ByteSink, LogprobSplicer } from './logprob-splicer.ts';
import type { PromptLogprobs } from './prompt-logprobs.ts';

const BRACE_OPEN = 0x7b;
const EMPTY = Buffer.alloc(0);

/**
 * Events pass one by one, each as soon as the prefill leg has said what belongs into it; a plain answer passes when both
 * answers are whole.
 *
 *                 an event whose prompt has no logprobs yet
 *   PASSING ──────────────────────────────────────────────> HOLDING      the caller pauses the decode leg
 *      ^  <──────────────────────────────────────────────────  |
 *      |          resume, when the prefill leg has said more   | more than maxBytes: push answers false
 *     end
 */
export class LogprobMerge implements LineSink, ByteSink {
  readonly #splicer: LogprobSplicer;
  readonly #sink: ByteSink;
  readonly #maxBytes: number;
  readonly #isEventStream: boolean;
  readonly #lines: EventLines;
  readonly #held = new HeldBytes();
  #isTooLarge = false;
  #isEnded = false;
  /** Bytes that pass unchanged and lie together: written in one go. */
  #passing: Buffer = EMPTY;
  #passFrom = 0;
  #passTo = 0;

  /** `isEventStream` is what the decode leg's head says. `maxBytes`: how much of its answer is held at most. */
  constructor(finder: ListFinder, prompts: PromptLogprobs, isEventStream: boolean, maxBytes: number, sink: ByteSink) {
    this.#splicer = new LogprobSplicer(finder, prompts, isEventStream);
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#isEventStream = isEventStream;
    this.#lines = new EventLines(this, maxBytes);
  }

  /** Something is held until the prefill leg says more: pause the decode leg, and call `resume` when it has. */
  get isWaiting(): boolean {
    return this.#isEventStream ? this.#held.length > 0 : this.#isEnded && this.#held.length > 0;
  }

  /** Takes `buf[start..end)` of the decode leg; false when more would have to be held than is allowed. */
  push(buf: Buffer, start: number, end: number): boolean {
    if (!this.#isEventStream) return this.#held.push(buf, start, end, this.#maxBytes);
    const isHeld = this.#lines.push(buf, start, end);
    this.#flush();
    return isHeld && !this.#isTooLarge;
  }

  /** The prefill leg has said more, or has ended: writes what was held as far as that is enough. */
  resume(): void {
    if (!this.isWaiting) return;
    const held = this.#held.take();
    if (this.#isEventStream) {
      // Whole lines, unless the stream has ended; the line that has begun since is still in `#lines`.
      const lines = new EventLines(this, held.length);
      lines.push(held, 0, held.length);
      lines.end();
    } else if (this.#splicer.splice(held, 0, held.length, 0, held.length, this) === 'waiting')
      this.#held.push(held, 0, held.length, held.length);
    this.#flush();
  }

  /** The decode leg has ended. What is held still waits for `resume`. */
  end(): void {
    this.#isEnded = true;
    if (this.#isEventStream) this.#lines.end();
    this.#flush();
    this.resume();
  }

  onLine(buf: Buffer, from: number, to: number, next: number): void {
    if (this.#held.length > 0) {
      this.#hold(buf, from, next);
      return;
    }
    const data = this.#splicer.isDone ? -1 : dataStart(buf, from, to);
    if (data < 0 || buf[data] !== BRACE_OPEN) this.onBytes(buf, from, next);
    else if (this.#splicer.splice(buf, from, next, data, to, this) === 'waiting') this.#hold(buf, from, next);
  }

  /** From the splicer. */
  onBytes(buf: Buffer, start: number, end: number): void {
    if (buf !== this.#passing || start !== this.#passTo) {
      this.#flush();
      this.#passing = buf;
      this.#passFrom = start;
    }
    this.#passTo = end;
  }

  #hold(buf: Buffer, from: number, to: number): void {
    if (!this.#held.push(buf, from, to, this.#maxBytes)) this.#isTooLarge = true;
  }

  #flush(): void {
    if (this.#passTo > this.#passFrom) this.#sink.onBytes(this.#passing, this.#passFrom, this.#passTo);
    this.#passing = EMPTY;
    this.#passFrom = 0;
    this.#passTo = 0;
  }
}
