/** What a route asks the engine for: prompts and how to continue them. */
import type { StopRules } from '../scheduling/generation.ts';
import type { EngineError } from './engine-error.ts';
import type { PairFields } from './pair-fields.ts';

export interface Sampling extends StopRules {
  /** null: no limit but the end of the text and the context. */
  readonly maxNewTokens: number | null;
  readonly temperature: number;
  readonly n: number;
}

export interface PromptRequest {
  /** An error in its parameters. The engine reports it when the request starts, which is after a pause. */
  readonly problem?: EngineError | null;
  /** One per prompt. */
  readonly prompts: readonly Uint16Array[];
  readonly sampling: Sampling;
  readonly isStream: boolean;
  /** One per prompt and sample; otherwise generated. */
  readonly rids?: readonly string[];
  readonly returnLogprob?: boolean;
  /** First prompt token with a logprob; -1, the default: none. */
  readonly logprobStart?: number;
  /** The partners of its generations; absent on routes without pairs. Used only by an engine with pairs. */
  readonly pair?: PairFields;
  /** Data-parallel rank that it names; null, the default: any. */
  readonly rank?: number | null;
}
