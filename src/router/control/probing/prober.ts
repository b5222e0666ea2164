/**
 * Probes every registered worker: about every 500 ms while it is away, every 10 s while it is up. A worker without health checks is
 * probed only while it is unready or hung; while it is unreachable it is taken for well every 2 s. One loop per worker:
 *
 *   due ──► wait for a lane ──► start a probe ──► due again, counted from the start
 *                                    └──► report (dropped if a later probe or attempt has reported since its start)
 *
 * While a probe of a worker that is away waits for its answer, further probes start: a connection that died with the worker's
 * machine must not hide that the machine is back.
 */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { WorkerClient } from '../calls/worker-client.ts';
import type { WorkerObserver } from '../registry/worker-observer.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { isUp, type WorkerEvent } from '../registry/worker-state.ts';
import { type ProbeReport, type ProbeTarget, probe } from './probe.ts';
import { PROBE_LANES, ProbeLanes } from './probe-lanes.ts';

export interface ProberSettings {
  readonly target: ProbeTarget;
  /** Between probes of a worker that is away; 500 ms plus a probe of 1 s stay below 2 s. */
  readonly awayIntervalMs: number;
  /** A worker that has been away for longer is probed every 1.5 s. */
  readonly rareAfterMs: number;
  /** No request of this router is in flight at the worker. */
  isIdle(record: WorkerRecord): boolean;
}

/** Between probes of a worker that has been away for longer than `rareAfterMs`: it must take requests within 2 s when it is back. */
const RARE_INTERVAL_MS = 1500;
/** After this a worker without health checks that was unreachable gets requests again, which show whether it is back. */
const TRUST_AGAIN_MS = 2000;
/** Between starts of probes while an earlier one of the same worker waits for its answer. */
const OVERLAP_INTERVAL_MS = 1250;
const MAX_OVERLAP = 4;
/**
 * Probes of all workers that are away: with more than 400 of them each is probed less often, and 1,024 of them every 1.3 s. A probe
 * costs about 0.2 ms.
 */
const MAX_AWAY_PROBES_PER_SEC = 800;
/** After a worker failed. A worker that passes its probes and refuses requests must not flap with every request. */
const SOON_MS = 250;
const URGENT_INTERVAL_MS = 100;
const JITTER = 0.1;

/** What the prober needs of the registry. */
interface ProbeSink {
  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void;
}

export class Prober implements WorkerObserver {
  readonly #loops = new Map<WorkerRecord, ProbeLoop>();
  readonly #shared: Shared;

  constructor(clock: Clock, rng: Rng, client: WorkerClient, settings: ProberSettings, sink: ProbeSink) {
    this.#shared = { clock, rng, client, settings, sink, lanes: new ProbeLanes(clock, PROBE_LANES), away: 0, running: new Set() };
  }

