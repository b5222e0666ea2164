/**
 * Writes lines to a file descriptor without ever waiting for it: one write under way, what comes meanwhile is joined into the
 * next one, and beyond a limit it is dropped and counted. Own code because the writer that comes with pino sleeps in a loop
 * when the disk is full at exit.
 *
 *   waiting ──attach(fd)──► idle ──write──► writing ──done, lines pending──► writing
 *                            ▲                 └──done, nothing pending──► idle
 */
import { write, writeSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';

/** Characters that may wait. */
const MAX_PENDING_CHARS = 1024 * 1024;
/** A pipe whose reader stalls, set to non-blocking by someone else: look again after this long. */
const BUSY_RETRY_MS = 50;
/** When flushing at exit, a busy pipe is tried this often and then given up. */
const BUSY_ATTEMPTS_AT_EXIT = 200;

export class LineWriter {
  /** Lines lost: no room, or a failed write. */
  droppedLines = 0;
  #fd: number | null = null;
  #lines: string[] = [];
  #pendingChars = 0;
  /** What is being written, and of how many lines it is made. */
  #batch: Buffer | null = null;
  #batchLines = 0;
  #onIdle: (() => void)[] = [];
  readonly #clock: Clock;
  readonly #onError: (error: NodeJS.ErrnoException) => void;

  /** `onError` is told of every failed write; the lines of that write are lost, later ones are tried. */
  constructor(clock: Clock, onError: (error: NodeJS.ErrnoException) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** From here on lines go to `fd`; what waited goes first. */
  attach(fd: number): void {
    this.#fd = fd;
    this.#writeNext();
  }

  /** `line` ends with a line feed. */
  write(line: string): void {
    if (this.#pendingChars + line.length > MAX_PENDING_CHARS) {
      this.droppedLines++;
      return;
    }
    this.#lines.push(line);
    this.#pendingChars += line.length;
    if (this.#batch === null && this.#fd !== null) this.#writeNext();
  }

  /** Resolves when nothing waits and nothing is being written. Without a descriptor that is at once. */
  idle(): Promise<void> {
    if (this.#fd === null || (this.#batch === null && this.#lines.length === 0)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  /** For the end of the process: writes what waits, and returns when that is done or fails. `fd`: if none was attached. */
  flushSync(fd: number | null = this.#fd): void {
    if (fd === null || this.#lines.length === 0) return;
    let rest = this.#takeLines();
    for (let busy = 0; rest.length > 0 && busy < BUSY_ATTEMPTS_AT_EXIT; ) {
      try {
        rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        // There is nobody left to tell; the loss is the best that can be had.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        busy++;
      }
    }
  }

  #writeNext(): void {
    if (this.#lines.length === 0) {
      this.#batch = null;
      const waiting = this.#onIdle;
      this.#onIdle = [];
      for (const resolve of waiting) resolve();
      return;
    }
    this.#batchLines = this.#lines.length;
    this.#batch = this.#takeLines();
    this.#writeBatch(this.#batch);
  }

  #takeLines(): Buffer {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#pendingChars = 0;
    return Buffer.from(text);
  }

  #writeBatch(bytes: Buffer): void {
    // The descriptor is set: batches begin only after attach.
    write(this.#fd as number, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null) {
        if (written < bytes.length) this.#writeBatch(bytes.subarray(written));
        else this.#writeNext();
        return;
      }
      if (error.code === 'EAGAIN') {
        this.#clock.after(BUSY_RETRY_MS, () => this.#writeBatch(bytes));
        return;
      }
      this.droppedLines += this.#batchLines;
      this.#onError(error);
      this.#writeNext();
    });
  }
}
