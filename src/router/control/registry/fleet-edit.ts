/** Collects changes of workers that are published as one snapshot. */
import type { Rng } from '../../../base/core/rng.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import { CLOSED } from './breaker.ts';
import { Claims } from './claims.ts';
import { createWorker } from './create-worker.ts';
import type { Entry, FleetTable } from './fleet-table.ts';
import { type HealthSettings, isSameHealth } from './health-settings.ts';
import type { IndexPool } from './index-pool.ts';
import { rankWorkers } from './rank-workers.ts';
import type { DesiredWorker, Source } from './source.ts';
import { createUuid } from './uuid.ts';
import { initialState, step } from './worker-state.ts';

export interface FleetEditDeps {
  readonly table: FleetTable;
  readonly indices: IndexPool;
  readonly rng: Rng;
  /** Every data-parallel rank of an engine is a worker. */
  readonly isDpAware: boolean;
  /** Of the router: workers may have their own. */
  readonly health: HealthSettings;
}

export class FleetEdit {
  readonly added: Entry[] = [];
  readonly removed: { readonly entry: Entry; readonly by: Source }[] = [];
  /** Workers with other health settings, and what they had before. */
  readonly healthChanged: { readonly entry: Entry; readonly before: HealthSettings }[] = [];
  readonly #deps: FleetEditDeps;
  readonly #joined: Worker[] = [];
  readonly #left: Worker[] = [];

  constructor(deps: FleetEditDeps) {
    this.#deps = deps;
  }

  /** Publishes a snapshot, if anything changed. */
  publish(): void {
    if (this.#joined.length > 0 || this.#left.length > 0) this.#deps.table.publish(this.#joined, this.#left);
  }

  /** null: the router holds as many workers as it can. */
  create(source: Source, { address, options }: DesiredWorker): Entry | null {
    const { table, indices, rng, isDpAware } = this.#deps;
    const index = indices.take();
    if (index === null) return null;
    const worker = createWorker(index, createUuid(rng), address, options, null);
    const claims = new Claims(source, options);
    const health = { ...this.#deps.health, ...options.health };
    const first = initialState(!isDpAware);
    const state = health.isChecked ? first : step(first, 'unchecked', health).state;
    const entry: Entry = {
      worker,
      ranks: [worker],
      claims,
      facts: null,
      state,
      health,
      breaker: CLOSED,
      isAdmitted: true,
      isInDoubt: false,
      overload: null,
      judged: { successes: 0, failures: 0 },
    };
    table.byUrl.set(worker.url, entry);
    table.byId.set(worker.id, entry);
    table.set(entry, worker);
    this.#joined.push(worker);
    this.added.push(entry);
    return entry;
  }

  drop(entry: Entry, by: Source): void {
    const { table } = this.#deps;
    entry.state = step(entry.state, 'removed', entry.health).state;
    table.byUrl.delete(entry.worker.url);
    table.byId.delete(entry.worker.id);
    for (const { index } of entry.ranks) this.#vacate(index);
    this.#left.push(...entry.ranks);
    this.removed.push({ entry, by });
  }

  /** Applies changed options or facts. Ranks that remain keep their ids and indices. */
  renew(entry: Entry): void {
    const { worker, ranks } = entry;
    entry.worker = createWorker(worker.index, worker.id, worker, entry.claims.options, entry.facts);
    const before = entry.health;
    entry.health = { ...this.#deps.health, ...entry.claims.options.health };
    if (!isSameHealth(before, entry.health)) this.healthChanged.push({ entry, before });
    entry.ranks = this.#deps.isDpAware ? this.#ranksOf(entry) : [entry.worker];
    const stays = new Set(entry.ranks.map(({ id }) => id));
    const left = ranks.filter(({ id }) => !stays.has(id));
    const taken = new Set(entry.ranks.map(({ index }) => index));
    for (const { index } of left) if (!taken.has(index)) this.#vacate(index);
    for (const rank of entry.ranks) this.#deps.table.set(entry, rank);
    this.#joined.push(...entry.ranks);
    this.#left.push(...left);
  }

  /** Without a usable number of ranks, or with too few free indices, the ranks stay as they are. */
  #ranksOf(entry: Entry): readonly Worker[] {
    const { worker, ranks, facts, state } = entry;
    const { indices, rng } = this.#deps;
    const ofSize = (size: number) => rankWorkers(worker, ranks, size, indices, () => createUuid(rng));
    const reported = facts === null || facts.dpSize === null ? null : ofSize(facts.dpSize);
    if (reported === null) return (state.areRanksKnown ? ofSize(ranks.length) : null) ?? [worker];
    entry.state = step(state, 'ranks-known', entry.health).state;
    return reported;
  }

  /** The index belongs to no worker, though an attempt may still be in flight on it. */
  #vacate(index: WorkerIndex): void {
    this.#deps.table.clear(index);
    this.#deps.indices.free(index);
  }
}
