/** The shape of a JSON value: its key paths with types, and those values that do not change from run to run. */

export interface Shape {
  /** `path:type`, sorted and without repeats; `[]` in a path stands for every element of a list. */
  readonly keys: readonly string[];
  /** Path -> values in the order of the document; only fields named in SIGNIFICANT. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

const SIGNIFICANT = new Set(
  `object type code finish_reason role param model message error detail index success retryable matched matched_stop length status
   status_code title root owned_by parent max_model_len count prompt_tokens completion_tokens total_tokens cached_tokens input_tokens
   output_tokens cache_read_input_tokens reasoning_tokens device host stop_reason disaggregation_mode dp_rank is_generation
   output_token_logprobs_length num_retractions done done_reason prompt_eval_count eval_count`.split(/\s+/),
);
/** Lists of one list each token: completions name their alternatives by the token's text. */
const NAMED_BY_TOKEN = /top_logprobs\[\]$/;

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Takes out of a string what depends on the run: ids, addresses, and the folders of the engine's files. */
export function scrub(text: string): string {
  return text
    .replace(/0x[0-9a-f]{6,}/g, '0x~')
    .replace(/\b[0-9a-f]{24,}\b/g, '~')
    .replace(/File "[^"]*\/site-packages\//g, 'File "')
    .slice(0, 600);
}

export function shapeOf(value: unknown): Shape {
  const keys = new Set<string>();
  const values: Record<string, string[]> = {};
  const walk = (at: unknown, path: string): void => {
    const type = typeOf(at);
    keys.add(`${path}:${type}`);
    if (Array.isArray(at)) {
      for (const element of at) walk(element, `${path}[]`);
      return;
    }
    if (typeof at === 'object' && at !== null) {
      for (const [key, child] of Object.entries(at)) {
        const name = NAMED_BY_TOKEN.test(path) ? '*' : key;
        walk(child, path === '' ? name : `${path}.${name}`);
      }
      return;
    }
    if (SIGNIFICANT.has(path.replace(/^.*\./, '').replace(/(\[\])+$/, ''))) {
      values[path] ??= [];
      values[path].push(scrub(String(at)));
    }
  };
  walk(value, '');
  return { keys: [...keys].sort(), values };
}

/** The generated text and token ids of an answer or an event, in document order. */
export function generatedOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(generatedOf).join('');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, child]) => {
      if ((key === 'text' || key === 'content' || key === 'delta') && typeof child === 'string') return child;
      if (key === 'output_ids') return JSON.stringify(child);
      return generatedOf(child);
    })
    .join('');
}
