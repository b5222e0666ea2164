/** Finds in an engine's answer the lists of logprobs that a merge changes, as byte ranges. */
import { FieldNames, NO_FIELD } from '../../wire/json/field-names.ts';
import { JsonCursor } from '../../wire/json/json-cursor.ts';

/**
 * `generate`: `meta_info` of the answer, or of each element when a batch answers with an array; in streams `index` says which
 * prompt an event is of. `completions`: `logprobs` of each of `choices`, which have an `index` too.
 */
export type LogprobFormat = 'generate' | 'completions';

/** Names by format; a list is known by its index here. */
export const LIST_NAMES: Readonly<Record<LogprobFormat, readonly string[]>> = {
  generate: ['input_token_logprobs', 'input_top_logprobs', 'input_token_ids_logprobs'],
  completions: ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'],
};
export const MAX_LISTS = 4;

const FIELDS: Readonly<Record<LogprobFormat, FieldNames>> = {
  generate: new FieldNames(LIST_NAMES.generate),
  completions: new FieldNames(LIST_NAMES.completions),
};
const META_INFO = Buffer.from('meta_info', 'latin1');
const INDEX = Buffer.from('index', 'latin1');
const CHOICES = Buffer.from('choices', 'latin1');
const LOGPROBS = Buffer.from('logprobs', 'latin1');

const BRACKET_OPEN = 0x5b;

/** Where the lists of one prompt lie; offsets into the buffer of the answer. */
export class ListPlaces {
  /** After the brace of the object that holds the lists; -1: there is no such object. */
  holderStart = -1;
  isHolderEmpty = false;
  /** Bit `1 << list` for each that is there, whatever its value. */
  found = 0;
  /** By list: its value, brackets included. */
  readonly start: Int32Array = new Int32Array(MAX_LISTS);
  readonly end: Int32Array = new Int32Array(MAX_LISTS);

  reset(): void {
    this.holderStart = -1;
    this.isHolderEmpty = false;
    this.found = 0;
  }
}

export interface ListSink {
  /** The lists of prompt `index`. `places` is valid only during the call. */
  onLists(index: number, places: ListPlaces): void;
}

/** One finder serves all answers. */
export class ListFinder {
  readonly #cursor = new JsonCursor();
  readonly #elements = new JsonCursor();
  readonly #places = new ListPlaces();

  /**
   * Looks through the JSON text `buf[from..end)`. `enough`: lists (bits) after which the rest need not be looked at, for an answer
   * to one prompt; 0 reads on to the end. Prompts whose part of the text is cut or not JSON are not reported.
   */
  find(buf: Buffer, from: number, end: number, format: LogprobFormat, enough: number, sink: ListSink): void {
    const cursor = this.#cursor;
    cursor.open(buf, from, end);
    if (format === 'completions') this.#completion(buf, sink);
    else if (cursor.enterArray()) {
      for (let position = 0; cursor.nextElement(); position++) if (!this.#answer(buf, position, 0, sink)) break;
    } else this.#answer(buf, 0, enough, sink);
    cursor.close();
  }

  /** Where the last element of the list `buf[from..end)` starts, with the comma before it; `end - 1` if the list is empty. */
  lastElement(buf: Buffer, from: number, end: number): number {
    const cursor = this.#elements;
    cursor.open(buf, from, end);
    let last = end - 1;
    cursor.enterArray();
    for (let next = cursor.at; cursor.nextElement(); next = cursor.at) {
      last = next;
      if (!cursor.skip()) break;
    }
    cursor.close();
    return last;
  }

  #answer(buf: Buffer, position: number, enough: number, sink: ListSink): boolean {
    const cursor = this.#cursor;
    const places = this.#places;
    places.reset();
    let index = position;
    if (!cursor.enterObject()) return cursor.skip();
    while (cursor.nextKey()) {
      const value = cursor.at;
      const isIndex = cursor.keyReads(INDEX);
      if (!(cursor.keyReads(META_INFO) ? this.#holder(FIELDS.generate, enough) : cursor.skip())) return false;
      if (isIndex) index = Number(buf.toString('latin1', value, cursor.at));
      if (enough !== 0 && (places.found & enough) === enough) break;
    }
    if (places.holderStart >= 0) sink.onLists(index, places);
    return true;
  }

  #completion(buf: Buffer, sink: ListSink): void {
    const cursor = this.#cursor;
    if (!cursor.enterObject()) return;
    while (cursor.nextKey()) {
      if (!cursor.keyReads(CHOICES) || cursor.byte !== BRACKET_OPEN) {
        if (!cursor.skip()) return;
        continue;
      }
      cursor.enterArray();
      for (let position = 0; cursor.nextElement(); position++) if (!this.#choice(buf, position, sink)) return;
    }
  }

  #choice(buf: Buffer, position: number, sink: ListSink): boolean {
    const cursor = this.#cursor;
    const places = this.#places;
    places.reset();
    let index = position;
    if (!cursor.enterObject()) return cursor.skip();
    while (cursor.nextKey()) {
      const value = cursor.at;
      const isIndex = cursor.keyReads(INDEX);
      if (!(cursor.keyReads(LOGPROBS) ? this.#holder(FIELDS.completions, 0) : cursor.skip())) return false;
      if (isIndex) index = Number(buf.toString('latin1', value, cursor.at));
    }
    if (places.holderStart >= 0) sink.onLists(index, places);
    return true;
  }

  /** Walks over the object that holds the lists, or whatever stands in its place; no further than `enough`. */
  #holder(names: FieldNames, enough: number): boolean {
    const cursor = this.#cursor;
    const places = this.#places;
    if (!cursor.enterObject()) return cursor.skip();
    places.holderStart = cursor.at;
    places.isHolderEmpty = true;
    while (cursor.nextKey()) {
      places.isHolderEmpty = false;
      const list = cursor.keyIn(names);
      const start = cursor.at;
      if (!cursor.skip()) return false;
      if (list === NO_FIELD) continue;
      places.found |= 1 << list;
      places.start[list] = start;
      places.end[list] = cursor.at;
      if (enough !== 0 && (places.found & enough) === enough) break;
    }
    return true;
  }
}
