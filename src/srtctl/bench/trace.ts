/**
 * Traces in the Mooncake format: one request a line, with its time, its lengths, and the ids of the blocks of its prompt; equal ids are equal
 * text. Source: FAST25-release of the repository of Mooncake; one block is 512 tokens.
 */
import type { Rng } from '../../base/core/rng.ts';
import type { CompletionRequest } from './completion-client.ts';
import { makePrompt, makeWords, type WordPrice, wordsFor } from './prompt.ts';
import type { Workload } from './workload.ts';

const BLOCK_TOKENS = 512;

export interface TraceRequest {
  /** Null: the line does not say. */
  readonly timestampMs: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly blocks: readonly number[];
  /** The prompt itself, instead of blocks; null: there is none. */
  readonly text: string | null;
}

export type ReadTrace =
  | { readonly ok: true; readonly requests: readonly TraceRequest[] }
  | { readonly ok: false; readonly line: number; readonly message: string };

interface Line {
  readonly timestamp?: unknown;
  readonly input_length?: unknown;
  readonly output_length?: unknown;
  readonly hash_ids?: unknown;
  readonly text_input?: unknown;
}

export function readTrace(text: string): ReadTrace {
  const requests: TraceRequest[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const request = requestOf(line);
    if (typeof request === 'string') return { ok: false, line: index + 1, message: request };
    const before = requests.at(-1)?.timestampMs ?? null;
    if (request.timestampMs !== null && before !== null && request.timestampMs < before)
      return { ok: false, line: index + 1, message: `timestamp ${request.timestampMs} is before that of the line above` };
    requests.push(request);
  }
  return requests.length === 0 ? { ok: false, line: 1, message: 'there is no request' } : { ok: true, requests };
}

/** A text says what is wrong. */
function requestOf(text: string): TraceRequest | string {
  let line: Line | null;
  try {
    line = JSON.parse(text) as Line | null;
  } catch {
    return 'not JSON';
  }
  const { timestamp, input_length: input, output_length: output, hash_ids: ids = [], text_input: given = null } = line ?? {};
  if (!isTokens(output)) return 'output_length is no whole number from 1';
  if (given !== null && typeof given !== 'string') return 'text_input is no text';
  if (given === null && !isTokens(input)) return 'input_length is no whole number from 1';
  if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id))) return 'hash_ids is no list of whole numbers';
  if (timestamp !== undefined && !(typeof timestamp === 'number' && timestamp >= 0)) return 'timestamp is no number from 0';
  const inputTokens = isTokens(input) ? input : Math.max(1, Math.ceil((given?.length ?? 0) / 4));
  return { timestampMs: timestamp ?? null, inputTokens, outputTokens: output, blocks: ids as number[], text: given };
}

function isTokens(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

export interface TraceSettings {
  /** Of the file, for the directory of results. */
  readonly name: string;
  /** Requests under way, point after point; empty: requests start at the times of the trace. */
  readonly concurrencies: readonly number[];
  readonly good: { readonly ttftMs: number; readonly itlMs: number };
  /** Text of a block by its id, the same for all points. */
  readonly blockRng: (id: number) => Rng;
}

/** Null: requests are to start at the times of the trace, and it has none. */
export function traceReplay(requests: readonly TraceRequest[], settings: TraceSettings): Workload | null {
  const isTimed = settings.concurrencies.length === 0;
  const [first] = requests;
  const startMs = first?.timestampMs ?? 0;
  if (isTimed && requests.some(({ timestampMs }) => timestampMs === null)) return null;
  const arrivalsMs = isTimed ? requests.map(({ timestampMs }) => (timestampMs ?? 0) - startMs) : null;
  const points = isTimed ? [null] : settings.concurrencies;
  return {
    type: 'trace-replay',
    directoryName: `trace_${settings.name}`,
    points: points.map((concurrency) => ({
      name: concurrency === null ? 'times of the trace' : `concurrency ${concurrency}`,
      requests: requests.length,
      warmups: 0,
      concurrency,
      rate: null,
      arrivalsMs,
      draw: (price, rng) => (index) => completionOf(requests[index]!, price, rng, settings.blockRng),
      facts: { inputTokens: null, outputTokens: null, rangeRatio: 1, prefixRatio: null, good: settings.good, repeats: true },
    })),
  };
}

function completionOf(request: TraceRequest, price: WordPrice, rng: Rng, blockRng: TraceSettings['blockRng']): CompletionRequest {
  const { inputTokens, outputTokens, blocks, text } = request;
  if (text !== null) return { prompt: text, inputTokens, outputTokens };
  // The last block may be shorter; what blocks do not cover is new text.
  const whole = blocks.slice(0, Math.floor(inputTokens / BLOCK_TOKENS));
  const parts = whole.map((id) => makeWords(wordsFor(BLOCK_TOKENS, { ...price, base: 0 }), blockRng(id)));
  const rest = inputTokens - whole.length * BLOCK_TOKENS;
  const last = blocks[whole.length];
  if (rest > 0) parts.push(makePrompt(rest, whole.length === 0 ? price : { ...price, base: 0 }, last === undefined ? rng : blockRng(last)));
  return { prompt: parts.join(''), inputTokens, outputTokens };
}
