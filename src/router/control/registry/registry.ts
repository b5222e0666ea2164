/**
 * The single writer of the fleet: turns events (what sources want, facts, probes, ends of attempts) into the next immutable snapshot. It
 * has neither sockets nor timers; its observers send probes and fetch facts.
 */
import type { Clock } from '../../../base/core/clock.ts';
import type { AttemptListener, FleetCell } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { Outcome } from '../../../base/core/outcome.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Worker, WorkerIndex, WorkerType } from '../../../base/core/worker.ts';
import { admits, type BreakerEvent, type BreakerPhase, type BreakerSettings, CLOSED, DEFAULT_BREAKER, stepBreaker } from './breaker.ts';
import { breakerEventOf } from './breaker-event.ts';
import { isEligible, isWell } from './eligibility.ts';
import { FleetEdit, type FleetEditDeps } from './fleet-edit.ts';
import { type Entry, FleetTable } from './fleet-table.ts';
import { DEFAULT_HEALTH, type HealthSettings, isSameHealth } from './health-settings.ts';
import { IndexPool } from './index-pool.ts';
import { eventOf } from './outcome-event.ts';
import { changeClaims, type DesireResult, reconcile } from './reconcile.ts';
import type { DesiredWorker, Source } from './source.ts';
import { MAX_WORKERS } from './worker-limit.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerOptions } from './worker-options.ts';
import type { LoadReport, WorkerFacts, WorkerRecord } from './worker-record.ts';
import { isUp, step, type WorkerEvent } from './worker-state.ts';

export interface BreakerReading {
  readonly phase: BreakerPhase;
  /** Attempts since the worker was registered. */
  readonly successes: number;
  readonly failures: number;
}

interface RegistryDeps {
  readonly cell: FleetCell;
  readonly load: LoadTable;
  readonly rng: Rng;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Every data-parallel rank of an engine is a worker. False if absent. */
  readonly isDpAware?: boolean;
  readonly maxWorkers?: number;
  /** Of workers whose source sets nothing else. */
  readonly health?: HealthSettings;
  readonly breaker?: BreakerSettings;
}

const PROBE_FAILURES: ReadonlySet<WorkerEvent> = new Set(['probe-refused', 'probe-broken', 'probe-unready', 'probe-wrong', 'probe-late']);

const HEALTH_EVENTS: ReadonlySet<WorkerEvent> = new Set(['health-passed', 'health-failed', 'silent']);

export class Registry implements AttemptListener {
  readonly #table: FleetTable;
  #editDeps: FleetEditDeps;
  readonly #isDpAware: boolean;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #breaker: BreakerSettings;
  #observers: readonly WorkerObserver[] = [];

  constructor(deps: RegistryDeps) {
    const { cell, load, rng, isDpAware = false, maxWorkers = MAX_WORKERS, health = DEFAULT_HEALTH } = deps;
    this.#table = new FleetTable(cell);
    this.#editDeps = { table: this.#table, indices: new IndexPool(load, maxWorkers), rng, isDpAware, health };
    this.#isDpAware = isDpAware;
    this.#clock = deps.clock;
    this.#breaker = deps.breaker ?? DEFAULT_BREAKER;
  }

  observe(observer: WorkerObserver): void {
    this.#observers = [...this.#observers, observer];
  }

  /** Calls no observer any more. */
  stop(): void {
    this.#observers = [];
  }

  /** Other settings from now on. What the source of a worker sets for it stays. */
  configure(health: HealthSettings, breaker: BreakerSettings): void {
    this.#editDeps = { ...this.#editDeps, health };
    this.#breaker = breaker;
    for (const entry of this.#table.byUrl.values()) {
      const before = entry.health;
      entry.health = { ...health, ...entry.claims.options.health };
      if (!isSameHealth(before, entry.health)) this.#healthChanged(entry, before);
      const { phase } = entry.breaker;
      if (!breaker.isOn) entry.breaker = CLOSED;
      entry.isAdmitted = admits(entry.breaker, breaker);
      if (entry.breaker.phase !== phase) this.#tell((observer) => observer.breakerChanged?.(entry, phase));
    }
    this.#table.publish([], []);
  }

