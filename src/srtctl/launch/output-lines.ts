/** Cuts the output of a process into lines of bounded length, whatever its bytes are and however they come. */
import { MAX_LINE_CHARS } from './launcher.ts';

/**
 * LF, CR and CR LF end a line: progress bars rewrite theirs with CR, and each state of one is a sign of life. Longer lines are told in
 * pieces of MAX_LINE_CHARS. Empty lines are told too, except the one between CR and LF.
 */
export class OutputLines {
  #rest = '';
  #afterReturn = false;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(bytes: Buffer): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What stands without a line end is a line, too. */
  end(): void {
    this.#take(this.#decoder.decode());
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }

  #take(text: string): void {
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at);
      if (char !== 10 && char !== 13) {
        this.#afterReturn = false;
        continue;
      }
      const isSecondHalf = char === 10 && this.#afterReturn;
      this.#afterReturn = char === 13;
      if (!isSecondHalf) this.#tell(this.#rest + text.slice(start, at));
      start = at + 1;
    }
    this.#rest += text.slice(start);
    if (this.#rest.length < MAX_LINE_CHARS) return;
    const whole = Math.floor(this.#rest.length / MAX_LINE_CHARS) * MAX_LINE_CHARS;
    const pieces = this.#rest.slice(0, whole);
    this.#rest = this.#rest.slice(whole);
    this.#tellPieces(pieces);
  }

  #tell(line: string): void {
    this.#rest = '';
    if (line.length <= MAX_LINE_CHARS) this.#onLine(line);
    else this.#tellPieces(line);
  }

  #tellPieces(line: string): void {
    for (let at = 0; at < line.length; at += MAX_LINE_CHARS) this.#onLine(line.slice(at, at + MAX_LINE_CHARS));
  }
}