  /** Starts a loop that probes the worker now, and ends when the worker is removed. */
  workerAdded(record: WorkerRecord): void {
    const loop = new ProbeLoop(this.#shared, record);
    this.#loops.set(record, loop);
    if (record.health.isChecked) loop.probeIn(0);
  }

  workerRemoved(record: WorkerRecord): void {
    this.#loops.get(record)?.end();
    this.#loops.delete(record);
  }

  phaseChanged(record: WorkerRecord): void {
    this.#loops.get(record)?.phaseChanged();
  }

  healthChanged(record: WorkerRecord): void {
    this.#loops.get(record)?.intervalChanged();
  }

  /** Running probes of this worker are older than what caused this call, so their reports are dropped. */
  probeWanted(record: WorkerRecord, when: 'now' | 'soon'): void {
    const { phase } = record.state;
    if (record.health.isChecked || phase === 'unready' || phase === 'hung')
      this.#loops.get(record)?.probeAgainIn(when === 'now' ? 0 : SOON_MS);
  }

  /** Probes a worker without health checks too. */
  probeNow(record: WorkerRecord): void {
    this.#loops.get(record)?.probeIn(0);
  }

  /** Ends all loops; resolves when no probe is running. Idempotent. */
  async stop(): Promise<void> {
    for (const record of [...this.#loops.keys()]) this.workerRemoved(record);
    await Promise.all(this.#shared.running);
  }
}

interface Shared {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly client: WorkerClient;
  readonly settings: ProberSettings;
  readonly sink: ProbeSink;
  readonly lanes: ProbeLanes;
  /** Number of registered workers that are not up. */
  away: number;
  readonly running: Set<Promise<void>>;
}

class ProbeLoop {
  readonly #shared: Shared;
  readonly #record: WorkerRecord;
  readonly #running = new Set<AbortController>();
  #timer: TimerHandle | null = null;
  #startedMs: number;
  #awaySinceMs: number;
  #isAway: boolean;
  #isEnded = false;
  /** When a probe outside the regular interval is due; null: none. */
  #wantedMs: number | null = null;
  #starts = 0;
  /** Reports of probes up to this number are dropped. */
  #newest = 0;
  #pathIndex = 0;

  constructor(shared: Shared, record: WorkerRecord) {
    this.#shared = shared;
    this.#record = record;
    this.#startedMs = this.#awaySinceMs = shared.clock.nowMs();
    this.#isAway = !isUp(record.state);
    if (this.#isAway) shared.away++;
  }

  probeIn(delayMs: number): void {
    this.#wantedMs = this.#shared.clock.nowMs() + delayMs;
    this.#schedule();
  }

  /** Starts at most one probe per `URGENT_INTERVAL_MS`, however many requests fail. */
  probeAgainIn(delayMs: number): void {
    this.#newest = this.#starts;
    this.probeIn(Math.max(delayMs, this.#startedMs + URGENT_INTERVAL_MS - this.#shared.clock.nowMs()));
  }

  #dueIn(delayMs: number): void {
    if (this.#isEnded) return;
    this.#shared.lanes.withdraw(this.#start);
    this.#timer?.cancel();
    this.#timer = this.#shared.clock.after(delayMs, this.#due);
  }

  /** The next probe is due after the new interval, counted from the last start. */
  intervalChanged(): void {
    this.#schedule();
  }

  phaseChanged(): void {
    const isAway = !isUp(this.#record.state);
    if (isAway !== this.#isAway) {
      this.#isAway = isAway;
      this.#shared.away += isAway ? 1 : -1;
      if (isAway) this.#awaySinceMs = this.#shared.clock.nowMs();
    }
    this.#schedule();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#isAway) this.#shared.away--;
    this.#timer?.cancel();
    this.#shared.lanes.withdraw(this.#start);
    for (const controller of this.#running) controller.abort();
  }

  /** The next probe is due when one is wanted, else one interval after the last start. */
  #schedule(): void {
    const { clock, rng } = this.#shared;
    if (this.#isTrusted && this.#wantedMs === null) {
      this.#rest();
      return;
    }
    const spread = 1 - JITTER + (2 * JITTER * rng.below(1024)) / 1024;
    const dueMs = this.#wantedMs ?? this.#startedMs + this.#intervalMs() * spread;
    this.#dueIn(Math.max(0, dueMs - clock.nowMs()));
  }

  #intervalMs(): number {
    const { settings, clock, away } = this.#shared;
    if (!this.#isAway) return this.#record.health.intervalMs;
    const isRare = clock.nowMs() - this.#awaySinceMs > settings.rareAfterMs;
    const interval = Math.max(isRare ? RARE_INTERVAL_MS : settings.awayIntervalMs, (away * 1000) / MAX_AWAY_PROBES_PER_SEC);
    return this.#running.size === 0 ? interval : Math.max(interval, OVERLAP_INTERVAL_MS);
  }

  /** Without health checks only its connections speak against the worker. */
  get #isTrusted(): boolean {
    const { health, state } = this.#record;
    return !health.isChecked && (isUp(state) || state.phase === 'unreachable');
  }

  #rest(): void {
    this.#shared.lanes.withdraw(this.#start);
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#record.state.phase === 'unreachable')
      this.#dueIn(Math.max(0, this.#awaySinceMs + TRUST_AGAIN_MS - this.#shared.clock.nowMs()));
  }

  readonly #due = (): void => {
    const { lanes, sink } = this.#shared;
    if (this.#isTrusted && this.#isAway) {
      sink.probeEnded(this.#record, 'unchecked', 'no health checks');
      return;
    }
    const mayOverlap = (this.#isAway || this.#wantedMs !== null) && this.#running.size < MAX_OVERLAP && !lanes.isCrowded;
    if (this.#running.size === 0 || mayOverlap) lanes.whenFree(this.#start);
    else this.#dueIn(OVERLAP_INTERVAL_MS);
  };

  readonly #start = (): void => {
    const { lanes, running } = this.#shared;
    const leave = lanes.enter();
    const controller = new AbortController();
    this.#running.add(controller);
    this.#startedMs = this.#shared.clock.nowMs();
    this.#wantedMs = null;
    const done = this.#probe(++this.#starts, controller).finally(() => {
      this.#running.delete(controller);
      running.delete(done);
      leave();
      if (!this.#isEnded) this.#schedule();
    });
    running.add(done);
    this.#schedule();
  };

  async #probe(number: number, controller: AbortController): Promise<void> {
    const { client, settings } = this.#shared;
    const { worker, health } = this.#record;
    const report = await probe(client, worker, settings.target, this.#pathIndex, health.timeoutMs, controller.signal);
    if (this.#isEnded || number <= this.#newest) return;
    this.#newest = number;
    this.#take(report);
  }

  #take(report: ProbeReport): void {
    const { sink } = this.#shared;
    const { event, detail, pathIndex } = report;
    // If the path no longer exists, another program may have the port: the next probe starts with the first path.
    this.#pathIndex = event === 'probe-passed' ? pathIndex : 0;
    if (event === null) return;
    // A busy process may be slow. One that has nothing to do and answers no flag is stopped.
    const isLate = event === 'probe-slow' && this.#shared.settings.isIdle(this.#record);
    sink.probeEnded(this.#record, isLate ? 'probe-late' : event, detail);
  }
}
