/**
 * The single writer of the fleet: events in (added, removed, facts, probes, attempts), next immutable snapshot out. It knows
 * neither sockets nor timers; what has to be probed it says through its observer.
 */
import { type AttemptListener, EMPTY_FLEET, type FleetCell, type FleetSnapshot } from '../core/fleet.ts';
import type { LoadTable } from '../core/load.ts';
import { isUnreachable, type Outcome } from '../core/outcome.ts';
import type { Rng } from '../core/rng.ts';
import type { Worker, WorkerIndex } from '../core/worker.ts';
import type { WorkerAddress } from '../core/worker-address.ts';
import { IndexPool } from './index-pool.ts';
import { createUuid } from './uuid.ts';
import type { WorkerFacts, WorkerOptions, WorkerRecord } from './worker-record.ts';
import { INITIAL_STATE, type Phase, type Step, step, type WorkerEvent, type WorkerState } from './worker-state.ts';

/** Registered workers and those that still have requests under way after their removal, together. */
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
  options: WorkerOptions;
  facts: WorkerFacts | null;
  state: WorkerState;
}

export class Registry implements AttemptListener {
  readonly #cell: FleetCell;
  readonly #rng: Rng;
  readonly #observer: RegistryObserver;
  readonly #indices: IndexPool;
  readonly #byUrl = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();
  /** By worker index; a worker that left is no longer here. */
  readonly #byIndex: (Entry | undefined)[] = [];

  constructor(cell: FleetCell, load: LoadTable, rng: Rng, observer: RegistryObserver, maxWorkers: number = MAX_WORKERS) {
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
        added.map((entry) => entry.worker),
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
    this.#byIndex[worker.index] = undefined;
    this.#indices.free(worker.index);
    this.#publish([], [worker]);
    this.#observer.workerRemoved(entry);
    return true;
  }

  /** Replaces what its owner says of a worker; facts that it said itself stay. False when it is not registered. */
  update(record: WorkerRecord, options: WorkerOptions): boolean {
    return this.#change(record, (entry) => {
      entry.options = options;
    });
  }

  /** Replaces what a worker said of itself. False when it is not registered. */
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): boolean {
    return this.#change(record, (entry) => {
      entry.facts = facts;
    });
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
    const next: Step = step(entry.state, event);
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
    const entry: Entry = { worker: createWorker(index, id, address, options, null), options, facts: null, state: INITIAL_STATE };
    this.#byUrl.set(address.url, entry);
    this.#byId.set(id, entry);
    while (this.#byIndex.length <= index) this.#byIndex.push(undefined);
    this.#byIndex[index] = entry;
    return entry;
  }

  #change(record: WorkerRecord, edit: (entry: Entry) => void): boolean {
    const entry = this.#byId.get(record.worker.id);
    if (entry === undefined) return false;
    edit(entry);
    const { worker } = entry;
    entry.worker = createWorker(worker.index, worker.id, worker, entry.options, entry.facts);
    this.#publish([entry.worker], []);
    return true;
  }

  #publish(joined: readonly Worker[], left: readonly Worker[]): void {
    this.#cell.publish(this.#snapshot(), joined, left);
  }

  #snapshot(): FleetSnapshot {
    const workers: (Worker | undefined)[] = [];
    const eligible = { regular: [] as number[], prefill: [] as number[], decode: [] as number[] };
    for (const entry of this.#byIndex) {
      workers.push(entry?.worker);
      if (entry?.state.phase === 'ready') eligible[entry.worker.type].push(entry.worker.index);
    }
    return {
      version: this.#cell.current.version + 1,
      workers,
      eligible: { regular: toIndices(eligible.regular), prefill: toIndices(eligible.prefill), decode: toIndices(eligible.decode) },
      total: this.#byUrl.size,
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

function createWorker(index: WorkerIndex, id: string, address: WorkerAddress, options: WorkerOptions, facts: WorkerFacts | null): Worker {
  return {
    index,
    id,
    url: address.url,
    scheme: address.scheme,
    host: address.host,
    port: address.port,
    authority: address.authority,
    basePath: address.basePath,
    type: options.type,
    apiKey: options.apiKey,
    modelId: options.modelId ?? facts?.modelId ?? UNKNOWN_MODEL,
    priority: options.priority,
    cost: options.cost,
    bootstrapPort: options.bootstrapPort,
    labels: options.labels,
  };
}

/** Source: sglang_router 0.3.2. */
const UNKNOWN_MODEL = 'unknown';
