/**
 * Finds workers that hang: their processes take requests and nothing comes back. Looks once a second at how much was read from each
 * worker.
 *
 *   a request was sent and no byte came for SILENT_MS ──► ask the worker why (silence-question.ts)
 *      ├── computes, paused ──► ask again after SILENT_MS more of silence
 *      └── hangs, and still no byte ──► `silent`: the worker is hung, takes no requests, and those that it has fail
 *
 * Requests that clients gave up count as well: clients that give up must not make a hung worker look idle. A worker without health checks
 * is watched too.
 */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { WorkerClient } from '../calls/worker-client.ts';
import type { WorkerObserver } from '../registry/worker-observer.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { isUp, type Phase, type WorkerEvent } from '../registry/worker-state.ts';
import type { WorkerTraffic } from '../registry/worker-traffic.ts';
import { askWhySilent, type SilenceAnswer } from './silence-question.ts';

const LOOK_MS = 1000;
export const SILENT_MS = 10_000;
/** Questions that are open at once; further silent workers wait. */
const MAX_QUESTIONS = 64;

interface SilenceWatchParts {
  readonly clock: Clock;
  readonly client: WorkerClient;
  readonly load: LoadTable;
  readonly traffic: WorkerTraffic;
  /** `/health`, or the endpoint that an operator named. */
  readonly path: string;
  readonly sink: {
    probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void;
  };
  /** A probe of `/ready` is due now. */
  readonly probeNow: (record: WorkerRecord) => void;
}

interface Watched {
  reads: number;
  /** Attempts ever sent. */
  sent: number;
  /** null: nothing is awaited from it. */
  silentSinceMs: number | null;
  question: AbortController | null;
}

export class SilenceWatch implements WorkerObserver {
  readonly #parts: SilenceWatchParts;
  readonly #watched = new Map<WorkerRecord, Watched>();
  readonly #running = new Set<Promise<void>>();
  #timer: TimerHandle | null = null;

  constructor(parts: SilenceWatchParts) {
    this.#parts = parts;
  }

  workerAdded(record: WorkerRecord): void {
    this.#watched.set(record, { reads: 0, sent: this.#sent(record), silentSinceMs: null, question: null });
    this.#timer ??= this.#parts.clock.after(LOOK_MS, this.#look);
  }

  workerRemoved(record: WorkerRecord): void {
    this.#watched.get(record)?.question?.abort();
    this.#watched.delete(record);
  }

  phaseChanged({ state, worker }: WorkerRecord, _from: Phase): void {
    if (state.phase === 'hung') this.#parts.traffic.giveUp(worker.index);
  }

  /** Resolves when no question is open. Idempotent. */
  async stop(): Promise<void> {
    for (const record of [...this.#watched.keys()]) this.workerRemoved(record);
    this.#timer?.cancel();
    this.#timer = null;
    await Promise.all(this.#running);
  }

  readonly #look = (): void => {
    const { clock } = this.#parts;
    this.#timer = this.#watched.size === 0 ? null : clock.after(LOOK_MS, this.#look);
    const nowMs = clock.nowMs();
    for (const [record, watched] of this.#watched) {
      this.#update(record, watched, nowMs);
      const { silentSinceMs, question } = watched;
      if (silentSinceMs === null || question !== null || nowMs - silentSinceMs < SILENT_MS) continue;
      if (isUp(record.state) && this.#running.size < MAX_QUESTIONS) this.#ask(record, watched);
    }
  };

  #update(record: WorkerRecord, watched: Watched, nowMs: number): void {
    const reads = this.#parts.traffic.reads(record.worker.index);
    const sent = this.#sent(record);
    const isNew = reads !== watched.reads;
    if (isNew) watched.silentSinceMs = null;
    const isAwaited = this.#inflight(record) > 0 || (sent !== watched.sent && !isNew);
    if (watched.silentSinceMs === null && isAwaited) watched.silentSinceMs = nowMs;
    watched.reads = reads;
    watched.sent = sent;
  }

  #ask(record: WorkerRecord, watched: Watched): void {
    const { client, clock, path } = this.#parts;
    const question = new AbortController();
    watched.question = question;
    const { worker, health } = record;
    const done = askWhySilent({ client, clock, worker, path, timeoutMs: health.timeoutMs }, question.signal)
      .then((answer) => {
        watched.question = null;
        if (!question.signal.aborted) this.#take(record, watched, answer);
      })
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  #take(record: WorkerRecord, watched: Watched, { verdict, detail }: SilenceAnswer): void {
    const { clock, sink, probeNow } = this.#parts;
    const nowMs = clock.nowMs();
    this.#update(record, watched, nowMs);
    const isSilent = watched.silentSinceMs !== null && nowMs - watched.silentSinceMs >= SILENT_MS;
    if (verdict === 'hangs' && isSilent && record.state.phase !== 'unreachable') {
      watched.silentSinceMs = null;
      sink.probeEnded(record, 'silent', detail);
      return;
    }
    if (isSilent) watched.silentSinceMs = this.#inflight(record) > 0 ? nowMs : null;
    if (verdict === 'computes') sink.probeEnded(record, 'health-passed', detail);
    if (verdict === 'paused' && record.health.isChecked) probeNow(record);
  }

  #inflight({ ranks }: WorkerRecord): number {
    const { inflight } = this.#parts.load;
    return ranks.reduce((sum, { index }) => sum + (inflight[index] ?? 0), 0);
  }

  #sent({ ranks }: WorkerRecord): number {
    const { processed } = this.#parts.load;
    return ranks.reduce((sum, { index }) => sum + (processed[index] ?? 0), 0);
  }
}
