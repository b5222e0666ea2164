/** Counters by HTTP status and error code: an index for the common case, and never more series than statuses times known codes. */
import { ERRORS } from '../../base/core/errors.ts';
import type { Counter } from '../../base/telemetry/cells.ts';

export class StatusCounters {
  readonly #bind: (status: string, errorCode: string) => Counter;
  /** By status, for the empty code. */
  readonly #plain: (Counter | undefined)[] = new Array(1000).fill(undefined);
  readonly #coded = new Map<string, Counter>();

  constructor(bind: (status: string, errorCode: string) => Counter) {
    this.#bind = bind;
  }

  /** `status`: 100..999, anything else counts as "other"; `errorCode`: a key of ERRORS or '', anything else counts as "other". */
  of(status: number, errorCode: string): Counter {
    if (errorCode === '') {
      const known = this.#plain[status];
      if (known !== undefined) return known;
    }
    return this.#find(status, errorCode);
  }

  #find(status: number, errorCode: string): Counter {
    const isStatus = Number.isInteger(status) && status >= 100 && status <= 999;
    const statusLabel = isStatus ? String(status) : 'other';
    const codeLabel = errorCode === '' || Object.hasOwn(ERRORS, errorCode) ? errorCode : 'other';
    const key = `${statusLabel} ${codeLabel}`;
    let counter = this.#coded.get(key);
    if (counter === undefined) {
      counter = this.#bind(statusLabel, codeLabel);
      this.#coded.set(key, counter);
    }
    if (isStatus && codeLabel === '') this.#plain[status] = counter;
    return counter;
  }
}
