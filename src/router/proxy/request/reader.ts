/** Reads of a request body what the policy asked for and what naming a rank takes, and nothing else. */
import type { RouteInput } from '../../../base/core/route-input.ts';
import type { MemberRecord } from '../../../wire/json/member-record.ts';
import type { PromptFields } from '../../../wire/json/prompt-fields.ts';
import { describeProblem, RequestScan } from '../../../wire/json/scan-request.ts';
import type { RequestBody } from './body.ts';
import { ScannedInput } from './scanned-input.ts';

/** What a policy that needs nothing gets. */
export const NOTHING_READ: RouteInput = new ScannedInput();

export class RequestReader {
  readonly #needsPrompt: boolean;
  readonly #record: MemberRecord | null;
  readonly #scan = new RequestScan();
  readonly #input = new ScannedInput();

  /** `record`: told of the members of every body that is read; null: nobody needs them. */
  constructor(needsPrompt: boolean, record: MemberRecord | null = null) {
    this.#needsPrompt = needsPrompt || record !== null;
    this.#record = record;
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
    const status = scan.scan(body.buf, body.start, body.end, fields, this.#record);
    if (status === 'invalid' || (status === 'truncated' && body.complete)) return describeProblem(scan, body.start);
    this.#input.set(body.buf, scan);
    return this.#input;
  }

  /** Lets go of the last body. */
  forget(): void {
    this.#input.clear();
  }
}
