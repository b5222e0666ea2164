/** What a route asks of the engine: prompts and how to continue them. */
import type { StopRules } from '../scheduling/generation.ts';
import type { EngineError } from './engine-error.ts';
import type { PairFields } from './pair-fields.ts';

export interface Sampling extends StopRules {
  /** null: none was given (until the text ends or the context is full). */
  readonly maxNewTokens: number | null;
  readonly temperature: number;
  readonly n: number;
}

export interface PromptRequest {
  /** What is wrong with its parameters: refused when the engine looks at the request, which is after a pause. */
  readonly problem?: EngineError | null;
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
