/** Prompts of a JSONL file, as data sets of srt-slurm's sa-bench have them: `prompt` with `expected_output_len`, or `input.messages`. */
import { type LoopSettings, loopParts } from './random-prompts.ts';
import type { Workload } from './workload.ts';

export interface DatasetPrompt {
  readonly prompt: string;
  /** Null: the line does not say. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

export type ReadDataset =
  | { readonly ok: true; readonly prompts: readonly DatasetPrompt[] }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** Where nobody counted: about so many characters make a token. */
const CHARACTERS_PER_TOKEN = 4;

interface Line {
  readonly prompt?: unknown;
  readonly expected_output_len?: unknown;
  readonly input?: { readonly messages?: unknown; readonly max_tokens?: unknown; readonly num_tokens?: unknown };
}

export function readDataset(text: string): ReadDataset {
  const prompts: DatasetPrompt[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const prompt = promptOf(line);
    if (typeof prompt === 'string') return { ok: false, line: index + 1, message: prompt };
    prompts.push(prompt);
  }
  return prompts.length === 0 ? { ok: false, line: 1, message: 'there is no prompt' } : { ok: true, prompts };
}

/** A text says what is wrong. */
function promptOf(text: string): DatasetPrompt | string {
  let line: Line | null;
  try {
    line = JSON.parse(text) as Line | null;
  } catch {
    return 'not JSON';
  }
  if (typeof line?.prompt === 'string') return { prompt: line.prompt, inputTokens: null, outputTokens: tokens(line.expected_output_len) };
  const messages: unknown = line?.input?.messages;
  const asked = Array.isArray(messages) ? messages.findLast(isOfUser) : undefined;
  if (asked === undefined) return 'expected "prompt", or "input" with messages of which one is of the user';
  return { prompt: asked.content, inputTokens: tokens(line?.input?.num_tokens), outputTokens: tokens(line?.input?.max_tokens) };
}

function isOfUser(message: unknown): message is { readonly content: string } {
  const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
  return role === 'user' && typeof content === 'string';
}

function tokens(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
}

/** Prompts are sent in their order, again from the first after the last. `outputTokens`: where a line does not say. `name`: of the file. */
export function datasetPrompts(prompts: readonly DatasetPrompt[], name: string, outputTokens: number, settings: LoopSettings): Workload {
  return {
    type: 'sa-bench',
    directoryName: `sa-bench_custom_${name}`,
    points: settings.concurrencies.map((concurrency) => ({
      ...loopParts(concurrency, settings),
      draw: () => (index) => {
        const { prompt, ...asked } = prompts[index % prompts.length]!;
        return {
          prompt,
          inputTokens: asked.inputTokens ?? Math.max(1, Math.ceil(prompt.length / CHARACTERS_PER_TOKEN)),
          outputTokens: asked.outputTokens ?? outputTokens,
        };
      },
      facts: { inputTokens: null, outputTokens: null, rangeRatio: 1, prefixRatio: null, good: null, repeats: true },
    })),
  };
}
