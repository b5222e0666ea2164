/**
 * Asks workers that are up for their load, and judges it by absolute bounds: a worker at or above one of them is over, and takes no new
 * requests until a later report is below. The verdict ends when no report has come for three intervals: nobody knows then. Ranks of an
 * engine are judged together. Source of bounds and sums: smg (requests summed over ranks, token usage averaged).
 */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import { LOAD_POLL_SECS } from '../../../base/core/fleet.ts';
import type { Rng } from '../../../base/core/rng.ts';
import { jsonOf, memberOf } from '../calls/json-answers.ts';
import type { WorkerCalls, WorkerClient } from '../calls/worker-client.ts';
import type { WorkerObserver } from '../registry/worker-observer.ts';
import type { LoadReport, WorkerRecord } from '../registry/worker-record.ts';
import { isUp } from '../registry/worker-state.ts';
import { PROBE_LANES, ProbeLanes } from './probe-lanes.ts';

/** null: no such bound. */
export interface OverloadBounds {
  /** Requests that wait in the queues of the engine, 1 or more. */
  readonly waitingRequests: number | null;
  /** Share of the KV cache in use, above 0 and at most 1. */
  readonly tokenUsage: number | null;
}

const INTERVAL_MS = LOAD_POLL_SECS * 1000;
const EXPIRES_MS = 3 * INTERVAL_MS;
const JITTER = 0.1;
const LIMITS = { timeoutMs: 5000, bodyBytes: 1 << 20 };

interface OverloadParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly client: WorkerClient;
  readonly sink: {
    /** `report`: what makes the worker take no requests; null: nothing. */
    overloadJudged(record: WorkerRecord, report: LoadReport | null): void;
  };
}

interface Shared extends OverloadParts {
  /** null: nobody is asked. */
  bounds: OverloadBounds | null;
  readonly lanes: ProbeLanes;
  readonly running: Set<Promise<void>>;
}

export class OverloadWatch implements WorkerObserver {
  readonly #shared: Shared;
  /** Of workers that are up; null while there are no bounds. */
  readonly #loops = new Map<WorkerRecord, LoadLoop | null>();

  constructor(parts: OverloadParts, bounds: OverloadBounds | null) {
    this.#shared = { ...parts, bounds, lanes: new ProbeLanes(parts.clock, PROBE_LANES), running: new Set() };
  }

  phaseChanged(record: WorkerRecord): void {
    if (!isUp(record.state)) {
      this.workerRemoved(record);
      this.#shared.sink.overloadJudged(record, null);
    } else if (!this.#loops.has(record)) this.#loops.set(record, this.#begin(record));
  }

  /** Other bounds from now on: they judge the next report of each worker, and no bounds let all of them go. */
  configure(bounds: OverloadBounds | null): void {
    const wasOn = this.#shared.bounds !== null;
    this.#shared.bounds = bounds;
    if (wasOn === (bounds !== null)) return;
    for (const [record, loop] of this.#loops) {
      loop?.end();
      this.#loops.set(record, this.#begin(record));
      if (bounds === null) this.#shared.sink.overloadJudged(record, null);
    }
  }

  #begin(record: WorkerRecord): LoadLoop | null {
    return this.#shared.bounds === null ? null : new LoadLoop(this.#shared, record);
  }

  workerRemoved(record: WorkerRecord): void {
    this.#loops.get(record)?.end();
    this.#loops.delete(record);
  }

  /** Ends all loops; resolves when no question is open. Idempotent. */
  async stop(): Promise<void> {
    for (const record of [...this.#loops.keys()]) this.workerRemoved(record);
    await Promise.all(this.#shared.running);
  }
}

class LoadLoop {
  readonly #shared: Shared;
  readonly #record: WorkerRecord;
  readonly #end = new AbortController();
  #timer: TimerHandle | null = null;
  #reportedMs: number;

  constructor(shared: Shared, record: WorkerRecord) {
    this.#shared = shared;
    this.#record = record;
    this.#reportedMs = shared.clock.nowMs();
    shared.lanes.whenFree(this.#ask);
  }

  end(): void {
    this.#end.abort();
    this.#timer?.cancel();
    this.#shared.lanes.withdraw(this.#ask);
  }

  readonly #ask = (): void => {
    const { lanes, running, clock, rng } = this.#shared;
    const leave = lanes.enter();
    const startMs = clock.nowMs();
    const done = this.#poll().finally(() => {
      running.delete(done);
      leave();
      if (this.#end.signal.aborted) return;
      const intervalMs = INTERVAL_MS * (1 - JITTER + (2 * JITTER * rng.below(1024)) / 1024);
      this.#timer = clock.after(Math.max(0, startMs + intervalMs - clock.nowMs()), () => lanes.whenFree(this.#ask));
    });
    running.add(done);
  };

  async #poll(): Promise<void> {
    const { client, clock, sink } = this.#shared;
    const calls = client.open(this.#record.worker, this.#end.signal);
    try {
      const report = await loadAt(calls);
      if (this.#end.signal.aborted) return;
      if (report !== null) this.#reportedMs = clock.nowMs();
      else if (clock.nowMs() - this.#reportedMs < EXPIRES_MS) return;
      const { bounds } = this.#shared;
      const isAbove = report !== null && bounds !== null && isOver(report, bounds);
      sink.overloadJudged(this.#record, isAbove ? report : null);
    } finally {
      await calls.close();
    }
  }
}

function isOver({ waitingRequests, tokenUsage }: LoadReport, bounds: OverloadBounds): boolean {
  const isAbove = (value: number | null, bound: number | null): boolean => value !== null && bound !== null && value >= bound;
  return isAbove(waitingRequests, bounds.waitingRequests) || isAbove(tokenUsage, bounds.tokenUsage);
}

/** null: the worker reports none. Source: SGLang 0.5.23 has the first path; 0.5.5 has the second one, without the token usage. */
async function loadAt(calls: WorkerCalls): Promise<LoadReport | null> {
  const now = await calls.get('/v1/loads?include=core', LIMITS);
  if (!now.ok) return null;
  if (now.status === 200) return reportOf(memberOf(jsonOf(now), 'loads'));
  return reportOf(jsonOf(await calls.get('/get_load', LIMITS)));
}

function reportOf(ranks: unknown): LoadReport | null {
  if (!Array.isArray(ranks) || ranks.length === 0) return null;
  const waiting = numbersIn(ranks, 'num_waiting_reqs');
  const usage = numbersIn(ranks, 'token_usage');
  if (waiting === null && usage === null) return null;
  return { waitingRequests: waiting === null ? null : sum(waiting), tokenUsage: usage === null ? null : sum(usage) / usage.length };
}

function numbersIn(ranks: readonly unknown[], name: string): readonly number[] | null {
  const values = ranks.map((rank) => memberOf(rank, name));
  return values.every((value) => typeof value === 'number') ? values : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
