/** Writes status.json, events.jsonl and the report of a run, in order, one write at a time, and never so that the run waits for a disk. */

import { randomBytes } from 'node:crypto';
import { appendFile, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import type { RunPaths, StatusFile } from './run-directory.ts';

/** status.json is replaced at most this often, except at the end; less often when only lines came. */
const STATUS_PAUSE_MS = 100;
const LINES_PAUSE_MS = 1000;
/** Room that is kept for the last status and the report, should the disk be full by then. */
const RESERVE_BYTES = 256 * 1024;
/** Characters of events that may wait for the disk; beyond that they are dropped and counted. */
const MAX_PENDING_CHARS = 1024 * 1024;

export class RunFiles {
  readonly #paths: RunPaths;
  readonly #clock: Clock;
  readonly #status: () => StatusFile;
  readonly #onFailure: (code: string) => void;
  #timer: TimerHandle | null = null;
  #dueMs = 0;
  #events: string[] = [];
  #pendingChars = 0;
  #dropped = 0;
  #last: Promise<void> = Promise.resolve();
  #isWriting = false;
  #hasFailed = false;

  get #reserve(): string {
    return join(this.#paths.directory, '.reserve');
  }

  /** `onFailure`: the first write that failed, by its code; later ones are tried all the same. */
  constructor(paths: RunPaths, clock: Clock, status: () => StatusFile, onFailure: (code: string) => void) {
    this.#paths = paths;
    this.#clock = clock;
    this.#status = status;
    this.#onFailure = onFailure;
  }

  /** Takes room on the disk for the end. */
  async begin(): Promise<void> {
    // Not zeros: a file system that compresses would keep no room for them.
    await this.#try(() => writeFile(this.#reserve, randomBytes(RESERVE_BYTES)));
  }

  /** Something changed; status.json follows soon. */
  touch(): void {
    this.#flushWithin(STATUS_PAUSE_MS);
  }

  /** Nothing changed but the last lines of processes. */
  touchLines(): void {
    this.#flushWithin(LINES_PAUSE_MS);
  }

  event(event: object): void {
    const line = `${JSON.stringify(event)}\n`;
    if (this.#pendingChars + line.length > MAX_PENDING_CHARS) {
      this.#dropped++;
      return;
    }
    this.#events.push(line);
    this.#pendingChars += line.length;
    this.touch();
  }

  /** Writes what waits, the status as it stands, and a report if there is one. */
  async finish(report: string | null): Promise<void> {
    this.#timer?.cancel();
    await this.#last;
    await rm(this.#reserve, { force: true });
    if (report !== null) await this.#try(() => writeFile(this.#paths.report, report));
    this.#flush();
    await this.#last;
  }

  #flushWithin(pauseMs: number): void {
    const dueMs = this.#clock.nowMs() + pauseMs;
    if (this.#timer !== null && this.#dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.after(pauseMs, () => {
      this.#timer = null;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isWriting) {
      // The disk is slower than we are: once more when it is done.
      this.touch();
      return;
    }
    this.#isWriting = true;
    this.#last = this.#write().finally(() => {
      this.#isWriting = false;
    });
  }

  async #write(): Promise<void> {
    const events = this.#events;
    const dropped = this.#dropped;
    this.#events = [];
    this.#pendingChars = 0;
    this.#dropped = 0;
    if (dropped > 0) events.push(`${JSON.stringify({ type: 'dropped', events: dropped })}\n`);
    if (events.length > 0) await this.#try(() => appendFile(this.#paths.events, events.join('')));
    await this.#try(() => writeAtomically(this.#paths.status, `${JSON.stringify(this.#status(), null, 1)}\n`));
  }

  async #try(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#onFailure((error as NodeJS.ErrnoException).code ?? String(error));
    }
  }
}

/** A reader sees the old file or the new one, never a part. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  const file = await open(next, 'w');
  try {
    await file.writeFile(text);
    // Renamed before it is on the disk, it would be an empty file after a crash of the machine.
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(next, path);
}
