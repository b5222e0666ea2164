/**
 * Both answers of a pair whose client wants logprobs or experts of the prompt, which only prefill has: they go into decode's answer. What
 * this adds to the merge itself (src/router/pair) is the order in which two sockets speak.
 *
 *   decode's bytes before prefill's head --held--> merge --events--> onBytes at once
 *                                                    '---a plain answer--> parts, when both answers are whole
 */

import { HeldBytes } from '../../../wire/sse/held-bytes.ts';
import type { PairShape } from '../../pair/batch-shape.ts';
import { SINGLE } from '../../pair/batch-shape.ts';
import type { ListFinder } from '../../pair/logprob-lists.ts';
import { LogprobMerge } from '../../pair/logprob-merge.ts';
import type { ByteSink } from '../../pair/logprob-splicer.ts';
import { PromptLogprobs } from '../../pair/prompt-logprobs.ts';

/** Of each answer. The logprobs of 100,000 tokens with 20 alternatives each take about as much. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** With experts, which take 2.5 KB of base64 per token of a model with 58 layers and 8 experts per token: about 100,000 tokens. */
const MAX_EXPERT_BYTES = 256 * 1024 * 1024;

export class PairMerge implements ByteSink {
  /** Of a merged plain answer. */
  readonly parts: Buffer[] = [];
  partBytes = 0;
  readonly #finder: ListFinder;
  readonly #shape: PairShape;
  readonly #endpoint: string;
  readonly #events: ByteSink;
  readonly #early = new HeldBytes();
  #prompts: PromptLogprobs | null = null;
  #merge: LogprobMerge | null = null;
  #isDecodeEvents: boolean | null = null;
  #isDecodeWhole = false;
  readonly #maxBytes: number;

  /** `events` gets the bytes of a merged stream, valid during the call. */
  constructor(finder: ListFinder, shape: PairShape, endpoint: string, events: ByteSink) {
    this.#finder = finder;
    this.#shape = shape;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#maxBytes = shape.wantsExperts ? MAX_EXPERT_BYTES : MAX_HELD_BYTES;
  }

  /** Decode's answer is no event stream. */
  get isPlain(): boolean {
    return this.#isDecodeEvents !== true;
  }

  /** Decode is not to be read until prefill has said more. */
  get isWaiting(): boolean {
    return this.#early.length > 0 || this.#merge?.isWaiting === true;
  }

  /** Prefill has nothing more to say that matters. */
  get isPrefillDone(): boolean {
    return this.#prompts?.isComplete === true;
  }

  /** All that there is has been merged. */
  get isWhole(): boolean {
    return this.#isDecodeWhole && this.#merge !== null && this.isPrefillDone && !this.isWaiting;
  }

  prefillHead(isEvents: boolean): void {
    if (this.#prompts === null) this.#expect(isEvents);
  }

  /** Decode's events pass as far as they need nothing of prefill, which has not answered yet and will do so with events. */
  beginEarly(): void {
    if (this.#prompts === null) this.#expect(true);
  }

  #expect(isEvents: boolean): void {
    const { batch, wantsExperts } = this.#shape;
    const endpoint = this.#endpoint;
    const request = {
      format: endpoint === 'completions' || endpoint === 'chat' ? endpoint : 'generate',
      prompts: batch === SINGLE ? 1 : batch,
      isBatch: batch !== SINGLE,
      wantsExperts,
    } as const;
    this.#prompts = new PromptLogprobs(this.#finder, request, isEvents, this.#maxBytes);
    this.#start();
  }

  decodeHead(isEvents: boolean): void {
    this.#isDecodeEvents = isEvents;
    this.#start();
  }

  /** False: it is more than can be kept. */
  prefillData(buf: Buffer, start: number, end: number): boolean {
    const isKept = this.#prompts?.push(buf, start, end) !== false;
    this.#merge?.resume();
    return isKept;
  }

  prefillEnd(): void {
    this.#prompts?.end();
    this.#merge?.resume();
  }

  decodeData(buf: Buffer, start: number, end: number): boolean {
    if (this.#merge === null) return this.#early.push(buf, start, end, this.#maxBytes);
    return this.#merge.push(buf, start, end);
  }

  decodeEnd(): void {
    this.#isDecodeWhole = true;
    this.#merge?.end();
  }

  onBytes(buf: Buffer, start: number, end: number): void {
    if (this.#isDecodeEvents === true) {
      this.#events.onBytes(buf, start, end);
      return;
    }
    this.parts.push(buf.subarray(start, end));
    this.partBytes += end - start;
  }

  #start(): void {
    if (this.#prompts === null || this.#isDecodeEvents === null) return;
    this.#merge = new LogprobMerge(this.#finder, this.#prompts, this.#isDecodeEvents, this.#maxBytes, this);
    const early = this.#early.take();
    if (early.length > 0) this.#merge.push(early, 0, early.length);
    if (this.#isDecodeWhole) this.#merge.end();
  }
}
