/** The model that a request body names, as a string. Most requests name the same one, so its bytes are compared before they are decoded. */
import type { RequestScan } from '../../../wire/json/scan-request.ts';

/** A longer name is not remembered, and not recorded: no model has it. */
const MAX_NAME_BYTES = 256;

export class ModelMemo {
  readonly #bytes = Buffer.alloc(MAX_NAME_BYTES);
  #length = 0;
  #name = '';

  /** Of the last scan, which read `body`; '' if there is no model, or it is no valid string of at most 256 bytes. */
  of(scan: RequestScan, body: Buffer): string {
    const { modelStart, modelEnd } = scan;
    const length = modelEnd - modelStart;
    if (modelStart < 0 || length === 0 || length > MAX_NAME_BYTES) return '';
    if (length === this.#length && this.#bytes.compare(body, modelStart, modelEnd, 0, length) === 0) return this.#name;
    this.#length = body.copy(this.#bytes, 0, modelStart, modelEnd);
    this.#name = scan.decodeModel(body) ?? '';
    return this.#name;
  }
}
