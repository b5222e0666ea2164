/**
 * The single writer of the fleet: events in (added, removed, facts, probes, attempts), next immutable snapshot out. It knows
 * neither sockets nor timers; what has to be probed it says through its observer.
 */
import { type AttemptListener, EMPTY_FLEET, type FleetCell, type FleetSnapshot } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import { isUnreachable, type Outcome } from '../../../base/core/outcome.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import { createRank, createWorker } from './create-worker.ts';
import { isEligible } from './eligibility.ts';
import { IndexPool } from './index-pool.ts';
import { createUuid } from './uuid.ts';
import type { WorkerFacts, WorkerOptions, WorkerRecord } from './worker-record.ts';
import { initialState, type Phase, step, type WorkerEvent, type WorkerState } from './worker-state.ts';

/** Registered workers (or ranks) and those that still have requests under way after their removal, together. */
export const MAX_WORKERS = 8192;

export interface RegistryObserver {
  workerAdded(record: WorkerRecord): void;
  workerRemoved(record: WorkerRecord): void;
  /** Not called for the change to `removed`. `because`: the event, for the log. */
  phaseChanged(record: WorkerRecord, from: Phase, because: WorkerEvent): void;
  /** Comes after `phaseChanged` when one event causes both. */
  probeWanted(record: WorkerRecord, when: 'now' | 'soon'): void;
}

