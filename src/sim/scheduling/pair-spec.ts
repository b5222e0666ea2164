/** The other half of one generation of a pair, as its request names it. */

/** Where a scripted fault of a pair acts; see FaultPlace. */
export type PairPlace = 'before-kv' | 'after-kv';

/** A scripted fault that a generation carries to its pair. The scheduler does not look at it. */
export interface PairFault {
  readonly kind: 'delay' | 'hang' | 'abort' | 'die';
  readonly at: PairPlace;
  readonly delayMs: number;
}

export interface PairSpec {
  /** null: the request has none. */
  readonly host: string | null;
  /** null: the request has none; decode uses its `disaggregationBootstrapPort`. */
  readonly port: number | null;
  /** Decimal digits, 0..2^64-1, optionally with a minus; null: the request has none. */
  readonly room: string | null;
  /** Data-parallel rank of the prefill engine that has the room; null: the rank that follows from the room's number. */
  readonly prefillRank: number | null;
  /** One of several samples of its prompt. */
  readonly isSampled: boolean;
  readonly fault: PairFault | null;
}

/** Host of a request without a partner, such as the health check of the engine. Source: SGLang, FAKE_BOOTSTRAP_HOST. */
export const FAKE_HOST = '2.2.2.2';
