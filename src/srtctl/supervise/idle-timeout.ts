/**
 * Time-out for a process that may be busy: each sign of life extends the wait, silence ends it, and an upper bound ends it unless the
 * process is at slow work.
 *
 *   ├── idle ──┤ no sign: timed out    each line moves the end of `idle`; a line about loading weights moves it further,
 *   ├───────────── limit ─────────────┤ since engines are silent for minutes while they read files or compile
 *
 * A process that loads weights when the limit comes is not stopped: what it has read would be lost, and the next run reads it again.
 */

export interface IdleTimeoutRules {
  /** Longest silence, after an ordinary sign of life and after one that announces slow work. */
  readonly idleMs: number;
  readonly slowIdleMs: number;
}

/** Engines print progress bars while they load; compilers and caches may be silent for long. */
export const WORKER_IDLE: IdleTimeoutRules = { idleMs: 300_000, slowIdleMs: 900_000 };
/** Routers, nginx, etcd: nothing to load. */
export const SERVICE_IDLE: IdleTimeoutRules = { idleMs: 90_000, slowIdleMs: 300_000 };
/** Requests of the smoke test; the first one may compile kernels. */
export const SMOKE_TEST_IDLE: IdleTimeoutRules = { idleMs: 60_000, slowIdleMs: 300_000 };
/** The same of a plan that contradicts itself: it is expected to fail. */
export const DOUBTFUL_SMOKE_TEST_IDLE: IdleTimeoutRules = { idleMs: 15_000, slowIdleMs: 60_000 };

const SLOW_WORK =
  /load(?:ing)?[ _-](?:weight|safetensors|checkpoint|shard|model|pt )|checkpoint shards|capture (?:cuda|cpu|draft)? ?graph|cuda ?graph|deep_?gemm|compil|warm.?up|\d+%\||download|fetching \d+ files|installing|collecting /i;

/** Whether a line of output announces work that may be silent. */
export function announcesSlowWork(line: string): boolean {
  return SLOW_WORK.test(line.length > 400 ? line.slice(0, 400) : line);
}

export class IdleTimeout {
  readonly #rules: IdleTimeoutRules;
  readonly #limitMs: number;
  #lastSignMs: number;
  #idleMs: number;
  /** When the last line about slow work came. */
  #slowMs = Number.NEGATIVE_INFINITY;

  /** `limitMs`: upper bound, a point in time; one that is over already is moved by a silence. */
  constructor(rules: IdleTimeoutRules, nowMs: number, limitMs: number) {
    this.#rules = rules;
    this.#limitMs = limitMs > nowMs ? limitMs : nowMs + rules.idleMs;
    this.#lastSignMs = nowMs;
    this.#idleMs = rules.idleMs;
  }

  sign(nowMs: number): void {
    this.#lastSignMs = nowMs;
  }

  line(text: string, nowMs: number): void {
    const isSlow = announcesSlowWork(text);
    this.#lastSignMs = nowMs;
    this.#idleMs = isSlow ? this.#rules.slowIdleMs : this.#rules.idleMs;
    if (isSlow) this.#slowMs = nowMs;
  }

  get deadlineMs(): number {
    return Math.min(this.#lastSignMs + this.#idleMs, this.#lastMs);
  }

  get #lastMs(): number {
    return Math.max(this.#limitMs, this.#slowMs + this.#idleMs);
  }

  /** Why it is over at `nowMs`; null: it is not. */
  over(nowMs: number): string | null {
    if (nowMs < this.deadlineMs) return null;
    if (nowMs >= this.#lastMs) return 'the time that health_check allows is over';
    return `no sign of life for ${seconds(this.#idleMs)}`;
  }
}

export function seconds(ms: number): string {
  return `${ms >= 10_000 ? Math.round(ms / 1000) : Math.round(ms / 100) / 10} s`;
}
