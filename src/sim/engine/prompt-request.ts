/** What a route asks of the engine: prompts and how to continue them. */
import type { PairFields } from './pair-fields.ts';

export interface Sampling {
  /** null: none was given (until the text ends or the context is full). */
  readonly maxNewTokens: number | null;
  readonly minNewTokens: number;
  readonly temperature: number;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly keepStop: boolean;
  readonly ignoreEos: boolean;
  readonly n: number;
}

export interface PromptRequest {
  /** One per prompt. */
  readonly prompts: readonly Uint16Array[];
  readonly sampling: Sampling;
  readonly isStream: boolean;
  /** One per prompt and sample; otherwise they are made up. */
  readonly rids?: readonly string[];
  readonly returnLogprob?: boolean;
  /** First prompt token with a logprob; -1, the default: none. */
  readonly logprobStart?: number;
  /** Where its generations meet their other halves; left out on a path that knows no pairs. Counts only in one half of a pair. */
  readonly pair?: PairFields;
  /** Data-parallel rank that it asks for; null, the default: any. */
  readonly rank?: number | null;
}
