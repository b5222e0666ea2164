/** The records of all workers by URL, id and index, and the snapshots made from them. */
import { EMPTY_FLEET, type FleetCell, type FleetSnapshot } from '../../../base/core/fleet.ts';
import { WORKER_TYPES, type Worker, type WorkerIndex, type WorkerType } from '../../../base/core/worker.ts';
import type { BreakerState } from './breaker.ts';
import type { Claims } from './claims.ts';
import { isEligible, isLastResort, isShed } from './eligibility.ts';
import type { HealthSettings } from './health-settings.ts';
import type { LoadReport, WorkerFacts, WorkerRecord } from './worker-record.ts';
import type { WorkerState } from './worker-state.ts';

/** A record as the registry changes it. */
export interface Entry extends WorkerRecord {
  worker: Worker;
  ranks: readonly Worker[];
  readonly claims: Claims;
  facts: WorkerFacts | null;
  state: WorkerState;
  health: HealthSettings;
  breaker: BreakerState;
  isAdmitted: boolean;
  overload: LoadReport | null;
  /** It broke a connection, and no probe that began later has ended. */
  isInDoubt: boolean;
  readonly judged: { successes: number; failures: number };
}

export class FleetTable {
  /** In the order in which they were added. */
  readonly byUrl = new Map<string, Entry>();
  readonly byId = new Map<string, Entry>();
  /** Workers of each type that are well, as of the last snapshot: those that are overloaded too, those of the last resort not. */
  healthy: Readonly<Record<WorkerType, number>> = { regular: 0, prefill: 0, decode: 0 };
  readonly #cell: FleetCell;
  /** By worker index; the ranks of one engine share its entry. A worker that left is not here. */
  readonly #entries: (Entry | undefined)[] = [];
  /** What the snapshot shows at each index. */
  readonly #workers: (Worker | undefined)[] = [];

  constructor(cell: FleetCell) {
    this.#cell = cell;
  }

  find(index: WorkerIndex): Entry | undefined {
    return this.#entries[index];
  }

  /** `worker`: the worker or one of its ranks. */
  set(entry: Entry, worker: Worker): void {
    const { index } = worker;
    while (this.#entries.length <= index) {
      this.#entries.push(undefined);
      this.#workers.push(undefined);
    }
    this.#entries[index] = entry;
    this.#workers[index] = worker;
  }

  clear(index: WorkerIndex): void {
    this.#entries[index] = undefined;
    this.#workers[index] = undefined;
  }

  /** The engine of a worker has emptied its cache. */
  emptied(worker: Worker): void {
    this.#cell.emptied(worker);
  }

  /** `joined`: new workers and those whose facts changed. An index may be in both lists when its owner changed. */
  publish(joined: readonly Worker[], left: readonly Worker[]): void {
    this.#cell.publish(this.#snapshot(), joined, left);
  }

  #snapshot(): FleetSnapshot {
    const eligible = { regular: [] as number[], prefill: [] as number[], decode: [] as number[] };
    const overloaded = { regular: 0, prefill: 0, decode: 0 };
    const lastResort = { regular: [] as number[], prefill: [] as number[], decode: [] as number[] };
    let total = 0;
    for (const [index, entry] of this.#entries.entries()) {
      if (entry === undefined) continue;
      total++;
      if (isEligible(entry)) eligible[entry.worker.type].push(index);
      else if (isShed(entry)) overloaded[entry.worker.type]++;
      else if (isLastResort(entry)) lastResort[entry.worker.type].push(index);
    }
    const well = (type: WorkerType): number => eligible[type].length + overloaded[type];
    this.healthy = { regular: well('regular'), prefill: well('prefill'), decode: well('decode') };
    for (const type of WORKER_TYPES) if (eligible[type].length + overloaded[type] === 0) eligible[type] = lastResort[type];
    return {
      version: this.#cell.current.version + 1,
      workers: [...this.#workers],
      eligible: { regular: toIndices(eligible.regular), prefill: toIndices(eligible.prefill), decode: toIndices(eligible.decode) },
      overloaded,
      total,
    };
  }
}

function toIndices(indices: readonly number[]): Int32Array {
  return indices.length === 0 ? EMPTY_FLEET.eligible.regular : Int32Array.from(indices);
}
