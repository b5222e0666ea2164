/**
 * Counts the bytes at the start of a prompt that are JSON around the text: every chat body starts with `[{"role":"user","content":"` or
 * similar, and these bytes must not make unrelated prompts match.
 */

/** Quoted words before the first text of a request, keys or values. */
const WORDS: readonly Buffer[] = [
  'role',
  'content',
  'user',
  'system',
  'developer',
  'assistant',
  'tool',
  'type',
  'text',
  'input_text',
  'message',
].map((word) => Buffer.from(word, 'latin1'));

const QUOTE = 0x22;
/** `[ { : ,` and white space. */
const PUNCTUATION = new Set(Buffer.from('[{:, \t\r\n', 'latin1'));
/** Longer than any real skeleton: more is text that imitates one. */
const MAX_SKELETON_BYTES = 160;

/**
 * Length of the skeleton of the JSON value in `body` from `start` (to `end`, exclusive): up to and including the quote that opens the
 * first string that is not one of WORDS, or up to the first number. 0 .. MAX_SKELETON_BYTES.
 */
export function skeletonBytes(body: Buffer, start: number, end: number): number {
  const limit = Math.min(end, start + MAX_SKELETON_BYTES);
  let at = start;
  while (at < limit) {
    const byte = body[at]!;
    if (PUNCTUATION.has(byte)) at++;
    else if (byte === QUOTE) {
      const after = skipWord(body, at + 1, limit);
      if (after === -1) return at + 1 - start;
      at = after;
    } else break;
  }
  return at - start;
}

/** Offset after the closing quote if one of WORDS is at `at`, otherwise -1. */
function skipWord(body: Buffer, at: number, limit: number): number {
  for (let i = 0; i < WORDS.length; i++) {
    const word = WORDS[i]!;
    const end = at + word.length;
    if (end >= limit || body[end] !== QUOTE) continue;
    let k = 0;
    while (k < word.length && body[at + k] === word[k]) k++;
    if (k === word.length) return end + 1;
  }
  return -1;
}
