/** Finds in an engine's answer what a merge changes, as byte ranges: logprobs of the prompt, and the experts that its tokens were sent to. */
import { FieldNames, NO_FIELD } from '../../wire/json/field-names.ts';
import { JsonCursor } from '../../wire/json/json-cursor.ts';

/**
 * `generate`: `meta_info` of the answer, or of each element when a batch answers with an array; in streams `index` says which
 * prompt an event is of. `completions`: `logprobs` of each of `choices`, which have an `index` too. `chat`: `meta_info` of each of
 * `choices`. The last two have `sglext` beside their choices.
 */
export type LogprobFormat = 'generate' | 'completions' | 'chat';

/** `prepend`: the prefill leg's elements go before decode's. `base64`: its bytes go over the first of decode's. `replace`: its value counts. */
export type ListKind = 'prepend' | 'base64' | 'replace';

/** `info`: the members of `meta_info` and `sglext`. `choice`: those of `logprobs` of a completion. */
export type ListTable = 'info' | 'choice';

/** A list is known by its index here. Source: SGLang 0.5.23; `routed_experts` as its mini load balancer merges it. */
export const LISTS: Readonly<Record<ListTable, readonly { readonly name: string; readonly kind: ListKind }[]>> = {
  info: [
    { name: 'routed_experts', kind: 'base64' },
    ...['input_token_logprobs', 'input_top_logprobs', 'input_token_ids_logprobs'].map((name) => ({ name, kind: 'prepend' as const })),
    ...['val_flat', 'idx_flat', 'val_flat_b64', 'idx_flat_b64', 'val_flat_b64_dtype', 'idx_flat_b64_dtype', 'shape', 'null_prefix'].map(
      (end) => ({ name: `input_top_logprobs_${end}`, kind: 'replace' as const }),
    ),
  ],
  choice: ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'].map((name) => ({ name, kind: 'prepend' as const })),
};
const MAX_LISTS = Math.max(LISTS.info.length, LISTS.choice.length);
/** The bit of `routed_experts` in the table `info`. */
export const EXPERTS: number = 1 << 0;

const FIELDS: Readonly<Record<ListTable, FieldNames>> = {
  info: new FieldNames(LISTS.info.map(({ name }) => name)),
  choice: new FieldNames(LISTS.choice.map(({ name }) => name)),
};
/** The index under which `sglext` is reported: it is of the request, not of one prompt. */
export const EXTENSION = -1;
const META_INFO = Buffer.from('meta_info', 'latin1');
const INDEX = Buffer.from('index', 'latin1');
const CHOICES = Buffer.from('choices', 'latin1');
const LOGPROBS = Buffer.from('logprobs', 'latin1');
const SGLEXT = Buffer.from('sglext', 'latin1');

const BRACKET_OPEN = 0x5b;

/** Where the lists of one prompt lie; offsets into the buffer of the answer. */
export class ListPlaces {
  table: ListTable = 'info';
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
    if (format !== 'generate') this.#choices(buf, format === 'chat' ? 'info' : 'choice', sink);
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
      if (!(cursor.keyReads(META_INFO) ? this.#holder('info', enough) : cursor.skip())) return false;
      if (isIndex) index = Number(buf.toString('latin1', value, cursor.at));
      if (enough !== 0 && (places.found & enough) === enough) break;
    }
    if (places.holderStart >= 0) sink.onLists(index, places);
    return true;
  }

  #choices(buf: Buffer, table: ListTable, sink: ListSink): void {
    const cursor = this.#cursor;
    if (!cursor.enterObject()) return;
    while (cursor.nextKey()) {
      if (cursor.keyReads(SGLEXT)) {
        this.#places.reset();
        if (!this.#holder('info', 0)) return;
        if (this.#places.holderStart >= 0) sink.onLists(EXTENSION, this.#places);
      } else if (!cursor.keyReads(CHOICES) || cursor.byte !== BRACKET_OPEN) {
        if (!cursor.skip()) return;
      } else {
        cursor.enterArray();
        for (let position = 0; cursor.nextElement(); position++) if (!this.#choice(buf, position, table, sink)) return;
      }
    }
  }

  #choice(buf: Buffer, position: number, table: ListTable, sink: ListSink): boolean {
    const cursor = this.#cursor;
    const places = this.#places;
    places.reset();
    let index = position;
    if (!cursor.enterObject()) return cursor.skip();
    while (cursor.nextKey()) {
      const value = cursor.at;
      const isIndex = cursor.keyReads(INDEX);
      if (!(cursor.keyReads(table === 'info' ? META_INFO : LOGPROBS) ? this.#holder(table, 0) : cursor.skip())) return false;
      if (isIndex) index = Number(buf.toString('latin1', value, cursor.at));
    }
    if (places.holderStart >= 0) sink.onLists(index, places);
    return true;
  }

  /** Walks over the object that holds the lists, or whatever stands in its place; no further than `enough`. */
  #holder(table: ListTable, enough: number): boolean {
    const cursor = this.#cursor;
    const places = this.#places;
    const names = FIELDS[table];
    places.table = table;
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
