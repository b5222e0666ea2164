/** The simulated log probabilities of tokens, and how /generate shows them. Source: key sets recorded from SGLang 0.5.23. */
import { floatText } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { encodeByte } from '../scheduling/tokens.ts';
import type { Body } from './request-body.ts';

const MOST_TOP = 20;

/** What a request asks for in addition to the log probabilities of its tokens. */
export interface LogprobOptions {
  /** Number of most likely tokens at every position; 0: none. */
  readonly top: number;
  /** Token ids to report at every position, per prompt or for all; null: none. */
  readonly tokenIds: readonly unknown[] | null;
}

export function readLogprobOptions(body: Body): LogprobOptions {
  const { top_logprobs_num: top, token_ids_logprob: tokenIds } = body as { top_logprobs_num?: unknown; token_ids_logprob?: unknown };
  return { top: typeof top === 'number' ? top : 0, tokenIds: Array.isArray(tokenIds) ? tokenIds : null };
}

/** A log probability for a token at a place: between -4 and 0, the same for the same token and place. */
export function logprobOf(id: number, at: number): number {
  return -0.01 - ((Math.imul(id + 1, 2_654_435_761) ^ Math.imul(at + 1, 40_503)) >>> 8) / 2 ** 24 / 0.25;
}

/** The `count` most likely tokens at a place, the chosen one first. */
export function topTokens(id: number, at: number, count: number): readonly { readonly id: number; readonly logprob: number }[] {
  const top = [{ id, logprob: logprobOf(id, at) }];
  for (let i = 1; i < Math.min(count, MOST_TOP); i++) {
    const other = encodeByte(97 + ((id + at + i * 7) % 26));
    top.push({ id: other, logprob: logprobOf(id, at) - i });
  }
  return top.slice(0, count);
}

/** Members of `meta_info`. `hasInput`: this engine computed the prompt, so it has the prompt's log probabilities. */
export function logprobText(generation: Generation, logprobs: LogprobOptions, hasInput: boolean): string {
  const { prompt, logprobStart } = generation.spec;
  const from = logprobStart < 0 || !hasInput ? prompt.length : logprobStart;
  const input = Array.from({ length: prompt.length - from }, (_, i) => ({ id: prompt[from + i]!, at: from + i }));
  const output = generation.outputIds.map((id, i) => ({ id, at: prompt.length + i }));
  const list = (places: readonly Place[], text: (place: Place) => string): string => `[${places.map(text).join(',')}]`;
  // The first token of a prompt has no log probability, nor has a token that another engine computed.
  const own = ({ id, at }: Place): string => {
    if (at === prompt.length && !generation.isFirstLogprobKnown) return '[0.0,0,null]';
    return `[${at === 0 ? 'null' : floatText(logprobOf(id, at))},${id},null]`;
  };
  const parts = [
    `"input_token_logprobs":${list(input, own)},"output_token_logprobs":${list(output, own)}`,
    `"output_token_logprobs_length":${output.length}`,
  ];
  const add = (name: string, text: (place: Place) => string): void => {
    const shown = (place: Place): string => (place.at === 0 ? 'null' : text(place));
    parts.push(`"input_${name}":${list(input, shown)},"output_${name}":${list(output, shown)}`);
  };
  if (logprobs.top > 0) add('top_logprobs', ({ id, at }) => listText(topTokens(id, at, logprobs.top)));
  const ids = tokenIdsFor(generation, logprobs);
  // The KV transfer does not include those of the first token.
  const isUnknown = (at: number): boolean => at === prompt.length && !hasInput;
  if (ids !== null)
    add('token_ids_logprobs', ({ at }) => (isUnknown(at) ? 'null' : listText(ids.map((id) => ({ id, logprob: logprobOf(id, at) })))));
  return parts.join(',');
}

interface Place {
  readonly id: number;
  readonly at: number;
}

/** A list of lists has one list per generation. */
function tokenIdsFor({ spec }: Generation, { tokenIds }: LogprobOptions): readonly number[] | null {
  const nested: unknown = tokenIds?.[spec.index];
  const ids = Array.isArray(nested) ? nested : tokenIds;
  return ids === null ? null : ids.filter((id): id is number => typeof id === 'number');
}

function listText(tokens: readonly { readonly id: number; readonly logprob: number }[]): string {
  return `[${tokens.map((token) => `[${floatText(token.logprob)},${token.id},null]`).join(',')}]`;
}
