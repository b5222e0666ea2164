/**
 * The single writer of the fleet: events in (added, removed, facts, probes, attempts), next immutable snapshot out. It knows
 * neither sockets nor timers; its observers probe and ask.
 */
import type { AttemptListener, FleetCell } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { Outcome } from '../../../base/core/outcome.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import { createRank, createWorker } from './create-worker.ts';
import { isEligible } from './eligibility.ts';
import { FleetTable } from './fleet-table.ts';
import { IndexPool } from './index-pool.ts';
import { eventOf } from './outcome-event.ts';
import { createUuid } from './uuid.ts';
import { MAX_WORKERS } from './worker-limit.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerFacts, WorkerOptions, WorkerRecord } from './worker-record.ts';
import { initialState, step, type WorkerEvent, type WorkerState } from './worker-state.ts';

interface RegistryDeps {
  readonly cell: FleetCell;
  readonly load: LoadTable;
  readonly rng: Rng;
  /** Every data-parallel rank of an engine is a worker. False if absent. */
  readonly isDpAware?: boolean;
  readonly maxWorkers?: number;
}

/** A worker to register, and what its owner says about it. */
export interface NewWorker {
  readonly address: WorkerAddress;
  readonly options: WorkerOptions;
}

type AddResult = { readonly ok: true; readonly record: WorkerRecord; readonly isNew: boolean } | { readonly ok: false };

interface Entry extends WorkerRecord {
  worker: Worker;
  ranks: readonly Worker[];
  options: WorkerOptions;
  facts: WorkerFacts | null;
  state: WorkerState;
}

export class Registry implements AttemptListener {
  readonly #rng: Rng;
  readonly #indices: IndexPool;
  readonly #table: FleetTable<Entry>;
  readonly #isDpAware: boolean;
  readonly #byUrl = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();
  #observers: readonly WorkerObserver[] = [];

  constructor({ cell, load, rng, isDpAware = false, maxWorkers = MAX_WORKERS }: RegistryDeps) {
    this.#rng = rng;
    this.#indices = new IndexPool(load, maxWorkers);
    this.#table = new FleetTable(cell);
    this.#isDpAware = isDpAware;
  }

  observe(observer: WorkerObserver): void {
    this.#observers = [...this.#observers, observer];
  }

  /** From now on no observer hears anything. */
  stop(): void {
    this.#observers = [];
  }

  get size(): number {
    return this.#byUrl.size;
  }

