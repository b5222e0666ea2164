/** The policy at work on one kind of worker: keeps its view of the fleet up to date and makes the choices. */
import type { FleetListener, FleetSnapshot } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { Outcome } from '../../../base/core/outcome.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { RouteInput } from '../../../base/core/route-input.ts';
import { NONE, type Worker, type WorkerIndex, type WorkerType } from '../../../base/core/worker.ts';
import type { Choice, IndexStats, Policy, PolicySettings, Reason } from '../../policy/contract.ts';
import { FleetViewState } from '../../policy/view.ts';

/** The cell that counts choices with this reason. */
export type DecisionCounter = (because: Reason) => { value: number };

export class Selection implements FleetListener {
  readonly policy: Policy;
  readonly #type: WorkerType;
  readonly #state: unknown;
  readonly #view: FleetViewState;
  readonly #rng: Rng;
  readonly #decision: DecisionCounter;
  /** Of the last snapshot, by index. */
  #workers: FleetSnapshot['workers'] = [];

  constructor(policy: Policy, settings: PolicySettings, type: WorkerType, load: LoadTable, rng: Rng, decision: DecisionCounter) {
    this.policy = policy;
    this.#type = type;
    this.#state = policy.create(settings);
    this.#view = new FleetViewState(load);
    this.#rng = rng;
    this.#decision = decision;
  }

  /** How full the policy's index is; null for policies without one. */
  get index(): IndexStats | null {
    return this.policy.stats?.(this.#state) ?? null;
  }

  get eligible(): Int32Array {
    return this.#view.eligible;
  }

  workerJoined(worker: Worker): void {
    if (worker.type === this.#type) this.policy.join?.(this.#state, worker.index);
  }

  workerLeft(worker: Worker): void {
    if (worker.type === this.#type) this.policy.leave?.(this.#state, worker.index);
  }

  snapshotChanged(snapshot: FleetSnapshot): void {
    this.#workers = snapshot.workers;
    this.#view.setEligible(snapshot.eligible[this.#type]);
  }

  /** Whether there is a worker that is not this one, nor another rank of its engine. */
  hasOtherEngine(worker: WorkerIndex): boolean {
    return this.#otherEngines(worker).length > 0;
  }

  /**
   * Chooses a worker and tells the policy that the choice is dispatched. `excluded` is NONE or the worker that failed before; of
   * another rank of its engine the same must be feared, so it is the last resort. `before`: those that failed before that one; they
   * are chosen again only where no other is left.
   */
  choose(input: RouteInput, excluded: WorkerIndex, before: readonly WorkerIndex[] = []): Choice {
    const view = this.#view;
    const all = view.eligible;
    let others = excluded === NONE || this.#workers[excluded]?.rank == null ? all : this.#otherEngines(excluded);
    if (before.length > 0) {
      const fresh = others.filter((worker) => worker !== excluded && !before.includes(worker));
      if (fresh.length > 0) others = fresh;
    }
    if (others.length > 0) view.setEligible(others);
    view.excluded = excluded;
    const choice = this.policy.select(view, input, this.#state, this.#rng);
    view.excluded = NONE;
    view.setEligible(all);
    this.#decision(choice.because).value++;
    if (choice.worker !== NONE) this.policy.commit?.(this.#state, choice, input);
    return choice;
  }

  #otherEngines(worker: WorkerIndex): Int32Array {
    const rank = this.#workers[worker]?.rank ?? null;
    if (rank === null) return this.eligible.filter((other) => other !== worker);
    return this.eligible.filter((other) => this.#workers[other]?.rank?.engineUrl !== rank.engineUrl);
  }

  settled(choice: Choice, outcome: Outcome): void {
    this.policy.settled?.(this.#state, choice, outcome);
  }
}