  /** A worker that is not checked any more is taken for well. */
  #healthChanged(entry: Entry, before: HealthSettings): void {
    if (before.isChecked && !entry.health.isChecked) this.#apply(entry, 'unchecked');
    this.#tell((observer) => observer.healthChanged?.(entry));
  }

  /** All registered workers in the order in which they were added. */
  list(): readonly WorkerRecord[] {
    return [...this.#table.byUrl.values()];
  }

  findById(id: string): WorkerRecord | null {
    return this.#table.byId.get(id) ?? null;
  }

  findByUrl(url: string): WorkerRecord | null {
    return this.#table.byUrl.get(url) ?? null;
  }

  /** The worker one of whose ranks has this id or URL. */
  findByRank(idOrUrl: string): { readonly record: WorkerRecord; readonly rank: Worker } | null {
    if (!this.#isDpAware) return null;
    for (const record of this.#table.byUrl.values()) {
      const rank = record.ranks.find(({ id, url, rank: own }) => own !== null && (id === idOrUrl || url === idOrUrl));
      if (rank !== undefined) return { record, rank };
    }
    return null;
  }

  /** Whether the worker or rank at this index may take requests now. */
  isEligible(worker: WorkerIndex): boolean {
    const entry = this.#table.find(worker);
    return entry !== undefined && isEligible(entry);
  }

  /** Whether the worker or rank at this index is well; it may be overloaded. */
  isHealthy(worker: WorkerIndex): boolean {
    const entry = this.#table.find(worker);
    return entry !== undefined && isWell(entry);
  }

  /** Workers or ranks of each type that are well; some of them may be overloaded. */
  get healthy(): Readonly<Record<WorkerType, number>> {
    return this.#table.healthy;
  }

  /** The breaker of the worker or rank at this index. */
  findBreaker(worker: WorkerIndex): BreakerReading | null {
    const entry = this.#table.find(worker);
    if (entry === undefined) return null;
    const { breaker, judged } = entry;
    return { phase: breaker.phase, ...judged };
  }

  /** The workers that `source` wants; the contract is SourceSink in sources/worker-source.ts. */
  desire(source: Source, workers: readonly DesiredWorker[], dropped: readonly string[] = []): readonly DesireResult[] {
    return this.#edit((edit) => reconcile(this.#table, edit, source, workers, dropped));
  }

  /**
   * Removes a worker, unless a lasting source wants it: then returns that source and changes nothing. Requests in flight continue; the
   * index stays theirs until they have ended. `by`: who asked for it.
   */
  remove(record: WorkerRecord, by: Source): Source | null {
    return this.#change(record, (edit, entry) => edit.drop(entry, by));
  }

  /** Replaces the options of a worker, unless a lasting source wants it: then returns that source and changes nothing. */
  update(record: WorkerRecord, options: WorkerOptions): Source | null {
    return this.#change(record, (edit, entry) => {
      const { claims } = entry;
      changeClaims(edit, entry, () => claims.set(claims.decider, options));
    });
  }

  /** Replaces what a worker reported about itself. False when it is not registered. */
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): boolean {
    const entry = this.#table.byId.get(record.worker.id);
    if (entry === undefined) return false;
    const from = entry.state.phase;
    const hadOtherWeights = entry.facts !== null && entry.facts.metadata['weight_version'] !== facts.metadata['weight_version'];
    entry.facts = facts;
    this.#edit((edit) => edit.renew(entry));
    if (hadOtherWeights) this.cacheEmptied(entry);
    if (entry.state.phase !== from) this.#tell((observer) => observer.phaseChanged?.(entry, from, 'ranks-known'));
    return true;
  }

  /** The engine has flushed its cache, or has other weights. Ignores workers that were removed meanwhile. */
  cacheEmptied({ worker: { id } }: WorkerRecord): void {
    const entry = this.#table.byId.get(id);
    if (entry === undefined) return;
    for (const worker of entry.ranks) this.#table.emptied(worker);
  }

  /** An engine was asked for its ranks and they are still unknown. */
  ranksMissing(record: WorkerRecord, why: string): void {
    this.#tell((observer) => observer.ranksMissing?.(record, why));
  }

  /** Ignores workers that were removed meanwhile. `detail`: a status or an error code. */
  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void {
    const entry = this.#table.byId.get(record.worker.id);
    if (entry === undefined) return;
    this.#tell((observer) => observer.probeEnded?.(entry, event, detail));
    if (!HEALTH_EVENTS.has(event)) entry.isInDoubt = false;
    this.#apply(entry, event);
    if (event === 'probe-passed') this.#judge(entry, 'probe-passed');
    else if (PROBE_FAILURES.has(event)) this.#judge(entry, 'probe-failed');
  }

  /** `report`: why it takes no requests; null: its load keeps nothing away. */
  overloadJudged(record: WorkerRecord, report: LoadReport | null): void {
    const entry = this.#table.byId.get(record.worker.id);
    if (entry === undefined) return;
    const wasOver = entry.overload !== null;
    entry.overload = report;
    if (wasOver === (report !== null)) return;
    this.#table.publish([], []);
    this.#tell((observer) => observer.overloadChanged?.(entry));
  }

  breakerTimedOut(record: WorkerRecord): void {
    const entry = this.#table.byId.get(record.worker.id);
    if (entry !== undefined) this.#judge(entry, 'timed-out');
  }

  attemptStarted(worker: WorkerIndex): void {
    const entry = this.#table.find(worker);
    if (entry !== undefined && entry.breaker.phase === 'half_open') this.#judge(entry, 'started');
  }

  attemptEnded(worker: WorkerIndex, outcome: Outcome): void {
    const entry = this.#table.find(worker);
    if (entry === undefined) {
      this.#tell((observer) => observer.strayEnded?.(worker));
      return;
    }
    this.#judgeOutcome(entry, outcome);
    const event = eventOf(outcome);
    // The usual case costs nothing: it would change nothing.
    if (event === null || (event === 'attempt-answered' && entry.state.doubts === 0)) return;
    this.#apply(entry, event);
    // Without health checks no probe follows.
    const isLost = event === 'attempt-reset' || event === 'attempt-cut';
    entry.isInDoubt = entry.health.isChecked && isUp(entry.state) && (isLost || entry.isInDoubt);
  }

  isInDoubt(worker: WorkerIndex): boolean {
    return this.#table.find(worker)?.isInDoubt === true;
  }

  forgive(worker: WorkerIndex): void {
    const entry = this.#table.find(worker);
    if (entry !== undefined) this.#judge(entry, 'forgiven');
  }

  #judgeOutcome(entry: Entry, outcome: Outcome): void {
    const event = breakerEventOf(outcome);
    if (event === 'succeeded') entry.judged.successes++;
    else if (event !== 'ended') entry.judged.failures++;
    this.#judge(entry, event);
  }

  #judge(entry: Entry, event: BreakerEvent): void {
    const { breaker: before, isAdmitted } = entry;
    const after = stepBreaker(before, event, this.#clock.nowMs(), this.#breaker);
    if (after === before) return;
    entry.breaker = after;
    entry.isAdmitted = admits(after, this.#breaker);
    if (entry.isAdmitted !== isAdmitted) this.#table.publish([], []);
    if (after.phase !== before.phase) this.#tell((observer) => observer.breakerChanged?.(entry, before.phase));
  }

  #apply(entry: Entry, event: WorkerEvent): void {
    const { state, probe } = step(entry.state, event, entry.health);
    const from = entry.state.phase;
    entry.state = state;
    if (state.phase !== from) {
      this.#table.publish([], []);
      this.#tell((observer) => observer.phaseChanged?.(entry, from, event));
    }
    if (probe !== 'no') this.#tell((observer) => observer.probeWanted?.(entry, probe));
  }

  /** Changes nothing and returns the source if a lasting source wants the worker. */
  #change(record: WorkerRecord, change: (edit: FleetEdit, entry: Entry) => void): Source | null {
    const entry = this.#table.byId.get(record.worker.id);
    if (entry === undefined) return null;
    if (entry.claims.keeper === null) this.#edit((edit) => change(edit, entry));
    return entry.claims.keeper;
  }

  /** Publishes all edits of `change` as one snapshot, then calls the observers. */
  #edit<T>(change: (edit: FleetEdit) => T): T {
    const edit = new FleetEdit(this.#editDeps);
    const result = change(edit);
    edit.publish();
    for (const { entry, by } of edit.removed) this.#tell((observer) => observer.workerRemoved?.(entry, by));
    for (const { entry, before } of edit.healthChanged) this.#healthChanged(entry, before);
    for (const entry of edit.added) {
      this.#tell((observer) => observer.workerAdded?.(entry));
      if (entry.state.phase !== 'pending') this.#tell((observer) => observer.phaseChanged?.(entry, 'pending', 'unchecked'));
    }
    return result;
  }

  #tell(call: (observer: WorkerObserver) => void): void {
    for (const observer of this.#observers) call(observer);
  }
}
