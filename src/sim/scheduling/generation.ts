/** One prompt on its way through the engine: what was asked, where it stands, what came out. */
import type { OutputText } from './output-text.ts';
import type { PairSpec } from './pair-spec.ts';
import type { PrefixNode } from './prefix-cache.ts';

export type FinishReason =
  | { readonly type: 'length'; readonly length: number }
  | { readonly type: 'stop'; readonly matched: string | number }
  | { readonly type: 'abort'; readonly message: string; readonly status: number | null };

/** When a text stops before its limit. */
export interface StopRules {
  /** Nothing stops it before. */
  readonly minNewTokens: number;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  /** The text keeps the stop string that ended it. */
  readonly keepStop: boolean;
  readonly ignoreEos: boolean;
}

export interface GenerationSpec extends StopRules {
  /** Place among the generations of its request. */
  readonly index: number;
  readonly rid: string;
  readonly prompt: Uint16Array;
  /** 0: only the prompt is computed. Infinity: until the text ends or the context is full. */
  readonly maxNewTokens: number;
  readonly returnLogprob: boolean;
  /** First prompt token with a logprob; from there on nothing comes from the prefix cache. -1: none of the prompt. */
  readonly logprobStart: number;
  /** Sample number among the `n` of a prompt; 0 also for every sample at temperature 0. */
  readonly sample: number;
  /** Where it meets its other half; null when it has none. */
  readonly pair: PairSpec | null;
  /** Data-parallel rank that has it. */
  readonly rank: number;
}

/** Told of progress, synchronously, at the end of an engine step. */
export interface GenerationSink {
  /** New tokens came and more will. */
  advanced(generation: Generation): void;
  /** Called once; `finish` is set. */
  ended(generation: Generation): void;
}

/**
 *            admitted            prompt done             last token
 *   queued ------------> prefill ------------> decode --------------> ended
 *     ^                    |                     |                      ^
 *     +---- out of KV -----+------ retracted ----+       aborted        |
 *     +--------------------------------------------------- from any ----+
 *
 * In a pair the prefill half begins in `bootstrap` (its partner has not come) and is in `transfer` instead of `decode`; the
 * decode half is in `transfer` instead of `prefill`.
 */
export type Stage = 'queued' | 'bootstrap' | 'prefill' | 'transfer' | 'decode' | 'ended';

export class Generation {
  readonly spec: GenerationSpec;
  readonly sink: GenerationSink;
  /** Most tokens it may produce, after the limits of context and KV. */
  readonly limit: number;
  /** Tokens after which the text ends by itself (end-of-text token); Infinity: never. */
  readonly endsAfter: number;
  readonly words: OutputText;
  stage: Stage = 'queued';
  finish: FinishReason | null = null;
  readonly outputIds: number[] = [];
  text = '';
  /** Prompt tokens that came from the prefix cache; -1 before admission. */
  cachedTokens = -1;
  retractions = 0;
  /** False: the first token came from another engine without its log probability. */
  isFirstLogprobKnown = true;
  /** Tokens whose KV exists (cached ones included), of prompt plus output so far. */
  computedTokens = 0;
  /** KV tokens it owns that are not in the prefix cache. */
  ownTokens = 0;
  /** The locked end of its path in the prefix cache. */
  node: PrefixNode | null = null;
  /** What prefill has to compute: the prompt, and after a retraction the output so far. */
  input: Uint16Array;
  /** Engine clock, milliseconds. */
  readonly receivedMs: number;
  admittedMs = 0;
  prefilledMs = 0;
  lastTokenMs = 0;
  endedMs = 0;

  constructor(spec: GenerationSpec, sink: GenerationSink, limit: number, endsAfter: number, words: OutputText, receivedMs: number) {
    this.spec = spec;
    this.sink = sink;
    this.limit = limit;
    this.endsAfter = endsAfter;
    this.words = words;
    this.input = spec.prompt;
    this.receivedMs = receivedMs;
  }

  get promptTokens(): number {
    return this.spec.prompt.length;
  }

  /** Tokens it may still add. */
  get tokensLeft(): number {
    return this.limit - this.outputIds.length;
  }

  /** Prompt and output. */
  allTokens(): Uint16Array {
    const all = new Uint16Array(this.spec.prompt.length + this.outputIds.length);
    all.set(this.spec.prompt);
    all.set(this.outputIds, this.spec.prompt.length);
    return all;
  }
}
