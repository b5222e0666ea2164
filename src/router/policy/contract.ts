/** The contract between routing policies and the rest of the router. Policies are pure: no I/O, no clock, no random numbers but those passed in. */
import type { Outcome } from '../../base/core/outcome.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { RouteInput } from '../../base/core/route-input.ts';
import type { Usage } from '../../base/core/usage.ts';
import type { Worker, WorkerIndex, WorkerType } from '../../base/core/worker.ts';
import type { Settings, ValuesOf } from '../setting/setting.ts';

export interface Choice {
  /** NONE only if no worker may be chosen, or none of those that the request asks for (`mayFindNobody`). */
  readonly worker: WorkerIndex;
  /** Why: one of the policy's reasons, 'only' or 'none'. A label of metrics. */
  readonly because: string;
  /** Bytes of the prompt that the worker probably has in its KV cache; 0 if the policy does not know. */
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

/** How full the index of a policy is, for metrics. */
export interface IndexStats {
  readonly blocks: number;
  readonly bytes: number;
  /** Blocks evicted since the start. */
  readonly evictions: number;
}

/** What must be read of a request before `select`. A policy that needs nothing costs no reading. */
export interface PolicyNeeds {
  /** The bytes of the prompt. */
  readonly prompt?: true;
  /** Names of header fields, in lower case. */
  readonly header?: readonly string[];
}

/** How an attempt at the chosen worker ended. */
export interface Ending {
  readonly outcome: Outcome;
  /** Null if the answer did not end whole or counts no tokens. */
  readonly usage: Usage | null;
  /** Milliseconds on the Clock. */
  readonly nowMs: number;
}

export interface Policy<State = unknown, S extends Settings = Settings> {
  /** As in `--policy`. */
  readonly name: string;
  /** Types of workers that it can choose among. All if absent. */
  readonly pools?: readonly WorkerType[];
  /** Its choice is one of two workers: a pool that starts with fewer draws a warning. */
  readonly choosesBetweenTwo?: true;
  /** A request may ask for a worker that is not there: then the choice is NONE although others may be chosen. */
  readonly mayFindNobody?: true;
  readonly settings: S;
  readonly needs: PolicyNeeds;
  /** All values of `Choice.because` besides 'only' (one worker may be chosen) and 'none'. */
  readonly reasons: readonly string[];
  /** The state for one pool. `salt`: secret of this process, for hashes of what clients sent. */
  create(values: ValuesOf<S>, salt: number): State;
  /** Other values for a state, which keeps what it has learnt. Needed if a setting is reloadable. */
  adjust?(state: State, values: ValuesOf<S>): void;
  /** Changes nothing that a later choice depends on (scratch buffers may change). */
  select(view: FleetView, input: RouteInput, state: State, rng: Rng): Choice;
  /** Called right after select if the choice is dispatched. Like the members below, it may change the state. */
  commit?(state: State, choice: Choice, input: RouteInput): void;
  /** The first event of a streamed answer arrived. `choice`: the object that `select` returned, here and in `settled`. */
  firstToken?(state: State, choice: Choice, nowMs: number): void;
  /** Called once for each dispatched choice. */
  settled?(state: State, choice: Choice, ending: Ending): void;
  /** Which workers are eligible has changed, or which are there. `workers`: ascending; kept, and not to be changed afterwards. */
  eligible?(state: State, workers: Int32Array): void;
  /** A worker joined, or facts of one that joined before have changed. */
  join?(state: State, worker: Worker): void;
  /** The engine of `worker` has emptied its cache. */
  forget?(state: State, worker: WorkerIndex): void;
  /** After it, no reference to `worker` may be left: another worker can get the index. */
  leave?(state: State, worker: WorkerIndex): void;
  /** Of the index of this state, if the policy keeps one. O(1). */
  stats?(state: State): IndexStats;
}

/** A policy at work in one pool. */
export interface PoolPolicy {
  readonly policy: Policy;
  readonly state: unknown;
}
