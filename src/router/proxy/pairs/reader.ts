/** Reads of a request body what a pair needs, in one pass: the prompt for the policies, the shape, and where fields go in. */
import type { Prompt } from '../../../base/core/route-input.ts';
import { MemberRecord } from '../../../wire/json/member-record.ts';
import type { PromptFields } from '../../../wire/json/prompt-fields.ts';
import { describeProblem, RequestScan } from '../../../wire/json/scan-request.ts';
import { isRefusal, type PairShape, type Refusal, ShapeReader } from '../../pair/batch-shape.ts';
import { type BodySplice, planSplice } from '../../pair/body-splice.ts';
import { BOOTSTRAP_MEMBERS, RANK_MEMBERS, RID_MEMBER } from '../../pair/bootstrap-fields.ts';
import { PAIR_FIELDS } from '../../pair/pair-fields.ts';
import type { RequestBody } from '../request/body.ts';
import { ModelMemo } from '../request/model-memo.ts';
import { ScannedPrompt } from '../request/scanned-prompt.ts';

/** Everything that is worked out once for all tries. Offsets into the buffer of the body. */
export interface PairRequest {
  readonly shape: PairShape;
  readonly splice: BodySplice;
  /** The client asked for a stream. */
  readonly isStream: boolean;
}

export class PairReader {
  readonly #scan = new RequestScan();
  readonly #record = new MemberRecord(PAIR_FIELDS);
  readonly #shapes = new ShapeReader();
  readonly #prompt = new ScannedPrompt();
  readonly #model = new ModelMemo();
  /** Fields of the client that the router's replace. */
  readonly #replaced: number;

  /** `namesRanks`: the router chooses data-parallel ranks. */
  constructor(namesRanks: boolean) {
    this.#replaced = namesRanks ? BOOTSTRAP_MEMBERS | RANK_MEMBERS : BOOTSTRAP_MEMBERS;
  }

  /** What the last valid body names as its model; '' if it names none. */
  get model(): string {
    return this.#model.of(this.#scan, this.#prompt.body);
  }

  /** Of the last body that was read, until `forget`. */
  get prompt(): Prompt {
    return this.#prompt;
  }

  /** A whole body; a text says why it is not JSON. */
  read(body: RequestBody, endpoint: string, fields: PromptFields): PairRequest | Refusal | string {
    const status = this.scan(body, fields);
    if (status !== null) return status;
    const shape = this.#shapes.read(endpoint, body.buf, this.#record, this.#scan.stream === 'true');
    if (isRefusal(shape)) return shape;
    // An id of null is none: behind the one that is put in it would be the last, which counts.
    const replaced = shape.rid === null ? this.#replaced | RID_MEMBER : this.#replaced;
    return { shape, splice: planSplice(this.#record, body.start, body.end, replaced), isStream: this.#scan.stream === 'true' };
  }

  /** Fills `prompt` again, for another try. */
  scan(body: RequestBody, fields: PromptFields): string | null {
    const scan = this.#scan;
    if (scan.scan(body.buf, body.start, body.end, fields, this.#record) !== 'ok') return describeProblem(scan, body.start);
    this.#prompt.set(body.buf, scan);
    return null;
  }

  /** Drops the reference to the last body. */
  forget(): void {
    this.#prompt.clear();
  }
}
