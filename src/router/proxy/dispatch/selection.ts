/** One policy for one type of worker: keeps the policy's view of the fleet up to date and asks it for choices. */
import type { FleetListener, FleetSnapshot } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Prompt, RouteInput } from '../../../base/core/route-input.ts';
import type { Worker, WorkerIndex, WorkerType } from '../../../base/core/worker.ts';
import { NO_WORKERS, SmallWorkerSet } from '../../../base/core/worker-set.ts';
import type { Choice, IndexStats, Policy, PoolPolicy } from '../../policy/contract.ts';
import { FleetViewState } from '../../policy/view.ts';
import { NO_PROMPT } from '../request/scanned-prompt.ts';

/** The cell that counts choices with this reason. */
export type DecisionCounter = (because: string) => { value: number };

/** What an exclusion covers: the workers named, or all data-parallel ranks of their engines as well. */
export type ExclusionScope = 'workers' | 'engines';

/** The head of a request, as far as policies read it. */
export interface HeaderFields {
  /** The first value of the field with this lower-case name. */
  find(name: string): string | undefined;
}

/** One object for all choices of a selection. */
interface SelectionInput extends RouteInput {
  prompt: Prompt;
  readonly headers: (string | undefined)[];
  nowMs: number;
}

const NO_FAILURES: readonly WorkerIndex[] = [];

export class Selection implements FleetListener {
  readonly #type: WorkerType;
  readonly #view: FleetViewState;
  readonly #rng: Rng;
  readonly #decisionsOf: (policy: string) => DecisionCounter;
  #chooser: PoolPolicy;
  #decision: DecisionCounter;
  readonly #excluded = new SmallWorkerSet();
  readonly #input: SelectionInput = { prompt: NO_PROMPT, headers: [], nowMs: 0 };
  /** Of the last snapshot, by index. */
  #workers: FleetSnapshot['workers'] = [];

  constructor(chooser: PoolPolicy, type: WorkerType, load: LoadTable, rng: Rng, decisionsOf: (policy: string) => DecisionCounter) {
    this.#chooser = chooser;
    this.#type = type;
    this.#view = new FleetViewState(load);
    this.#rng = rng;
    this.#decisionsOf = decisionsOf;
    this.#decision = decisionsOf(chooser.policy.name);
  }

  get policy(): Policy {
    return this.#chooser.policy;
  }

  /** What chooses now. An attempt keeps the one that chose its worker, because another may have taken its place when it ends. */
  get chooser(): PoolPolicy {
    return this.#chooser;
  }

  /** Another policy, or another state of the same, chooses from now on. It learns of all workers that have joined. */
  adopt(chooser: PoolPolicy): void {
    this.#chooser = chooser;
    this.#decision = this.#decisionsOf(chooser.policy.name);
    for (const worker of this.#workers) if (worker !== undefined) this.workerJoined(worker);
    this.#tellEligible();
  }

  /** How full the policy's index is; null for policies without one. */
  get index(): IndexStats | null {
    const { policy, state } = this.#chooser;
    return policy.stats?.(state) ?? null;
  }

  get eligible(): Int32Array {
    return this.#view.eligible;
  }

  workerJoined(worker: Worker): void {
    const { policy, state } = this.#chooser;
    if (worker.type === this.#type) policy.join?.(state, worker);
  }

  workerLeft(worker: Worker): void {
    const { policy, state } = this.#chooser;
    if (worker.type === this.#type) policy.leave?.(state, worker.index);
  }

  cacheEmptied(worker: Worker): void {
    const { policy, state } = this.#chooser;
    if (worker.type === this.#type) policy.forget?.(state, worker.index);
  }

  snapshotChanged(snapshot: FleetSnapshot): void {
    this.#workers = snapshot.workers;
    const eligible = snapshot.eligible[this.#type];
    if (eligible === this.#view.eligible) return;
    this.#view.setEligible(eligible);
    this.#tellEligible();
  }

  #tellEligible(): void {
    const { policy, state } = this.#chooser;
    policy.eligible?.(state, this.#view.eligible);
  }

  /** Whether an eligible worker remains if the failed ones are excluded. */
  hasOther(failed: readonly WorkerIndex[], scope: ExclusionScope): boolean {
    this.#exclude(failed, scope);
    return this.#view.count > 0;
  }

  /**
   * Chooses a worker. Call `commit` in the same turn if the request is sent to it. `failed`: the workers that failed this request, in
   * order. The choice avoids them and the other ranks of their engines, which may have failed too. If no other worker is eligible, it
   * avoids the failed workers only, then only the later ones of them. It is NONE if only the last one is eligible, or none at all.
   */
  choose(prompt: Prompt, head: HeaderFields, nowMs: number, failed: readonly WorkerIndex[] = NO_FAILURES): Choice {
    this.#avoid(failed);
    const input = this.#input;
    input.prompt = prompt;
    input.nowMs = nowMs;
    const { policy, state } = this.#chooser;
    const { header } = policy.needs;
    if (header !== undefined) for (let i = 0; i < header.length; i++) input.headers[i] = head.find(header[i]!);
    const choice = policy.select(this.#view, input, state, this.#rng);
    this.#decision(choice.because).value++;
    return choice;
  }

  #avoid(failed: readonly WorkerIndex[]): void {
    this.#exclude(failed, 'engines');
    for (let from = 0; this.#view.count === 0 && from < failed.length; from++) this.#exclude(failed, 'workers', from);
  }

  /** Excludes the workers of `failed` from `from` on, and no others. */
  #exclude(failed: readonly WorkerIndex[], scope: ExclusionScope, from = 0): void {
    if (failed.length === 0) {
      this.#view.exclude(NO_WORKERS);
      return;
    }
    const excluded = this.#excluded;
    excluded.clear();
    for (let i = from; i < failed.length; i++) {
      excluded.add(failed[i]!);
      if (scope === 'engines') this.#addRanksOf(failed[i]!);
    }
    this.#view.exclude(excluded);
  }

  #addRanksOf(worker: WorkerIndex): void {
    const engineUrl = this.#workers[worker]?.rank?.engineUrl;
    if (engineUrl === undefined) return;
    for (const other of this.#view.eligible) if (this.#workers[other]?.rank?.engineUrl === engineUrl) this.#excluded.add(other);
  }

  /** `choice`: what `choose` returned last. If the policy learns, its `settled` is due once when the attempt ends. */
  commit(choice: Choice): void {
    const { policy, state } = this.#chooser;
    policy.commit?.(state, choice, this.#input);
  }
}

/** Whether the policy learns from answers. If not, its `firstToken` and `settled` need not be called. */
export function learns({ policy }: PoolPolicy): boolean {
  return policy.firstToken !== undefined || policy.settled !== undefined;
}
