/** What is known about one process of a run: its state, its last lines, and those of its lines that look like errors. */
import type { ProcessEnd } from '../launch/launcher.ts';
import { OWN_LINE } from '../launch/start-script.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import { isBenign } from './known-errors.ts';
import { isPoll } from './printable.ts';
import type { ProcessState } from './run-directory.ts';
import type { Notice } from './run-events.ts';

const TAIL_LINES = 40;
const ERROR_LINES = 40;
const KEPT_CHARS = 2000;
const LOOKS_LIKE_ERROR =
  /error|exception|traceback|fatal|critical|panic|fail|refused|killed|abort|out of memory|no space|denied|not found|mismatch|invalid|unrecognized/i;

export class ProcessRecord {
  readonly planned: PlannedProcess;
  state: ProcessState = 'waiting';
  detail: string | null = null;
  pid: number | null = null;
  startedAtMs: number | null = null;
  readyAtMs: number | null = null;
  endedAtMs: number | null = null;
  /** When it became ready, or last answered its probe. */
  answeredAtMs: number | null = null;
  /** It has not answered for so long that it is named. */
  isSilent = false;
  end: ProcessEnd | null = null;
  /** It ended although nobody had told it to. */
  endedOnItsOwn = false;
  /** How often a line that looks like an error came, and when the first did. */
  firstErrorAtMs: number | null = null;
  readonly tail: string[] = [];
  /** The first half of them stays, the rest are the last. */
  readonly errorLines: string[] = [];

  constructor(planned: PlannedProcess) {
    this.planned = planned;
  }

  get id(): string {
    return this.planned.id;
  }

  get lives(): boolean {
    return this.state === 'starting' || this.state === 'ready' || this.state === 'stopping';
  }

  get lastLine(): string | null {
    return this.tail.at(-1) ?? null;
  }

  line(text: string, nowMs: number): void {
    if (text.trim() === '' || isPoll(text)) return;
    const kept = text.length > KEPT_CHARS ? `${text.slice(0, KEPT_CHARS)}...` : text;
    this.tail.push(kept);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
    if ((!LOOKS_LIKE_ERROR.test(kept) && !kept.startsWith(OWN_LINE)) || isBenign(kept)) return;
    this.firstErrorAtMs ??= nowMs;
    if (this.errorLines.length === ERROR_LINES) this.errorLines.splice(ERROR_LINES / 2, 1);
    this.errorLines.push(kept);
  }

  notice(): Notice {
    return {
      type: 'process',
      id: this.id,
      node: this.planned.node,
      state: this.state,
      detail: this.detail,
      pid: this.pid,
      exitCode: this.end?.code ?? null,
      signal: this.end?.signal ?? null,
    };
  }
}

/** `exited with status 1`, `was killed by SIGKILL`. */
export function endInWords(end: ProcessEnd): string {
  if (end.signal !== null) return `was ended by ${end.signal}`;
  if (end.code === null) return 'ended, nobody knows how';
  return `exited with status ${end.code}`;
}
