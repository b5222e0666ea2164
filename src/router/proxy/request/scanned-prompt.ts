/** The prompt that a scan found in a body: one object, filled again for each request. */
import type { Prompt } from '../../../base/core/route-input.ts';
import type { RequestScan } from '../../../wire/json/scan-request.ts';

const EMPTY = Buffer.alloc(0);
const NO_RANGES = new Int32Array(0);

export class ScannedPrompt implements Prompt {
  body: Buffer = EMPTY;
  ranges: Int32Array = NO_RANGES;
  rangeCount = 0;

  /** Valid until the next scan with `scan`. */
  set(body: Buffer, scan: RequestScan): void {
    this.body = body;
    this.ranges = scan.ranges;
    this.rangeCount = scan.rangeCount;
  }

  /** Drops the reference to the body. */
  clear(): void {
    this.body = EMPTY;
    this.rangeCount = 0;
  }
}

/** The prompt of a request that was not read. */
export const NO_PROMPT: Prompt = new ScannedPrompt();
