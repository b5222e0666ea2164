/** Takes the logprobs of the prompts out of a prefill leg's answer and keeps them for the merge. */
import { skipSpace } from '../../wire/json/value-skipper.ts';
import { dataStart, EventLines, type LineSink } from '../../wire/sse/event-lines.ts';
import { HeldBytes } from '../../wire/sse/held-bytes.ts';
import { LIST_NAMES, type ListFinder, type ListPlaces, type ListSink, type LogprobFormat } from './logprob-lists.ts';

const BRACKET_OPEN = 0x5b;
const EMPTY = Buffer.alloc(0);

/** What was asked for: enough to know what answers will look like. */
export interface LogprobRequest {
  readonly format: LogprobFormat;
  /** Prompts in it; 1 when it is no batch. */
  readonly prompts: number;
  /** It is a batch, be it of one: events say of which prompt they are. */
  readonly isBatch: boolean;
}

/** The logprobs of one prompt. */
export interface PromptLists {
  /** By list: what stands between its brackets, never empty; null for a list that is empty or not there. */
  readonly contents: readonly (Buffer | null)[];
  /** Bit `1 << list` for each that is not null. */
  readonly mask: number;
}

/**
 * Fed with the prefill leg's answer, plain JSON or events in any pieces. A prefill engine answers each prompt with its logprobs and
 * the first token of the output, whose logprobs the decode leg has too.
 */
export class PromptLogprobs implements ListSink, LineSink {
  readonly request: LogprobRequest;
  readonly #finder: ListFinder;
  readonly #maxBytes: number;
  readonly #byPrompt = new Map<number, PromptLists>();
  readonly #held = new HeldBytes();
  /** null for an answer that is no event stream. */
  readonly #lines: EventLines | null;
  #isEnded = false;
  #keptBytes = 0;
  /** What is being looked through. */
  #source: Buffer = EMPTY;

  /** `maxBytes`: how much of the answer is kept at most. */
  constructor(finder: ListFinder, request: LogprobRequest, isEventStream: boolean, maxBytes: number) {
    this.request = request;
    this.#finder = finder;
    this.#maxBytes = maxBytes;
    this.#lines = isEventStream ? new EventLines(this, maxBytes) : null;
  }

  /** Nothing more will be found: the answer has ended, or all prompts have theirs. */
  get isComplete(): boolean {
    return this.#isEnded || this.#byPrompt.size === this.request.prompts;
  }

  /** The logprobs of a prompt; undefined as long as, or if, there are none. */
  find(prompt: number): PromptLists | undefined {
    return this.#byPrompt.get(prompt);
  }

  /** Takes `buf[start..end)`; false if the answer is larger than is kept: then the merge cannot be made. */
  push(buf: Buffer, start: number, end: number): boolean {
    if (this.isComplete) return true;
    if (this.#lines === null) return this.#held.push(buf, start, end, this.#maxBytes);
    return this.#lines.push(buf, start, end) && this.#keptBytes <= this.#maxBytes;
  }

  /** The answer has come to its end. */
  end(): void {
    if (this.#isEnded) return;
    if (this.#lines === null) {
      const body = this.#held.take();
      this.#look(body, 0, body.length);
    } else this.#lines.end();
    this.#isEnded = true;
  }

  onLine(buf: Buffer, from: number, to: number): void {
    const start = dataStart(buf, from, to);
    if (start >= 0 && !this.isComplete) this.#look(buf, start, to);
  }

  onLists(prompt: number, places: ListPlaces): void {
    // Of what a stream says again later the first counts: it came with the first token.
    if (prompt < 0 || prompt >= this.request.prompts || this.#byPrompt.has(prompt) || places.found === 0) return;
    const contents = LIST_NAMES[this.request.format].map((_, list) => this.#contents(places, list));
    this.#byPrompt.set(prompt, { contents, mask: contents.reduce((mask, bytes, list) => (bytes === null ? mask : mask | (1 << list)), 0) });
  }

  #look(buf: Buffer, from: number, to: number): void {
    this.#source = buf;
    this.#finder.find(buf, from, to, this.request.format, 0, this);
    this.#source = EMPTY;
  }

  #contents(places: ListPlaces, list: number): Buffer | null {
    const buf = this.#source;
    const start = places.start[list]!;
    const end = places.end[list]!;
    if (((places.found >> list) & 1) === 0 || buf[start] !== BRACKET_OPEN) return null;
    const from = skipSpace(buf, start + 1, end);
    // A completion has prompt and output in one list: the last element is the first token of the output.
    const to = this.request.format === 'completions' ? this.#finder.lastElement(buf, start, end) : end - 1;
    if (to <= from) return null;
    this.#keptBytes += to - from;
    // A plain answer is ours, a line is not.
    return this.#lines === null ? buf.subarray(from, to) : Buffer.from(buf.subarray(from, to));
  }
}
