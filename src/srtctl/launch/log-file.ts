/** The log of one process on disk. A disk that is full loses lines, says how many once there is room again, and stops nobody. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import { LineWriter } from '../../base/telemetry/line-writer.ts';
import { OWN_LINE } from './start-script.ts';

/** Characters that may be under way before the process is made to wait; below what the writer would begin to drop. */
const PAUSE_AT_CHARS = 256 * 1024;

/** Lines wait for so long for others: some programs write thousands in a second, and each write has its price. */
const JOIN_MS = 50;

export class LogFile {
  #unsettledChars = 0;
  #lost = 0;
  #failed = false;
  #waiting: string[] = [];
  #timer: TimerHandle | null = null;
  readonly #clock: Clock;
  /** Kept: a handle that nobody holds is closed by the garbage collector. */
  readonly #file: FileHandle;
  readonly #writer: LineWriter;

  /** Creates the directory and the file. `onFailure`: the first failed write, by its code. Rejects if it cannot be opened. */
  static async open(path: string, clock: Clock, onFailure: (code: string) => void): Promise<LogFile> {
    await mkdir(dirname(path), { recursive: true });
    return new LogFile(await open(path, 'a', 0o644), clock, onFailure);
  }

  private constructor(file: FileHandle, clock: Clock, onFailure: (code: string) => void) {
    this.#file = file;
    this.#clock = clock;
    this.#writer = new LineWriter(clock, (error) => {
      if (this.#failed) return;
      this.#failed = true;
      onFailure(error.code ?? error.message);
    });
    this.#writer.attach(file.fd);
  }

  /** False: wait for `settled` before the next line. */
  write(line: string): boolean {
    this.#waiting.push(line);
    this.#unsettledChars += line.length;
    this.#timer ??= this.#clock.after(JOIN_MS, () => this.#writeWaiting());
    return this.#unsettledChars < PAUSE_AT_CHARS;
  }

  async settled(): Promise<void> {
    this.#writeWaiting();
    await this.#writer.idle();
    this.#unsettledChars = 0;
  }

  async close(): Promise<void> {
    this.#writeWaiting();
    await this.#writer.idle();
    await this.#file.close();
  }

  #writeWaiting(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const lines = this.#waiting;
    this.#waiting = [];
    for (const line of lines) this.#writeLine(line);
  }

  #writeLine(line: string): void {
    const lost = this.#writer.droppedLines;
    // The gap is told in front of the first line after it; should that be lost as well, the next one tells of both.
    const gap = lost > this.#lost ? `${OWN_LINE}${lost - this.#lost} lines are missing here: they could not be written\n` : '';
    this.#writer.write(`${gap}${line}\n`);
    if (gap !== '' && this.#writer.droppedLines === lost) this.#lost = lost;
  }
}
