/** What a request body asks of a pair: how many rooms it needs, whether a pair can serve it, and what has to be merged. */
import { JsonCursor } from '../../wire/json/json-cursor.ts';
import type { MemberRecord } from '../../wire/json/member-record.ts';
import { FIELD } from './pair-fields.ts';

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const BRACKET_OPEN = 0x5b;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;

/** `batch` of a body with one prompt: it gets one room, not a list. */
export const SINGLE = -1;

/** Prompts in one request. Each needs a room and about 60 bytes more in the body. */
export const MAX_BATCH = 8192;

/** Why a pair cannot serve a body, for a 400: text and the parameter that is to blame, null for the body as a whole. */
export interface Refusal {
  readonly message: string;
  readonly param: string | null;
}

export interface PairShape {
  /** Number of prompts of a batch, 0 .. MAX_BATCH; SINGLE otherwise. */
  readonly batch: number;
  /** The answer will hold logprobs of the prompt, which only the prefill leg has. */
  readonly wantsInputLogprobs: boolean;
  /** The answer will hold the experts of all tokens; decode knows those of the output only. */
  readonly wantsExperts: boolean;
  /** The client's own request id as it stands in the body, quotes included; a list for a batch. null: none. */
  readonly rid: string | null;
}

/** Which API the body is of: the `endpoint` of its route. Of others than these three nothing but `rid` is read. */
export type PairEndpoint = string;

const NAME_N = Buffer.from('n', 'latin1');

/**
 * Reads shapes; one reader serves all bodies. Source of the rules: SGLang's GenerateReqInput (`_determine_batch_size`,
 * `_normalize_bootstrap_params`) and its completions API.
 */
export class ShapeReader {
  readonly #cursor = new JsonCursor();

  /** `record` is of a scan of `buf` that was `ok`. */
  read(endpoint: PairEndpoint, buf: Buffer, record: MemberRecord, isStream: boolean = false): PairShape | Refusal {
    if (record.insertAt < 0) return { message: 'the body must be a JSON object', param: null };
    if (record.isFull) return { message: 'the body repeats its fields too often', param: null };
    const samples = this.#refuseSamples(endpoint, buf, record);
    this.#cursor.close();
    if (samples !== null) return samples;
    const prompt = promptEntry(endpoint, buf, record);
    const batch = prompt < 0 ? SINGLE : this.#batchOf(buf, record, prompt);
    this.#cursor.close();
    if (batch > MAX_BATCH) return { message: `${batch} prompts in one request: at most ${MAX_BATCH} go to a pair`, param: null };
    const wantsExperts = isSet(buf, record, FIELD.return_routed_experts);
    const unmerged = refuseUnmerged(buf, record, wantsExperts && isStream && endpoint === 'completions' && batch > 1);
    if (unmerged !== null) return unmerged;
    const rid = present(buf, record, FIELD.rid);
    return {
      batch,
      wantsInputLogprobs: wantsInputLogprobs(endpoint, buf, record),
      wantsExperts,
      rid: rid < 0 ? null : buf.toString('utf8', record.valueStart(rid), record.valueEnd(rid)),
    };
  }

  /** Several samples of one prompt would share a room: prefill answers, decode hangs (SGLang 0.5.23, observed). */
  #refuseSamples(endpoint: PairEndpoint, buf: Buffer, record: MemberRecord): Refusal | null {
    let samples = 1;
    let param = 'n';
    if (endpoint === 'generate') {
      const entry = present(buf, record, FIELD.sampling_params);
      if (entry < 0) return null;
      param = 'sampling_params.n';
      samples = this.#samplesIn(buf, record.valueStart(entry), record.valueEnd(entry));
    } else if (endpoint === 'chat' || endpoint === 'completions') {
      const entry = present(buf, record, FIELD.n);
      if (entry < 0) return null;
      samples = numberAt(buf, record.valueStart(entry), record.valueEnd(entry));
    }
    if (!(samples > 1)) return null;
    return {
      message: `${param} is ${samples}: a prefill-decode pair makes one sample for each prompt; send the request ${samples} times instead`,
      param,
    };
  }

  /** Of a list the first counts: the engine refuses lists whose numbers differ. */
  #samplesIn(buf: Buffer, from: number, end: number): number {
    const cursor = this.#cursor;
    let samples = 1;
    cursor.open(buf, from, end);
    if (cursor.enterArray()) cursor.nextElement();
    if (cursor.enterObject()) {
      while (cursor.nextKey()) {
        const value = cursor.at;
        const isSamples = cursor.keyReads(NAME_N);
        if (!cursor.skip()) break;
        if (isSamples) samples = numberAt(buf, value, cursor.at);
      }
    }
    return samples;
  }

  #batchOf(buf: Buffer, record: MemberRecord, entry: number): number {
    const from = record.valueStart(entry);
    const end = record.valueEnd(entry);
    const cursor = this.#cursor;
    cursor.open(buf, from, end);
    if (!cursor.enterArray()) return SINGLE;
    const isEmpty = !cursor.nextElement();
    const first = isEmpty ? 0 : cursor.byte;
    switch (record.field(entry)) {
      case FIELD.text:
        return isEmpty ? 0 : this.#count();
      case FIELD.input_embeds:
        return first === BRACKET_OPEN && this.#isFirstNested(buf, cursor.at, end) ? this.#count() : SINGLE;
      case FIELD.prompt:
        if (first === QUOTE) return this.#count();
    }
    return first === BRACKET_OPEN ? countLists(buf, from, end) : SINGLE;
  }

  /** Is the first element of the first element a list? Leaves the cursor where it was. */
  #isFirstNested(buf: Buffer, at: number, end: number): boolean {
    const cursor = this.#cursor;
    const isNested = cursor.enterArray() && cursor.nextElement() && cursor.byte === BRACKET_OPEN;
    cursor.open(buf, at, end);
    return isNested;
  }

  /** Number of elements of the array at whose first element the cursor stands. */
  #count(): number {
    const cursor = this.#cursor;
    let count = 0;
    do count++;
    while (cursor.skip() && cursor.nextElement());
    return count;
  }
}

