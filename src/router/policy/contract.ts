/** The contract between routing policies and the rest of the router. Policies are pure: no I/O, no clock, no chance of their own. */
import type { Outcome } from '../../base/core/outcome.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { RouteInput } from '../../base/core/route-input.ts';
import type { WorkerIndex } from '../../base/core/worker.ts';

/** Why a worker was chosen; a closed set, for metrics and debug headers. */
export type Reason =
  | 'only' // the only eligible worker
  | 'turn' // round robin
  | 'chance' // random
  | 'less-loaded' // the better of two, or the least loaded of all
  | 'prefix' // holds the longest prefix of the prompt
  | 'prefix-miss' // nobody holds enough of it: least loaded
  | 'length' // the worker of prompts of this length
  | 'imbalance' // loads too far apart: least loaded, affinity set aside
  | 'none'; // nobody is eligible

export interface Choice {
  /** NONE only if no worker may be chosen. */
  readonly worker: WorkerIndex;
  readonly because: Reason;
  /** Bytes of the prompt that the chosen worker is believed to hold; 0 for policies that do not know. */
  readonly matchedBytes: number;
}

/**
 * What a policy sees of its pool at the moment of a choice: the workers that may be chosen, which are those that are eligible and
 * not excluded. A retry excludes the workers that failed; everything here leaves them out. One object per pool, updated in place.
 */
export interface FleetView {
  /** Number of workers that may be chosen. */
  readonly count: number;
  /** The `n`-th (from 0) of them, ascending by index. */
  at(n: number): WorkerIndex;
  /** Number of them below `worker`: its place if it may be chosen, otherwise the place of the next one. O(log workers). */
  placeOf(worker: WorkerIndex): number;
  has(worker: WorkerIndex): boolean;
  /** The one with least (in-flight, processed, index); NONE if there is none. */
  leastLoaded(): WorkerIndex;
  /** Smallest and largest in-flight count among them; 0 if there are none. */
  minLoad(): number;
  maxLoad(): number;
  /** By worker index. */
  readonly inflight: Int32Array;
  readonly processed: Float64Array;
}

export interface PolicySettings {
  /** cache_aware: least share of the prompt (0..1, exclusive) that must match to follow the prefix. */
  readonly cacheThreshold: number;
  /** cache_aware, bucket: imbalanced when max-min > abs AND max > min*rel. */
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
  /** cache_aware: byte budget of the prefix index, all workers together. */
  readonly prefixIndexBytes: number;
  /** Secret of this process, mixed into prefix hashes. */
  readonly salt: number;
}

/** How full an index is that a policy keeps; for metrics. */
export interface IndexStats {
  readonly blocks: number;
  readonly bytes: number;
  /** Blocks that left to make room, ever. */
  readonly evictions: number;
}

export interface Policy<State = unknown> {
  readonly name: string;
  /** What must be read of a request: nothing, the prompt bytes, or the routing-key header. */
  readonly needs: 'nothing' | 'prompt' | 'key';
  create(settings: PolicySettings): State;
  /** No I/O, no clock, no mutation that changes a later choice (scratch buffers are fine). */
  select(view: FleetView, input: RouteInput, state: State, rng: Rng): Choice;
  /** The only mutation: called right after select when the choice is dispatched. */
  commit?(state: State, choice: Choice, input: RouteInput): void;
  /** Learn from how the attempt ended. */
  settled?(state: State, choice: Choice, outcome: Outcome): void;
  join?(state: State, worker: WorkerIndex): void;
  /** After it, no reference to `worker` may be left: the index can come back as another worker. */
  leave?(state: State, worker: WorkerIndex): void;
  /** Of the index of this state, if the policy keeps one. O(1). */
  stats?(state: State): IndexStats;
}
