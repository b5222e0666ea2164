/** Whether another pair is tried when a leg of one has failed and the client has not got a byte. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';

export interface LegFailure {
  readonly kind: OutcomeKind;
  /** What the engine answered, also in an event of a stream; 0: it did not answer. */
  readonly status: number;
  /** Since the leg was sent. */
  readonly afterMs: number;
}

/** Pairs tried for one request. */
const MAX_PAIRS = 3;
/**
 * A request can kill its engine: SGLang 0.5.23 does with a token that its model does not have; it hangs for 5 s, then all of it
 * is gone. An engine that dies this late after it got the request may have died of it, and one more is all that is risked.
 */
const SLOW_DEATH_MS = 1000;
const MAX_SLOW_DEATHS = 2;

/** Counts the failures of one request. That there is another worker for the role is for the caller to see. */
export class PairRetries {
  #pairs = 0;
  #slowDeaths = 0;

  /** Called once for each pair that failed. */
  mayTryAnother({ kind, status, afterMs }: LegFailure): boolean {
    this.#pairs++;
    if ((kind === 'reset' || kind === 'cut') && afterMs >= SLOW_DEATH_MS) this.#slowDeaths++;
    return this.#pairs < MAX_PAIRS && this.#slowDeaths < MAX_SLOW_DEATHS && isTransient(kind, status);
  }
}

function isTransient(kind: OutcomeKind, status: number): boolean {
  switch (kind) {
    case 'connect-failed':
    case 'connect-timeout':
    case 'reset':
    case 'cut':
    case 'malformed':
    case 'queue-full':
    case 'queue-timeout':
    case 'timeout':
      return true;
    case 'status':
      // 501 and their like are said by every engine of the fleet.
      return status === 500 || status === 502 || status === 503 || status === 504;
    case 'ok':
    case 'client-gone':
    case 'cancelled':
      return false;
  }
}
