/** Reads of a request body what the policy asked for, and nothing else. */
import type { RouteInput } from '../core/route-input.ts';
import type { PromptFields } from '../json/prompt-fields.ts';
import { describeProblem, RequestScan } from '../json/scan-request.ts';
import type { RequestBody } from './request-body.ts';

const EMPTY = Buffer.alloc(0);

class Input implements RouteInput {
  body: Buffer = EMPTY;
  ranges: Int32Array = new Int32Array(0);
  rangeCount = 0;
  key: string | null = null;
}

/** What a policy that needs nothing gets. */
export const NOTHING_READ: RouteInput = new Input();

export class RequestReader {
  readonly #needsPrompt: boolean;
  readonly #scan = new RequestScan();
  readonly #input = new Input();

  constructor(needsPrompt: boolean) {
    this.#needsPrompt = needsPrompt;
  }

  get needsPrompt(): boolean {
    return this.#needsPrompt;
  }

  /**
   * The input of the policy, valid until the next read; or, as text, why the body is not JSON. A body of which only
   * the beginning is held is read as far as it goes.
   */
  read(body: RequestBody, fields: PromptFields): RouteInput | string {
    const scan = this.#scan;
    const status = scan.scan(body.buf, body.start, body.end, fields);
    if (status === 'invalid' || (status === 'truncated' && body.complete)) return describeProblem(scan, body.start);
    const input = this.#input;
    input.body = body.buf;
    input.ranges = scan.ranges;
    input.rangeCount = scan.rangeCount;
    return input;
  }

  /** Lets go of the last body. */
  forget(): void {
    this.#input.body = EMPTY;
    this.#input.rangeCount = 0;
  }
}
