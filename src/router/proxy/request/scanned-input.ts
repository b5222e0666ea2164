/** What a scan found in a body, as policies see it; one object that is filled again and again. */
import type { RouteInput } from '../../../base/core/route-input.ts';
import type { RequestScan } from '../../../wire/json/scan-request.ts';

const EMPTY = Buffer.alloc(0);
const NO_RANGES = new Int32Array(0);

export class ScannedInput implements RouteInput {
  body: Buffer = EMPTY;
  ranges: Int32Array = NO_RANGES;
  rangeCount = 0;
  key: string | null = null;

  /** Valid until the next scan with `scan`. */
  set(body: Buffer, scan: RequestScan): void {
    this.body = body;
    this.ranges = scan.ranges;
    this.rangeCount = scan.rangeCount;
  }

  /** Lets go of the body. */
  clear(): void {
    this.body = EMPTY;
    this.rangeCount = 0;
  }
}
