/**
 * Asks workers for `/health` beside `/ready`. `/ready` of SGLang is a flag of the HTTP process; only `/health` asks the scheduler, and only
 * a passed `/health` resets the flag after a failed one. One loop per worker, one question at a time:
 *
 *   up             every minute, or every check interval if that is longer. One that fails counts only if the worker idles: if requests
 *                  are in flight, silence-watch.ts judges
 *   unready, hung  again and again, so that a worker that continues is used soon
 *   else           none: there is no connection
 */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { WorkerClient } from '../calls/worker-client.ts';
import type { WorkerObserver } from '../registry/worker-observer.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { isUp, type WorkerEvent } from '../registry/worker-state.ts';
import { askHealth } from './health-question.ts';
import { PROBE_LANES, ProbeLanes } from './probe-lanes.ts';

/** Between questions to a worker that is up. */
const INTERVAL_MS = 60_000;
/** From the end of one question to the next, to a worker that is not. */
const PAUSE_MS = 500;
const JITTER = 0.1;

interface HealthCheckParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly client: WorkerClient;
  readonly path: string;
  /** False: an operator named the endpoint, and only a worker that hangs is asked here. */
  readonly isRegular: boolean;
  /** Reads of answers from the worker so far. */
  readonly reads: (record: WorkerRecord) => number;
  readonly inflight: (record: WorkerRecord) => number;
  readonly sink: { probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void };
}

interface Shared extends HealthCheckParts {
  readonly lanes: ProbeLanes;
  readonly running: Set<Promise<void>>;
}

export class HealthChecks implements WorkerObserver {
  readonly #shared: Shared;
  readonly #loops = new Map<WorkerRecord, HealthLoop>();

  constructor(parts: HealthCheckParts) {
    this.#shared = { ...parts, lanes: new ProbeLanes(parts.clock, PROBE_LANES), running: new Set() };
  }

  workerAdded(record: WorkerRecord): void {
    this.#loops.set(record, new HealthLoop(this.#shared, record));
  }

  workerRemoved(record: WorkerRecord): void {
    this.#loops.get(record)?.end();
    this.#loops.delete(record);
  }

  phaseChanged(record: WorkerRecord): void {
    this.#loops.get(record)?.phaseChanged();
  }

  healthChanged(record: WorkerRecord): void {
    this.phaseChanged(record);
  }

  /** Ends all loops; resolves when no question is open. Idempotent. */
  async stop(): Promise<void> {
    for (const record of [...this.#loops.keys()]) this.workerRemoved(record);
    await Promise.all(this.#shared.running);
  }
}

class HealthLoop {
  readonly #shared: Shared;
  readonly #record: WorkerRecord;
  #timer: TimerHandle | null = null;
  /** Of the open question. */
  #question: AbortController | null = null;
  #isEnded = false;

  constructor(shared: Shared, record: WorkerRecord) {
    this.#shared = shared;
    this.#record = record;
  }

  phaseChanged(): void {
    const delayMs = this.#delayMs();
    if (delayMs === null) this.#question?.abort();
    // An open question serves the new phase too.
    if (this.#question === null) this.#askIn(isUp(this.#record.state) ? delayMs : delayMs === null ? null : 0);
  }

  end(): void {
    this.#isEnded = true;
    this.#askIn(null);
    this.#question?.abort();
  }

  /** null: no question. */
  #delayMs(): number | null {
    const { rng, isRegular } = this.#shared;
    const { state, health } = this.#record;
    if (state.phase === 'hung') return PAUSE_MS;
    if (!isRegular || !health.isChecked) return null;
    if (state.phase === 'unready') return PAUSE_MS;
    if (!isUp(state)) return null;
    return Math.max(INTERVAL_MS, health.intervalMs) * (1 - JITTER + (2 * JITTER * rng.below(1024)) / 1024);
  }

  #askIn(delayMs: number | null): void {
    this.#timer?.cancel();
    this.#shared.lanes.withdraw(this.#ask);
    this.#timer = delayMs === null || this.#isEnded ? null : this.#shared.clock.after(delayMs, this.#due);
  }

  readonly #due = (): void => this.#shared.lanes.whenFree(this.#ask);

  readonly #ask = (): void => {
    const { lanes, running } = this.#shared;
    const leave = lanes.enter();
    const question = new AbortController();
    this.#question = question;
    const done = this.#take(question).finally(() => {
      this.#question = null;
      running.delete(done);
      leave();
      this.#askIn(this.#delayMs());
    });
    running.add(done);
  };

  async #take({ signal }: AbortController): Promise<void> {
    const { client, path, reads, inflight, sink } = this.#shared;
    const record = this.#record;
    const before = reads(record);
    const calls = client.open(record.worker, signal);
    try {
      const { event, detail } = await askHealth(calls, path);
      if (event === null || signal.aborted) return;
      if (event === 'health-failed' && isUp(record.state) && (reads(record) !== before || inflight(record) > 0)) return;
      sink.probeEnded(record, event, detail);
    } finally {
      await calls.close();
    }
  }
}
