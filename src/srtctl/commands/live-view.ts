/** A run on a terminal: one block of lines, drawn again as it changes. */
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import type { StatusFile } from '../supervise/run-directory.ts';
import { statusView } from './status-view.ts';

const EVERY_MS = 100;

export class LiveView {
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #screen: NodeJS.WriteStream;
  readonly #clock: Clock;
  readonly #status: () => StatusFile;
  #notes: string[] = [];
  #timer: TimerHandle | null = null;

  /** `status`: how the run stands now. */
  constructor(screen: NodeJS.WriteStream, clock: Clock, status: () => StatusFile) {
    this.#draw = createLogUpdate(screen);
    this.#screen = screen;
    this.#clock = clock;
    this.#status = status;
  }

  start(): void {
    this.#show();
    this.#timer = this.#clock.after(EVERY_MS, () => this.start());
  }

  /** A line above the block that stays. */
  note(text: string): void {
    this.#notes.push(text);
  }

  /** Draws the last state and leaves it there. Idempotent. */
  stop(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#show();
    this.#draw.done();
  }

  #show(): void {
    if (this.#notes.length > 0) {
      this.#draw.clear();
      this.#screen.write(this.#notes.map((note) => `${note}\n`).join(''));
      this.#notes = [];
    }
    const colors = pc.createColors(pc.isColorSupported);
    const { columns = 80, rows = 24 } = this.#screen;
    const options = { colors, width: columns - 1, height: rows - 1, nowMs: this.#clock.wallMs() };
    this.#draw(statusView(this.#status(), options));
  }
}