/** A worker to be, and what whoever names it says about it. */
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
  readonly #cell: FleetCell;
  readonly #rng: Rng;
  readonly #observer: RegistryObserver;
  readonly #indices: IndexPool;
  readonly #isDpAware: boolean;
  readonly #byUrl = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();
  /** By worker index; a worker that left is no longer here. */
  readonly #byIndex: (Entry | undefined)[] = [];
  /** What the snapshot shows at each index. */
  readonly #workers: (Worker | undefined)[] = [];

  /** `isDpAware`: every data-parallel rank of an engine is a worker. */
  constructor(
    cell: FleetCell,
    load: LoadTable,
    rng: Rng,
    observer: RegistryObserver,
    maxWorkers: number = MAX_WORKERS,
    isDpAware: boolean = false,
  ) {
    this.#isDpAware = isDpAware;
    this.#cell = cell;
    this.#rng = rng;
    this.#observer = observer;
    this.#indices = new IndexPool(load, maxWorkers);
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

  /** Whether the worker or rank at this index may take requests now. */
  isEligible(worker: WorkerIndex): boolean {
    const entry = this.#byIndex[worker];
    return entry !== undefined && isEligible(entry);
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
      this.#publish(
        added.flatMap((entry) => entry.ranks),
        [],
      );
      for (const entry of added) this.#observer.workerAdded(entry);
    }
    return results;
  }

  /** False when it is not registered (any more). Requests under way go on; the index stays theirs until they have ended. */
  remove(record: WorkerRecord): boolean {
    const entry = this.#byId.get(record.worker.id);
    if (entry === undefined) return false;
    const { worker } = entry;
    entry.state = step(entry.state, 'removed').state;
    this.#byId.delete(worker.id);
    this.#byUrl.delete(worker.url);
    for (const { index } of entry.ranks) this.#vacate(index);
    this.#publish([], entry.ranks);
    this.#observer.workerRemoved(entry);
    return true;
  }

  /** Replaces what its owner says of a worker; facts that it said itself stay. False when it is not registered. */
  update(record: WorkerRecord, options: WorkerOptions): boolean {
    return this.#change(record, (entry) => {
      entry.options = options;
    });
  }

  /** Replaces what a worker reported about itself. False when it is not registered. */
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): boolean {
    const from = record.state.phase;
    const isKnown = this.#change(record, (entry) => {
      entry.facts = facts;
    });
    if (record.state.phase !== from) this.#observer.phaseChanged(record, from, 'ranks-known');
    return isKnown;
  }

  /** Reports of workers that were removed meanwhile are dropped. */
  probeEnded(record: WorkerRecord, event: WorkerEvent): void {
    const entry = this.#byId.get(record.worker.id);
    if (entry !== undefined) this.#apply(entry, event);
  }

  attemptEnded(worker: WorkerIndex, outcome: Outcome): void {
    const entry = this.#byIndex[worker];
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
      this.#publish([], []);
      this.#observer.phaseChanged(entry, from, event);
    }
    if (next.probe !== 'no') this.#observer.probeWanted(entry, next.probe);
  }

  #create(address: WorkerAddress, options: WorkerOptions): Entry | null {
    const index = this.#indices.take();
    if (index === null) return null;
    const id = createUuid(this.#rng);
    const worker = createWorker(index, id, address, options, null);
    const entry: Entry = { worker, ranks: [worker], options, facts: null, state: initialState(!this.#isDpAware) };
    this.#byUrl.set(address.url, entry);
    this.#byId.set(id, entry);
    this.#occupy(entry, worker);
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
    for (const rank of entry.ranks) this.#occupy(entry, rank);
    this.#publish(entry.ranks, left);
    return true;
  }

  /** As many as the engine says; those that there are already keep their ids and indices. All or none of the new ones find room. */
  #ranksOf(entry: Entry): readonly Worker[] {
    const { worker, ranks } = entry;
    const size = entry.facts?.dpSize ?? (entry.state.areRanksKnown ? ranks.length : 0);
    const indices = [worker.index, ...ranks.slice(1, size).map(({ index }) => index)];
    const fresh: WorkerIndex[] = [];
    while (indices.length + fresh.length < size) {
      const index = this.#indices.take();
      if (index === null) break;
      fresh.push(index);
    }
    if (indices.length + fresh.length < size) for (const index of fresh.splice(0)) this.#indices.free(index);
    else if (size > 0) {
      entry.state = step(entry.state, 'ranks-known').state;
      return [...indices, ...fresh].map((index, number) => {
        const known = ranks[number];
        const id = known === undefined || known.rank === null ? createUuid(this.#rng) : known.id;
        return createRank(worker, index, id, number, size);
      });
    }
    if (!entry.state.areRanksKnown) return [worker];
    return ranks.map(({ index, id }, number) => createRank(worker, index, id, number, ranks.length));
  }

  #occupy(entry: Entry, worker: Worker): void {
    const { index } = worker;
    while (this.#byIndex.length <= index) {
      this.#byIndex.push(undefined);
      this.#workers.push(undefined);
    }
    this.#byIndex[index] = entry;
    this.#workers[index] = worker;
  }

  /** Nobody's any more, though an attempt may still be under way. */
  #vacate(index: WorkerIndex): void {
    this.#byIndex[index] = undefined;
    this.#workers[index] = undefined;
    this.#indices.free(index);
  }

  #publish(joined: readonly Worker[], left: readonly Worker[]): void {
    this.#cell.publish(this.#snapshot(), joined, left);
  }

  #snapshot(): FleetSnapshot {
    const eligible = { regular: [] as number[], prefill: [] as number[], decode: [] as number[] };
    let total = 0;
    for (const [index, entry] of this.#byIndex.entries()) {
      if (entry === undefined) continue;
      total++;
      if (isEligible(entry)) eligible[entry.worker.type].push(index);
    }
    return {
      version: this.#cell.current.version + 1,
      workers: [...this.#workers],
      eligible: { regular: toIndices(eligible.regular), prefill: toIndices(eligible.prefill), decode: toIndices(eligible.decode) },
      total,
    };
  }
}

function toIndices(indices: readonly number[]): Int32Array {
  return indices.length === 0 ? EMPTY_FLEET.eligible.regular : Int32Array.from(indices);
}

/** null: says nothing about whether the worker can be reached. */
function eventOf(outcome: Outcome): WorkerEvent | null {
  if (isUnreachable(outcome.kind)) return 'attempt-unreachable';
  if (outcome.kind === 'reset') return 'attempt-reset';
  if (outcome.kind === 'cut') return 'attempt-cut';
  return outcome.kind === 'ok' || outcome.kind === 'status' ? 'attempt-answered' : null;
}
