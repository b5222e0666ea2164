/** The end of a log file, and then what is added to it. */
import { type FileHandle, open } from 'node:fs/promises';

const PIECE_BYTES = 64 * 1024;
/** A line that never ends is told in parts of this size. */
const LONGEST_LINE = 64 * 1024;
const LF = 0x0a;

export class LogTail {
  readonly #file: string;
  #handle: FileHandle | null = null;
  #at = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** Starts `lines` before the end (all for null). A file that is not there yet is read from its start when it is. */
  async start(lines: number | null): Promise<void> {
    if (!(await this.#open()) || lines === null) return;
    const { size } = await this.#handle!.stat();
    this.#at = await this.#startOfLast(lines, size);
  }

  /** Every whole line added since the last call, without line ends; none when there is nothing new. `all`: also a last line without end. */
  async read(all: boolean): Promise<readonly string[]> {
    if (!(await this.#open())) return [];
    const found: string[] = [];
    const piece = Buffer.alloc(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle!.read(piece, 0, PIECE_BYTES, this.#at);
      if (bytesRead === 0) break;
      this.#at += bytesRead;
      this.#take(piece.subarray(0, bytesRead), found);
    }
    if (all && this.#rest.length > 0) {
      found.push(this.#rest.toString('utf8'));
      this.#rest = Buffer.alloc(0);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #open(): Promise<boolean> {
    if (this.#handle !== null) return true;
    try {
      this.#handle = await open(this.#file, 'r');
      return true;
    } catch (error) {
      // A process that has not started has no log yet.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    }
  }

  #take(piece: Buffer, found: string[]): void {
    let from = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, from)) {
      const tail = piece.subarray(from, end);
      found.push((this.#rest.length > 0 ? Buffer.concat([this.#rest, tail]) : tail).toString('utf8'));
      this.#rest = Buffer.alloc(0);
      from = end + 1;
    }
    // Copied: the piece is written over by the next read.
    this.#rest = Buffer.concat([this.#rest, piece.subarray(from)]);
    if (this.#rest.length < LONGEST_LINE) return;
    found.push(this.#rest.toString('utf8'));
    this.#rest = Buffer.alloc(0);
  }

  /** Offset of the first of the last `lines` lines; looked for from the end, so that large files cost nothing. */
  async #startOfLast(lines: number, size: number): Promise<number> {
    if (lines === 0) return size;
    let ends = 0;
    let to = size;
    const piece = Buffer.alloc(PIECE_BYTES);
    while (to > 0) {
      const from = Math.max(0, to - PIECE_BYTES);
      const { bytesRead } = await this.#handle!.read(piece, 0, to - from, from);
      for (let i = bytesRead - 1; i >= 0; i--) {
        // The end of the last line is not the start of another.
        if (piece[i] !== LF || from + i === size - 1) continue;
        if (++ends === lines) return from + i + 1;
      }
      to = from;
    }
    return 0;
  }
}