  /** All registered workers in the order in which they were added. */
  list(): readonly WorkerRecord[] {
    return [...this.#byUrl.values()];
  }

  findById(id: string): WorkerRecord | null {
    return this.#byId.get(id) ?? null;
  }

  findByUrl(url: string): WorkerRecord | null {
    return this.#byUrl.get(url) ?? null;
  }

  /** The worker one of whose ranks has this id or URL. */
  findByRank(idOrUrl: string): { readonly record: WorkerRecord; readonly rank: Worker } | null {
    if (!this.#isDpAware) return null;
    for (const record of this.#byUrl.values()) {
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

  /** One result per address, in order. A URL that is registered keeps its worker as it is. `ok: false`: MAX_WORKERS reached. */
  add(addresses: readonly WorkerAddress[], options: WorkerOptions): AddResult[] {
    return this.addEach(addresses.map((address) => ({ address, options })));
  }

  /** Like `add`, with options for each. */
  addEach(workers: readonly NewWorker[]): AddResult[] {
    const added: Entry[] = [];
    const results = workers.map(({ address, options }): AddResult => {
      const known = this.#byUrl.get(address.url);
      if (known !== undefined) return { ok: true, record: known, isNew: false };
      const entry = this.#create(address, options);
      if (entry === null) return { ok: false };
      added.push(entry);
      return { ok: true, record: entry, isNew: true };
    });
    if (added.length > 0) {
      this.#table.publish(
        added.flatMap((entry) => entry.ranks),
        [],
      );
      for (const entry of added) this.#tell((observer) => observer.workerAdded?.(entry));
    }
    return results;
  }

  /** False when it is not registered. Requests in flight continue; the index stays theirs until they have ended. */
  remove(record: WorkerRecord): boolean {
    const entry = this.#byId.get(record.worker.id);
    if (entry === undefined) return false;
    const { worker } = entry;
    entry.state = step(entry.state, 'removed').state;
    this.#byId.delete(worker.id);
    this.#byUrl.delete(worker.url);
    for (const { index } of entry.ranks) this.#vacate(index);
    this.#table.publish([], entry.ranks);
    this.#tell((observer) => observer.workerRemoved?.(entry));
    return true;
  }

  /** Replaces what its owner says about a worker; what the worker reported stays. False when it is not registered. */
  update(record: WorkerRecord, options: WorkerOptions): boolean {
    return this.#change(record, (entry) => {
      entry.options = options;
    });
  }

  /** Replaces what a worker reported about itself. False when it is not registered. */
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): boolean {
    const from = record.state.phase;
    const isRegistered = this.#change(record, (entry) => {
      entry.facts = facts;
    });
    if (record.state.phase !== from) this.#tell((observer) => observer.phaseChanged?.(record, from, 'ranks-known'));
    return isRegistered;
  }

  /** An engine was asked for its ranks and they are still unknown. */
  ranksMissing(record: WorkerRecord, why: string): void {
    this.#tell((observer) => observer.ranksMissing?.(record, why));
  }

  /** Ignores workers that were removed meanwhile. `detail`: a status or an error code. */
  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void {
    const entry = this.#byId.get(record.worker.id);
    if (entry === undefined) return;
    this.#tell((observer) => observer.probeEnded?.(entry, event, detail));
    this.#apply(entry, event);
  }

  attemptEnded(worker: WorkerIndex, outcome: Outcome): void {
    const entry = this.#table.find(worker);
    if (entry === undefined) return;
    const event = eventOf(outcome);
    // The usual case costs nothing: it would change nothing.
    if (event === null || (event === 'attempt-answered' && entry.state.doubts === 0)) return;
    this.#apply(entry, event);
  }

  #apply(entry: Entry, event: WorkerEvent): void {
    const next = step(entry.state, event);
    const from = entry.state.phase;
    entry.state = next.state;
    if (next.state.phase !== from) {
      this.#table.publish([], []);
      this.#tell((observer) => observer.phaseChanged?.(entry, from, event));
    }
    const { probe } = next;
    if (probe !== 'no') this.#tell((observer) => observer.probeWanted?.(entry, probe));
  }

  #create(address: WorkerAddress, options: WorkerOptions): Entry | null {
    const index = this.#indices.take();
    if (index === null) return null;
    const id = createUuid(this.#rng);
    const worker = createWorker(index, id, address, options, null);
    const entry: Entry = { worker, ranks: [worker], options, facts: null, state: initialState(!this.#isDpAware) };
    this.#byUrl.set(address.url, entry);
    this.#byId.set(id, entry);
    this.#table.set(entry, worker);
    return entry;
  }

  #change(record: WorkerRecord, edit: (entry: Entry) => void): boolean {
    const entry = this.#byId.get(record.worker.id);
    if (entry === undefined) return false;
    edit(entry);
    const { worker, ranks } = entry;
    entry.worker = createWorker(worker.index, worker.id, worker, entry.options, entry.facts);
    entry.ranks = this.#isDpAware ? this.#ranksOf(entry) : [entry.worker];
    const stays = new Set(entry.ranks.map(({ id }) => id));
    const left = ranks.filter(({ id }) => !stays.has(id));
    const taken = new Set(entry.ranks.map(({ index }) => index));
    for (const { index } of left) if (!taken.has(index)) this.#vacate(index);
    for (const rank of entry.ranks) this.#table.set(entry, rank);
    this.#table.publish(entry.ranks, left);
    return true;
  }

  /** As many as the engine reports; known ones keep their ids and indices. If not all new ones find room, none is added. */
  #ranksOf(entry: Entry): readonly Worker[] {
    const { worker, ranks } = entry;
    const size = entry.facts?.dpSize ?? (entry.state.areRanksKnown ? ranks.length : 0);
    const kept = [worker.index, ...ranks.slice(1, size).map(({ index }) => index)];
    const fresh = size === 0 ? null : this.#indices.takeAll(size - kept.length);
    if (fresh === null) {
      if (!entry.state.areRanksKnown) return [worker];
      return ranks.map(({ index, id }, number) => createRank(worker, index, id, number, ranks.length));
    }
    entry.state = step(entry.state, 'ranks-known').state;
    return [...kept, ...fresh].map((index, number) => {
      const known = ranks[number];
      const id = known === undefined || known.rank === null ? createUuid(this.#rng) : known.id;
      return createRank(worker, index, id, number, size);
    });
  }

  /** The index belongs to no worker, though an attempt may still be in flight on it. */
  #vacate(index: WorkerIndex): void {
    this.#table.clear(index);
    this.#indices.free(index);
  }

  #tell(call: (observer: WorkerObserver) => void): void {
    for (const observer of this.#observers) call(observer);
  }
}
