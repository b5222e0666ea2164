/** Reads of a request body what the policy asked for and what naming a rank takes, and nothing else. */
import type { Prompt } from '../../../base/core/route-input.ts';
import type { MemberRecord } from '../../../wire/json/member-record.ts';
import type { PromptFields } from '../../../wire/json/prompt-fields.ts';
import { describeProblem, RequestScan } from '../../../wire/json/scan-request.ts';
import type { RequestBody } from './body.ts';
import { ModelMemo } from './model-memo.ts';
import { ScannedPrompt } from './scanned-prompt.ts';

export class RequestReader {
  /** The policy looks at prompts. */
  wantsPrompt: boolean;
  readonly #record: MemberRecord | null;
  readonly #scan = new RequestScan();
  readonly #prompt = new ScannedPrompt();
  readonly #model = new ModelMemo();

  /** `record`: told of the members of every body that is read; null: nobody needs them. */
  constructor(wantsPrompt: boolean, record: MemberRecord | null = null) {
    this.wantsPrompt = wantsPrompt;
    this.#record = record;
  }

  /** What the last valid body names as its model; '' if it names none. */
  get model(): string {
    return this.#model.of(this.#scan, this.#prompt.body);
  }

  get needsPrompt(): boolean {
    return this.wantsPrompt || this.#record !== null;
  }

  /**
   * The prompt, valid until the next read; or, as text, why the body is not JSON. A body of which only
   * the beginning is held is read as far as it goes.
   */
  read(body: RequestBody, fields: PromptFields): Prompt | string {
    const scan = this.#scan;
    const status = scan.scan(body.buf, body.start, body.end, fields, this.#record);
    if (status === 'invalid' || (status === 'truncated' && body.complete)) return describeProblem(scan, body.start);
    this.#prompt.set(body.buf, scan);
    return this.#prompt;
  }

  /** Drops the reference to the last body. */
  forget(): void {
    this.#prompt.clear();
  }
}

/** Why the router cannot write into a body, for its client. `problem`: of the scan. */
export function whyNotJson({ buf, start, end }: RequestBody, problem: string): string {
  const isWide = end - start > 1 && (buf[start] === 0 || buf[start + 1] === 0 || (buf[start]! >= 0xfe && buf[start + 1]! >= 0xfe));
  if (isWide) return 'the request body is UTF-16 or UTF-32, and the router must write into it: send it as UTF-8';
  return `the request body is not valid JSON, and the router must write into it: ${problem}`;
}
