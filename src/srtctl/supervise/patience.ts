/**
 * How long to wait for something that may be busy: signs of life extend the wait, silence ends it, and an upper bound ends it anyway.
 *
 *   ├── quiet ──┤ no sign: over        each line moves the end of `quiet`; a line of weight loading and the like moves it further,
 *   ├───────────── limit ─────────────┤ since engines are silent for minutes while they read files or compile
 */

export interface PatienceRules {
  /** Longest silence, after an ordinary sign of life and after one that announces slow work. */
  readonly quietMs: number;
  readonly slowQuietMs: number;
}

/** Engines print progress bars while they load; compilers and caches may be silent for long. */
export const WORKER_PATIENCE: PatienceRules = { quietMs: 300_000, slowQuietMs: 900_000 };
/** Routers, nginx, etcd: nothing to load. */
export const SERVICE_PATIENCE: PatienceRules = { quietMs: 90_000, slowQuietMs: 300_000 };
/** A request that proves the fleet; the first one may compile kernels. */
export const PROOF_PATIENCE: PatienceRules = { quietMs: 60_000, slowQuietMs: 300_000 };
/** The same of a plan that contradicts itself: it is expected to fail. */
export const DOUBTFUL_PROOF_PATIENCE: PatienceRules = { quietMs: 15_000, slowQuietMs: 60_000 };

const SLOW_WORK =
  /load(?:ing)?[ _-](?:weight|safetensors|checkpoint|shard|model|pt )|checkpoint shards|capture (?:cuda|cpu|draft)? ?graph|cuda ?graph|deep_?gemm|compil|warm.?up|\d+%\||download|fetching \d+ files|installing|collecting /i;

/** Whether a line of output announces work that may be silent. */
export function announcesSlowWork(line: string): boolean {
  return SLOW_WORK.test(line.length > 400 ? line.slice(0, 400) : line);
}

export class Patience {
  readonly #rules: PatienceRules;
  readonly #limitMs: number;
  #lastSignMs: number;
  #quietMs: number;

  /** `limitMs`: upper bound, a point in time. */
  constructor(rules: PatienceRules, nowMs: number, limitMs: number) {
    this.#rules = rules;
    this.#limitMs = limitMs;
    this.#lastSignMs = nowMs;
    this.#quietMs = rules.quietMs;
  }

  sign(nowMs: number): void {
    this.#lastSignMs = nowMs;
  }

  line(text: string, nowMs: number): void {
    this.#lastSignMs = nowMs;
    this.#quietMs = announcesSlowWork(text) ? this.#rules.slowQuietMs : this.#rules.quietMs;
  }

  get deadlineMs(): number {
    return Math.min(this.#lastSignMs + this.#quietMs, this.#limitMs);
  }

  /** Why it is over at `nowMs`; null: it is not. */
  over(nowMs: number): string | null {
    if (nowMs < this.deadlineMs) return null;
    if (nowMs >= this.#limitMs) return 'the time that health_check allows is over';
    return `no sign of life for ${seconds(this.#quietMs)}`;
  }
}

export function seconds(ms: number): string {
  return `${ms >= 10_000 ? Math.round(ms / 1000) : Math.round(ms / 100) / 10} s`;
}
