/**
 * The prompt of a conversation in both forms: the JSON text that the router reads, and the tokens that the engine computes. A token is
 * a word of four bytes, such as " qzr", which is about the ratio of English text.
 *
 *   [{"role":"user","content":" qzr bfa ..."},{"role":"assistant","content":" ..."},{"role":"user","content":" ..."}]
 *   |role| qzr bfa ... |end|role| ...                                                                        |end|role|
 */
import type { Prompt } from '../base/core/route-input.ts';
import type { Piece } from './traffic/traffic.ts';

const ALPHABET = Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-', 'latin1');
const SPACE = 0x20;
const WORD_BYTES = 4;
/** Tokens of the template, beyond what text holds. */
const USER = 65_533;
const ASSISTANT = 65_534;
const END = 65_535;
const FIRST = Buffer.from('[{"role":"user","content":"', 'latin1');
const NEXT_USER = Buffer.from('"},{"role":"user","content":"', 'latin1');
const NEXT_ASSISTANT = Buffer.from('"},{"role":"assistant","content":"', 'latin1');
const LAST = Buffer.from('"}]', 'latin1');

export class PromptText implements Prompt {
  body: Buffer = Buffer.alloc(4096);
  readonly ranges: Int32Array = new Int32Array(2);
  readonly rangeCount = 1;
  #tokens = new Uint16Array(1024);
  #tokenCount = 0;
  #bytes = 0;

  /** Appends what the client says, and closes the prompt. */
  ask(pieces: readonly Piece[]): void {
    this.#mark(USER, this.#bytes === 0 ? FIRST : NEXT_USER);
    for (const { seed, tokens } of pieces) {
      let state = seed | 0 || 1;
      for (let i = 0; i < tokens; i++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        this.#word((state >>> 8) & 0xffff);
      }
    }
    this.#token(END);
    this.#token(ASSISTANT);
    this.#put(LAST);
    this.ranges[1] = this.#bytes;
    // The next message replaces the end of the list.
    this.#bytes -= LAST.length;
  }

  /** Appends the answer. */
  answer(ids: readonly number[]): void {
    this.#put(NEXT_ASSISTANT);
    for (const id of ids) this.#word(id);
    this.#token(END);
  }

  /** Appends an answer as the text of a JSON string, for engines whose tokens are not those of this class. */
  answerText(json: string): void {
    this.#put(NEXT_ASSISTANT);
    this.#put(Buffer.from(json, 'latin1'));
    this.#token(END);
  }

  /** Of the prompt as the engine reads it. A copy. */
  tokens(): Uint16Array {
    return this.#tokens.slice(0, this.#tokenCount);
  }

  #mark(token: number, text: Buffer): void {
    this.#put(text);
    this.#token(token);
  }

  #word(id: number): void {
    this.#reserve(WORD_BYTES);
    const { body } = this;
    body[this.#bytes++] = SPACE;
    body[this.#bytes++] = ALPHABET[id >>> 12]!;
    body[this.#bytes++] = ALPHABET[(id >>> 6) & 63]!;
    body[this.#bytes++] = ALPHABET[id & 63]!;
    this.#token(id);
  }

  #token(id: number): void {
    if (this.#tokenCount === this.#tokens.length) {
      const larger = new Uint16Array(2 * this.#tokenCount);
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    this.#tokens[this.#tokenCount++] = id;
  }

  #put(text: Buffer): void {
    this.#reserve(text.length);
    text.copy(this.body, this.#bytes);
    this.#bytes += text.length;
  }

  #reserve(bytes: number): void {
    if (this.#bytes + bytes <= this.body.length) return;
    const larger = Buffer.alloc(2 * (this.#bytes + bytes));
    this.body.copy(larger, 0, 0, this.#bytes);
    this.body = larger;
  }
}
