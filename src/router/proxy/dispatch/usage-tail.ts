/**
 * Finds the token counts of an answer in its last bytes: `usage` of the OpenAI routes (plain, or in the last events of a stream) and
 * `meta_info` of /generate. Names are matched with their quotes: in the text of an answer a quote is escaped, so text cannot imitate
 * them.
 */
import type { Usage } from '../../../base/core/usage.ts';

/** The counts are in the last KiB of an answer unless log probabilities follow them; then they are not found. */
const KEPT_BYTES = 4096;
const PROMPT_NAMES = ['"prompt_tokens"', '"input_tokens"'];
const COMPLETION_NAMES = ['"completion_tokens"', '"output_tokens"'];
const OPENING_BRACKET = 0x5b;

export class UsageTail {
  /** The last bytes lie before `#end`; there is room for as many again, so that bytes move once in KEPT_BYTES. */
  readonly #bytes: Buffer = Buffer.allocUnsafe(2 * KEPT_BYTES);
  #end = 0;
  #isList = false;
  #isEmpty = true;

  push(buf: Buffer, start: number, end: number): void {
    if (start === end) return;
    if (this.#isEmpty) {
      this.#isEmpty = false;
      this.#isList = buf[start] === OPENING_BRACKET;
    }
    const from = Math.max(start, end - KEPT_BYTES);
    if (this.#end + end - from > this.#bytes.length) {
      const kept = Math.min(this.#end, KEPT_BYTES);
      this.#bytes.copyWithin(0, this.#end - kept, this.#end);
      this.#end = kept;
    }
    this.#end += buf.copy(this.#bytes, this.#end, from, end);
  }

  /** Null if the answer counts no tokens, or counts them for each prompt of a batch. */
  read(): Usage | null {
    if (this.#isList) return null;
    const text = this.#bytes.toString('latin1', Math.max(0, this.#end - KEPT_BYTES), this.#end);
    const at = Math.max(...PROMPT_NAMES.map((name) => text.lastIndexOf(`${name}:`)));
    if (at < 0) return null;
    // In a stream: the event that holds it.
    const lineEnd = text.indexOf('\n', at);
    const line = text.slice(text.lastIndexOf('\n', at) + 1, lineEnd < 0 ? text.length : lineEnd);
    if (line.includes('"meta_info":') && /"index":\d/.test(line)) return null;
    const promptTokens = numberOf(line, PROMPT_NAMES);
    const completionTokens = numberOf(line, COMPLETION_NAMES);
    if (promptTokens === null || completionTokens === null) return null;
    return { promptTokens, cachedTokens: numberOf(line, ['"cached_tokens"']), completionTokens };
  }
}

/** The last number with one of these names. */
function numberOf(text: string, names: readonly string[]): number | null {
  const at = Math.max(...names.map((name) => text.lastIndexOf(`${name}:`)));
  const digits = at < 0 ? null : /^"\w+": ?(\d{1,15})/.exec(text.slice(at, at + 60));
  return digits === null ? null : Number(digits[1]);
}