export function isRefusal(shape: PairShape | Refusal): shape is Refusal {
  return 'message' in shape;
}

/** The entry that holds the prompt, in the order in which the engine looks; -1: none, or the API knows no batches. */
function promptEntry(endpoint: PairEndpoint, buf: Buffer, record: MemberRecord): number {
  if (endpoint === 'completions') return present(buf, record, FIELD.prompt);
  if (endpoint !== 'generate') return -1;
  const text = present(buf, record, FIELD.text);
  if (text >= 0) return text;
  const ids = present(buf, record, FIELD.input_ids);
  return ids >= 0 ? ids : present(buf, record, FIELD.input_embeds);
}

/**
 * /generate: with `return_logprob`. Completions: `logprobs` with `echo`. Chat answers have none of the prompt, and those of
 * the output are complete on the decode leg.
 */
function wantsInputLogprobs(endpoint: PairEndpoint, buf: Buffer, record: MemberRecord): boolean {
  if (endpoint === 'generate') return isSet(buf, record, FIELD.return_logprob);
  if (endpoint !== 'completions' || !isSet(buf, record, FIELD.echo)) return false;
  const entry = present(buf, record, FIELD.logprobs);
  return entry >= 0 && !(numberAt(buf, record.valueStart(entry), record.valueEnd(entry)) === 0);
}

/**
 * What neither leg can give: prefill engines do not return it, and decode engines have it of their own tokens only (SGLang 0.5.23). An
 * answer without a word about it would be taken for a whole one.
 */
function refuseUnmerged(buf: Buffer, record: MemberRecord, isMixedStream: boolean): Refusal | null {
  const hidden = isSet(buf, record, FIELD.return_hidden_states) ? record.last(FIELD.return_hidden_states) : -1;
  const isLast = hidden >= 0 && buf.toString('latin1', record.valueStart(hidden), record.valueEnd(hidden)) === '"last"';
  const param =
    hidden >= 0 && !isLast ? 'return_hidden_states' : isSet(buf, record, FIELD.return_indexer_topk) ? 'return_indexer_topk' : null;
  if (param !== null) {
    return {
      message: `${param} is not possible with a prefill-decode pair: no engine returns those of the prompt; ask a regular worker`,
      param,
    };
  }
  if (!isMixedStream) return null;
  return {
    message:
      'return_routed_experts with several prompts in one stream: the engine does not say of which prompt they are; ask without stream',
    param: 'return_routed_experts',
  };
}

/** The entry of a field that is there and not null; -1 otherwise. */
function present(buf: Buffer, record: MemberRecord, field: number): number {
  const entry = record.last(field);
  return entry >= 0 && buf[record.valueStart(entry)] !== LOWER_N ? entry : -1;
}

/** There, and neither null nor false. */
function isSet(buf: Buffer, record: MemberRecord, field: number): boolean {
  const entry = present(buf, record, field);
  return entry >= 0 && buf[record.valueStart(entry)] !== LOWER_F;
}

/** A number, or a string that holds one, as the engine's validation would take it; NaN for anything else. */
function numberAt(buf: Buffer, from: number, end: number): number {
  const byte = buf[from]!;
  if (byte === LOWER_F) return 0;
  const isNumber = byte === MINUS || (byte >= ZERO && byte <= NINE);
  if (!isNumber && byte !== QUOTE) return Number.NaN;
  const text = buf.toString('latin1', from, end);
  return Number(isNumber ? text : stringIn(text));
}

/** The string that a JSON string stands for, without a meaning where an escape is wrong. */
function stringIn(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return 'not a number'; // The engine gets the body and refuses it.
  }
}

/** Number of lists inside the list `buf[from..end)` of lists of numbers: nothing else in it has an opening bracket. */
function countLists(buf: Buffer, from: number, end: number): number {
  const lists = buf.subarray(from, end);
  let count = 0;
  for (let at = lists.indexOf(BRACKET_OPEN, 1); at >= 0; at = lists.indexOf(BRACKET_OPEN, at + 1)) count++;
  return count;
}
