/** Which top-level fields of a request body hold the prompt, per route, in the order in which the engine reads them. */

export interface PromptFields {
  /** Field names in prompt order; ASCII, at most MAX_PROMPT_FIELDS of them. */
  readonly names: readonly Buffer[];
  /** `all`: the prompt is every field that is there, one after the other. `first`: only the first that is there. */
  readonly take: 'all' | 'first';
}

export const MAX_PROMPT_FIELDS = 4;

/** Describes the prompt of a route. Throws RangeError if there are more names than a scan has room for. */
export function promptFields(take: 'all' | 'first', ...names: readonly string[]): PromptFields {
  if (names.length > MAX_PROMPT_FIELDS) throw new RangeError(`${names.length} prompt fields: at most ${MAX_PROMPT_FIELDS}`);
  return { take, names: names.map((name) => Buffer.from(name, 'latin1')) };
}

/** Model and stream only. */
export const NO_PROMPT: PromptFields = promptFields('all');
/** /v1/chat/completions. */
export const CHAT_PROMPT: PromptFields = promptFields('all', 'messages');
/** /v1/completions. */
export const COMPLETION_PROMPT: PromptFields = promptFields('first', 'prompt');
/** /generate: token ids go before text, as in the engine. */
export const GENERATE_PROMPT: PromptFields = promptFields('first', 'input_ids', 'text');
/** /v1/embeddings. */
export const EMBEDDING_PROMPT: PromptFields = promptFields('first', 'input');
/** /v1/classify takes OpenAI's `input`; the engine's own form of the request has `input_ids` or `text`. */
export const CLASSIFY_PROMPT: PromptFields = promptFields('first', 'input', 'input_ids', 'text');
/** /v1/responses: instructions become the system message. */
export const RESPONSES_PROMPT: PromptFields = promptFields('all', 'instructions', 'input');
/** /v1/messages (Anthropic). */
export const MESSAGES_PROMPT: PromptFields = promptFields('all', 'system', 'messages');
/** /v1/rerank and /rerank: each document is scored after the same query. */
export const RERANK_PROMPT: PromptFields = promptFields('first', 'query');
/** /v1/tokenize. */
export const TOKENIZE_PROMPT: PromptFields = promptFields('first', 'prompt');
