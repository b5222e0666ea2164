/** Puts what the prefill leg said of the prompts into the decode leg's JSON by copying bytes; numbers stay as the engines wrote them. */
import { skipSpace } from '../../wire/json/value-skipper.ts';
import { spliceBase64 } from './base64-splice.ts';
import { EXPERTS, EXTENSION, LISTS, type ListFinder, type ListPlaces, type ListSink } from './logprob-lists.ts';
import type { PromptLists, PromptLogprobs } from './prompt-logprobs.ts';

const COMMA = Buffer.from(',', 'latin1');
const OPEN = Buffer.from('[', 'latin1');
const CLOSE = Buffer.from(']', 'latin1');
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const QUOTE = 0x22;
const COMMA_BYTE = 0x2c;
const LOWER_N = 0x6e;
const EMPTY = Buffer.alloc(0);

export interface ByteSink {
  /** The next bytes of the merged answer, `buf[start..end)`. Those of an event stream are valid only during the call. */
  onBytes(buf: Buffer, start: number, end: number): void;
}

/** `parts` go in place of the bytes `at..until`. */
interface Edit {
  readonly at: number;
  readonly until: number;
  readonly parts: readonly Buffer[];
}

/**
 * `merged`: written, with what there was to put in. `waiting`: nothing is written, since the prefill leg may still say what
 * belongs here.
 */
export type SpliceResult = 'merged' | 'waiting';

export class LogprobSplicer implements ListSink {
  readonly #finder: ListFinder;
  readonly #prompts: PromptLogprobs;
  /** Completion streams say the logprobs of the prompt once: prompts that have had theirs. null: every answer gets them. */
  readonly #served: Set<number> | null;
  #source: Buffer = EMPTY;
  #edits: Edit[] = [];
  #pending: number[] = [];
  #isWaiting = false;

  constructor(finder: ListFinder, prompts: PromptLogprobs, isEventStream: boolean) {
    this.#finder = finder;
    this.#prompts = prompts;
    this.#served = isEventStream && prompts.request.format === 'completions' ? new Set() : null;
  }

  /** Every answer from here on passes unchanged. */
  get isDone(): boolean {
    return this.#served?.size === this.#prompts.request.prompts && !this.#prompts.request.wantsExperts;
  }

  /** Writes `buf[from..to)` to the sink; the JSON text in it, `json..jsonEnd`, merged. */
  splice(buf: Buffer, from: number, to: number, json: number, jsonEnd: number, sink: ByteSink): SpliceResult {
    const { request } = this.#prompts;
    let enough = 0;
    if (request.format === 'generate' && !request.isBatch) {
      const lists = this.#prompts.find(0);
      if (lists === undefined && !this.#prompts.isComplete) return 'waiting';
      enough = lists?.mask ?? 0;
      if (request.wantsExperts && !this.#prompts.isComplete) enough |= EXPERTS;
      if (enough === 0) {
        sink.onBytes(buf, from, to);
        return 'merged';
      }
    }
    this.#source = buf;
    this.#edits = [];
    this.#pending = [];
    this.#isWaiting = false;
    this.#finder.find(buf, json, jsonEnd, request.format, enough, this);
    this.#source = EMPTY;
    if (this.#isWaiting) return 'waiting';
    for (const prompt of this.#pending) this.#served?.add(prompt);
    let at = from;
    for (const edit of this.#edits.sort((a, b) => a.at - b.at)) {
      sink.onBytes(buf, at, edit.at);
      for (const part of edit.parts) sink.onBytes(part, 0, part.length);
      at = edit.until;
    }
    sink.onBytes(buf, at, to);
    return 'merged';
  }

  onLists(prompt: number, places: ListPlaces): void {
    if (this.#served?.has(prompt) === true) return;
    const { request, isComplete } = this.#prompts;
    const lists = this.#prompts.find(prompt);
    const hasExperts = places.table === 'info' && (places.found & EXPERTS) !== 0;
    const isMissing = lists === undefined || (hasExperts && (lists.mask & EXPERTS) === 0);
    if (isMissing && !isComplete && (prompt === EXTENSION ? hasExperts : prompt >= 0 && prompt < request.prompts)) this.#isWaiting = true;
    if (lists === undefined || lists.table !== places.table) return;
    if (prompt !== EXTENSION) this.#pending.push(prompt);
    const isThere = this.#isThere(places, lists);
    for (const [list, { kind }] of LISTS[lists.table].entries()) if (kind !== 'prepend' || !isThere) this.#edit(places, list, lists);
  }

  #edit(places: ListPlaces, list: number, lists: PromptLists): void {
    const contents = lists.contents[list];
    if (contents === null || contents === undefined) return;
    const { name, kind } = LISTS[lists.table][list]!;
    const isFound = ((places.found >> list) & 1) !== 0;
    const [at, until] = isFound ? [places.start[list]!, places.end[list]!] : [places.holderStart, places.holderStart];
    if (!isFound && (places.isHolderEmpty || kind === 'base64')) return;
    const key = isFound ? EMPTY : Buffer.from(`"${name}":`, 'latin1');
    switch (kind) {
      case 'base64':
        this.#editBase64(contents, at, until);
        return;
      case 'replace':
        this.#edits.push({ at, until, parts: isFound ? [contents] : [key, contents, COMMA] });
        return;
      case 'prepend':
        if (isFound) this.#prepend(contents, at, until);
        else this.#edits.push({ at, until, parts: [key, OPEN, contents, CLOSE, COMMA] });
    }
  }

  #editBase64(head: Buffer, start: number, end: number): void {
    if (this.#source[start] !== QUOTE) return;
    const splice = spliceBase64(head, this.#source.subarray(start + 1, end - 1));
    if (splice !== null) this.#edits.push({ at: start + 1, until: start + 1 + splice.until, parts: splice.parts });
  }

  #prepend(contents: Buffer, start: number, end: number): void {
    const buf = this.#source;
    if (buf[start] === LOWER_N) this.#edits.push({ at: start, until: end, parts: [OPEN, contents, CLOSE] });
    if (buf[start] !== BRACKET_OPEN) return;
    const first = skipSpace(buf, start + 1, end);
    this.#edits.push({ at: first, until: first, parts: buf[first] === BRACKET_CLOSE ? [contents] : [contents, COMMA] });
  }

  /**
   * True if all of the lists begin with the contents already: engines that hand the logprobs on with the KV answer with all of them.
   * One list alone proves nothing: the offsets of a completion are all -1.
   */
  #isThere(places: ListPlaces, lists: PromptLists): boolean {
    return LISTS[lists.table].every(({ kind }, list) => {
      const contents = lists.contents[list];
      if (kind !== 'prepend' || contents === null || contents === undefined) return true;
      return ((places.found >> list) & 1) !== 0 && beginsWith(this.#source, places.start[list]!, places.end[list]!, contents);
    });
  }
}

/** Does the list `buf[start..end)` begin with the contents, element by element? */
function beginsWith(buf: Buffer, start: number, end: number, contents: Buffer): boolean {
  const from = skipSpace(buf, start + 1, end);
  const to = from + contents.length;
  if (buf[start] !== BRACKET_OPEN || to >= end || buf.compare(contents, 0, contents.length, from, to) !== 0) return false;
  const next = buf[skipSpace(buf, to, end)];
  return next === COMMA_BYTE || next === BRACKET_CLOSE;
}
