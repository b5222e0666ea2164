/** Takes what only a prefill leg has out of its answer and keeps it for the merge: logprobs of the prompts, and their experts. */
import { skipSpace } from '../../wire/json/value-skipper.ts';
import { dataStart, EventLines, type LineSink } from '../../wire/sse/event-lines.ts';
import { HeldBytes } from '../../wire/sse/held-bytes.ts';
import {
  EXPERTS,
  EXTENSION,
  LISTS,
  type ListFinder,
  type ListPlaces,
  type ListSink,
  type ListTable,
  type LogprobFormat,
} from './logprob-lists.ts';

const QUOTE = 0x22;
const BRACKET_OPEN = 0x5b;
const EMPTY = Buffer.alloc(0);

/** What was asked for: enough to know what answers will look like. */
export interface LogprobRequest {
  readonly format: LogprobFormat;
  /** Prompts in it; 1 when it is no batch. */
  readonly prompts: number;
  /** It is a batch, be it of one: events say of which prompt they are. */
  readonly isBatch: boolean;
  /** `routed_experts` were asked for. */
  readonly wantsExperts: boolean;
}

/** What is known of one prompt. */
export interface PromptLists {
  readonly table: ListTable;
  /**
   * By list: what stands between its brackets or quotes, never empty, or for `replace` its value; null for a list that is empty or not
   * there.
   */
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
  /** `EXTENSION` apart. */
  readonly #byPrompt = new Map<number, PromptLists>();
  #extension: PromptLists | undefined = undefined;
  /** Prompts of which nothing more is awaited. */
  #whole = 0;
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
    if (this.#isEnded) return true;
    const { format, prompts, wantsExperts } = this.request;
    return this.#whole === prompts && (format === 'generate' || !wantsExperts || this.#extension !== undefined);
  }

  /** The lists of a prompt, or of the request as a whole (`EXTENSION`); undefined as long as, or if, there are none. */
  find(prompt: number): PromptLists | undefined {
    return prompt === EXTENSION ? this.#extension : this.#byPrompt.get(prompt);
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
    if (places.found === 0) return;
    if (prompt === EXTENSION) {
      this.#extension ??= this.#read(places);
      return;
    }
    if (prompt < 0 || prompt >= this.request.prompts) return;
    // Of what a stream says again later the first counts: it came with the first token. The experts come with the last.
    const known = this.#byPrompt.get(prompt);
    if (known !== undefined && !(this.#lacksExperts(known) && (places.found & EXPERTS) !== 0)) return;
    const lists = this.#read(places);
    this.#byPrompt.set(prompt, lists);
    if (!this.#lacksExperts(lists)) this.#whole++;
  }

  #lacksExperts({ table, mask }: PromptLists): boolean {
    return this.request.wantsExperts && this.request.format === 'generate' && table === 'info' && (mask & EXPERTS) === 0;
  }

  #read(places: ListPlaces): PromptLists {
    const contents = LISTS[places.table].map((_, list) => this.#contents(places, list));
    const mask = contents.reduce((bits, bytes, list) => (bytes === null ? bits : bits | (1 << list)), 0);
    return { table: places.table, contents, mask };
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
    if (((places.found >> list) & 1) === 0) return null;
    switch (LISTS[places.table][list]!.kind) {
      case 'replace':
        return this.#keep(start, end);
      case 'base64':
        return buf[start] === QUOTE ? this.#keep(start + 1, end - 1) : null;
      case 'prepend': {
        if (buf[start] !== BRACKET_OPEN) return null;
        // A completion has prompt and output in one list: the last element is the first token of the output.
        const to = places.table === 'choice' ? this.#finder.lastElement(buf, start, end) : end - 1;
        return this.#keep(skipSpace(buf, start + 1, end), to);
      }
    }
  }

  #keep(from: number, to: number): Buffer | null {
    if (to <= from) return null;
    this.#keptBytes += to - from;
    // A plain answer is ours, a line is not.
    const bytes = this.#source.subarray(from, to);
    return this.#lines === null ? bytes : Buffer.from(bytes);
  }
}
