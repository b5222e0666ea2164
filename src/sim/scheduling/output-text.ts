/** The text that the simulated model generates: English words, one byte per token, the same for the same prompt and seed. */

const WORDS = `the a of and to in is that it for as with on by this from or at an be are was not have which but all we can one has more
  when than other so also time may only some its new into two first work each both most state way use where part number
  many system such data over small large same point after between under place long model token engine cache prefix queue
  batch worker router stream request answer river stone light water mountain garden window letter morning evening paper
  bridge forest silver copper quiet bright narrow simple common early often never always slowly quickly nearly almost`
  .split(/\s+/)
  .map((word) => ` ${word}`);

/** Bytes of an endless text that depends on nothing but `key`. */
export class OutputText {
  #state: number;
  #word = '';
  #at = 0;
  #wordsLeft = 0;

  /** `key`: any 32-bit number. */
  constructor(key: number) {
    this.#state = key | 0 || 1;
  }

  /** The next byte (ASCII). */
  nextByte(): number {
    if (this.#at === this.#word.length) this.#nextWord();
    return this.#word.charCodeAt(this.#at++);
  }

  #nextWord(): void {
    const ends = this.#wordsLeft === 1;
    if (this.#wordsLeft-- === 0) this.#wordsLeft = 5 + (this.#random() % 9);
    this.#word = WORDS[this.#random() % WORDS.length]! + (ends ? '.' : '');
    this.#at = 0;
  }

  /** xorshift32 (Marsaglia 2003). */
  #random(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
}

/** A 32-bit number for `tokens` and `seed` (FNV-1a over both, then mixed). */
export function textKey(tokens: Uint16Array, seed: number, sample: number): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let i = 0; i < tokens.length; i++) hash = Math.imul(hash ^ tokens[i]!, 0x01000193);
  hash = Math.imul(hash ^ sample, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
