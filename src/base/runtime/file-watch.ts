/**
 * Notices changes of one file: events of its folder, and a look at the file every few seconds for folders without events (network
 * shares, some containers) and for symlinks that point elsewhere.
 *
 *   event of the folder, or `pollMs` over ──► look ── the same as last reported ──► wait
 *                                              │ differs
 *                                              ▼
 *                       look again after `settleMs` ── differs again: somebody still writes ──┐
 *                                              │ same as before                               │
 *                                              ▼                                              │
 *                                          `changed` ◄─────────── look again ◄────────────────┘
 *
 * A look compares inode, size and times of what the path leads to. So a rename over the file counts, and so does the swap of a symlink on
 * the way to it (a ConfigMap of Kubernetes). The file need not exist.
 */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, TimerHandle } from '../core/clock.ts';

/** Between looks without an event. */
export const POLL_MS = 2000;
/** A file that is the same twice, this long apart, is taken for whole. */
const SETTLE_MS = 100;

export interface FileWatchOptions {
  readonly pollMs?: number;
  readonly settleMs?: number;
}

export class FileWatch {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #pollMs: number;
  readonly #settleMs: number;
  #folder: FSWatcher | null = null;
  #timer: TimerHandle | null = null;
  #dueMs = Number.POSITIVE_INFINITY;
  #looking: Promise<void> | null = null;
  /** The next look is due at once when this one has ended. */
  #isWanted = false;
  #isStopped = false;
  /** What the last look saw, and what was reported last. */
  #seen: string | null = null;
  #reported: string | null = null;

  /** `changed`: the file is another one, has another content, came or went. */
  constructor(path: string, clock: Clock, changed: () => void, { pollMs = POLL_MS, settleMs = SETTLE_MS }: FileWatchOptions = {}) {
    this.#path = path;
    this.#clock = clock;
    this.#changed = changed;
    this.#pollMs = pollMs;
    this.#settleMs = settleMs;
  }

  /**
   * Starts to watch. Call it before the file is read for the first time, so that no change is lost in between: the first look reports a
   * change in any case, and who reads the same text again has nothing to do.
   */
  start(): void {
    this.#watchFolder();
    this.#lookIn(this.#settleMs);
  }

  /** Resolves when no look is under way; `changed` is not called any more. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#closeFolder();
    await this.#looking;
  }

  #watchFolder(): void {
    try {
      this.#folder = watch(dirname(this.#path), { persistent: false }, () => this.#lookIn(this.#settleMs));
      this.#folder.on('error', () => this.#closeFolder());
    } catch {
      // No such folder yet, or no watches left on this machine: polling notices changes, and tries again.
      this.#folder = null;
    }
  }

  #closeFolder(): void {
    this.#folder?.close();
    this.#folder = null;
  }

  /** The earliest wish counts, so a busy folder does not put a look off for ever. */
  #lookIn(delayMs: number): void {
    if (this.#isStopped) return;
    if (this.#looking !== null) {
      this.#isWanted = true;
      return;
    }
    const dueMs = this.#clock.nowMs() + delayMs;
    if (this.#timer !== null && dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.#looking = this.#look().then((nextMs) => {
        this.#looking = null;
        const isWanted = this.#isWanted;
        this.#isWanted = false;
        this.#lookIn(isWanted ? this.#settleMs : nextMs);
      });
    });
  }

  /** Resolves with the time until the next look. */
  async #look(): Promise<number> {
    const before = this.#seen;
    this.#seen = await identity(this.#path);
    if (this.#isStopped) return this.#pollMs;
    if (this.#folder === null) this.#watchFolder();
    if (this.#seen === this.#reported) return this.#pollMs;
    if (this.#seen !== before) return this.#settleMs;
    this.#reported = this.#seen;
    // The folder may be another one now.
    this.#closeFolder();
    this.#watchFolder();
    this.#changed();
    return this.#settleMs;
  }
}

/** Differs whenever the path leads to another file, or to another content of the same one. Never rejects. */
async function identity(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}
