/**
 * How many bytes at the start of a prompt are JSON around the text and not the text: every chat body starts with
 * `[{"role":"user","content":"` or a sister of it, and those bytes must not make strangers look alike.
 */

/** Words that stand in quotes in front of the first text of a request, as keys or as values. */
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
/** Longer than any real skeleton: what goes on beyond it is text that imitates one. */
const MAX_SKELETON_BYTES = 160;

/**
 * Length of the skeleton of the JSON value in `body` from `start` (to `end`, exclusive): up to and with the quote
 * that opens the first string which is not one of WORDS, or up to the first number. 0 .. MAX_SKELETON_BYTES.
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

/** Offset behind the closing quote if one of WORDS stands at `at`, else -1. */
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
