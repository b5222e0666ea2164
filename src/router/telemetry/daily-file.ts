/**
 * A log file per UTC day, opened for appending: `PREFIX.YYYY-MM-DD.log`. The change of day is seen at the first line after
 * midnight. Trouble (no directory, no room, no right) is told once per day; lines are lost until it is over.
 */
import { close, open, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/core/clock.ts';
import { makeDirectory, makeDirectorySync } from '../../base/runtime/make-directory.ts';
import { LineWriter } from '../../base/telemetry/line-writer.ts';

const DAY_MS = 86_400_000;
/** A file that could not be opened is tried again after this long, when there is something to write. */
const REOPEN_MS = 10_000;

export interface DailyFileTrouble {
  readonly file: string;
  readonly error: NodeJS.ErrnoException;
}

export class DailyFile {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #onTrouble: (trouble: DailyFileTrouble) => void;
  #day: OpenDay | null = null;
  #nextDayMs = 0;
  #lostByEarlierDays = 0;
  #reopenAtMs = Number.POSITIVE_INFINITY;

  constructor(directory: string, prefix: string, clock: Clock, onTrouble: (trouble: DailyFileTrouble) => void) {
    this.#directory = directory;
    this.#prefix = prefix;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
  }

  get droppedLines(): number {
    return this.#lostByEarlierDays + (this.#day?.writer.droppedLines ?? 0);
  }

  /** `line` ends with a line feed. */
  write(line: string): void {
    const wallMs = this.#clock.wallMs();
    if (this.#day === null || wallMs >= this.#nextDayMs) this.#turn(wallMs);
    else if (this.#clock.nowMs() >= this.#reopenAtMs) this.#openDay(this.#day);
    this.#day?.writer.write(line);
  }

  idle(): Promise<void> {
    return this.#day?.writer.idle() ?? Promise.resolve();
  }

  /** For the end of the process. */
  flushSync(): void {
    const day = this.#day;
    if (day === null) return;
    if (day.fd === null) {
      try {
        makeDirectorySync(this.#directory);
        day.fd = openSync(day.file, 'a', 0o644);
      } catch (error) {
        this.#trouble(day, error as NodeJS.ErrnoException);
        return;
      }
    }
    day.writer.flushSync(day.fd);
  }

  /** Begins the file of the day that `wallMs` lies in; the old one is closed when its last line is written. */
  #turn(wallMs: number): void {
    if (this.#day !== null) {
      this.#lostByEarlierDays += this.#day.writer.droppedLines;
      closeWhenIdle(this.#day);
    }
    this.#nextDayMs = (Math.floor(wallMs / DAY_MS) + 1) * DAY_MS;
    const date = new Date(wallMs).toISOString().slice(0, 10);
    const day: OpenDay = {
      file: join(this.#directory, `${this.#prefix}.${date}.log`),
      writer: new LineWriter(this.#clock, (error) => this.#trouble(day, error)),
      fd: null,
      isTroubled: false,
    };
    this.#day = day;
    this.#openDay(day);
  }

  #openDay(day: OpenDay): void {
    this.#reopenAtMs = Number.POSITIVE_INFINITY;
    const failed = (error: NodeJS.ErrnoException): void => {
      this.#reopenAtMs = this.#clock.nowMs() + REOPEN_MS;
      this.#trouble(day, error);
    };
    const openFile = (): void => {
      open(day.file, 'a', 0o644, (openError, fd) => {
        if (openError !== null) {
          failed(openError);
          return;
        }
        day.fd = fd;
        day.writer.attach(fd);
        // Opened too late: the next day has begun.
        if (this.#day !== day) closeWhenIdle(day);
      });
    };
    makeDirectory(this.#directory).then(openFile, failed);
  }

  #trouble(day: OpenDay, error: NodeJS.ErrnoException): void {
    if (day.isTroubled) return;
    day.isTroubled = true;
    this.#onTrouble({ file: day.file, error });
  }
}

interface OpenDay {
  readonly file: string;
  readonly writer: LineWriter;
  fd: number | null;
  /** Already told. */
  isTroubled: boolean;
}

function closeWhenIdle(day: OpenDay): void {
  const { fd } = day;
  // Never opened: its lines are lost with it.
  if (fd === null) return;
  day.writer
    .idle()
    .then(() => close(fd))
    // `idle` never rejects and `close` reports to nobody: an error would only say that the descriptor is gone.
    .catch(() => {});
}
