/** One prompt in the engine: what the request asks, its stage, its output. */
import type { OutputText } from './output-text.ts';
import type { PairSpec } from './pair-spec.ts';
import type { PrefixNode } from './prefix-cache.ts';

export type FinishReason =
  | { readonly type: 'length'; readonly length: number }
  | { readonly type: 'stop'; readonly matched: string | number }
  | { readonly type: 'abort'; readonly message: string; readonly status: number | null };

/** What ends a text before its token limit. */
export interface StopRules {
  /** Nothing ends the text before this many tokens. */
  readonly minNewTokens: number;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  /** The text keeps the stop string that ended it. */
  readonly keepStop: boolean;
  readonly ignoreEos: boolean;
}

export interface GenerationSpec extends StopRules {
  /** Index among the generations of its request. */
  readonly index: number;
  readonly rid: string;
  readonly prompt: Uint16Array;
  /** 0: only the prompt is computed. Infinity: until the text ends or the context is full. */
  readonly maxNewTokens: number;
  readonly returnLogprob: boolean;
  /** First prompt token with a log probability; the prefix cache is used only before it. -1: none. */
  readonly logprobStart: number;
  /** Sample number among the `n` of a prompt; 0 also for every sample at temperature 0. */
  readonly sample: number;
  /** The other half of its pair; null on an engine without pairs. */
  readonly pair: PairSpec | null;
  /** Data-parallel rank that computes it. */
  readonly rank: number;
}

/** Receives progress, synchronously, at the end of an engine step. */
export interface GenerationSink {
  /** New tokens exist, and more follow. */
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
 * In a pair the prefill half starts in `bootstrap`, until its partner arrives, and has `transfer` instead of `decode`; the decode
 * half has `transfer` instead of `prefill`.
 */
export type Stage = 'queued' | 'bootstrap' | 'prefill' | 'transfer' | 'decode' | 'ended';

export class Generation {
  readonly spec: GenerationSpec;
  readonly sink: GenerationSink;
  /** Most output tokens, within the limits of context and KV memory. */
  readonly limit: number;
  /** Output tokens after which the model ends the text (end-of-text token); Infinity: never. */
  readonly endsAfter: number;
  readonly words: OutputText;
  stage: Stage = 'queued';
  finish: FinishReason | null = null;
  readonly outputIds: number[] = [];
  text = '';
  /** Prompt tokens found in the prefix cache; -1 before admission. */
  cachedTokens = -1;
  retractions = 0;
  /** False: another engine sent the first token without its log probability. */
  isFirstLogprobKnown = true;
  /** Tokens whose KV exists (cached ones included), of prompt plus output so far. */
  computedTokens = 0;
  /** KV tokens outside the prefix cache. */
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

  /** Output tokens left. */
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
