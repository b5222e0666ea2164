/** One policy for one type of worker: keeps the policy's view of the fleet up to date and asks it for choices. */
import type { FleetListener, FleetSnapshot } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { Outcome } from '../../../base/core/outcome.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Prompt, RouteInput } from '../../../base/core/route-input.ts';
import type { Usage } from '../../../base/core/usage.ts';
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
  readonly policy: Policy;
  readonly #type: WorkerType;
  readonly #state: unknown;
  readonly #view: FleetViewState;
  readonly #rng: Rng;
  readonly #decision: DecisionCounter;
  readonly #excluded = new SmallWorkerSet();
  readonly #input: SelectionInput = { prompt: NO_PROMPT, headers: [], nowMs: 0 };
  /** Of the last snapshot, by index. */
  #workers: FleetSnapshot['workers'] = [];

  constructor({ policy, state }: PoolPolicy, type: WorkerType, load: LoadTable, rng: Rng, decision: DecisionCounter) {
    this.policy = policy;
    this.#type = type;
    this.#state = state;
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
    if (worker.type === this.#type) this.policy.join?.(this.#state, worker);
  }

  workerLeft(worker: Worker): void {
    if (worker.type === this.#type) this.policy.leave?.(this.#state, worker.index);
  }

  snapshotChanged(snapshot: FleetSnapshot): void {
    this.#workers = snapshot.workers;
    this.#view.setEligible(snapshot.eligible[this.#type]);
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
    const { header } = this.policy.needs;
    if (header !== undefined) for (let i = 0; i < header.length; i++) input.headers[i] = head.find(header[i]!);
    const choice = this.policy.select(this.#view, input, this.#state, this.#rng);
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

  /** `choice`: what `choose` returned last. If the policy learns, call `settled` once when the attempt ends. */
  commit(choice: Choice): void {
    this.policy.commit?.(this.#state, choice, this.#input);
  }

  /** Whether the policy learns from answers. If not, `firstToken` and `settled` need not be called. */
  get learns(): boolean {
    return this.policy.firstToken !== undefined || this.policy.settled !== undefined;
  }

  firstToken(choice: Choice, nowMs: number): void {
    this.policy.firstToken?.(this.#state, choice, nowMs);
  }

  settled(choice: Choice, outcome: Outcome, usage: Usage | null, nowMs: number): void {
    this.policy.settled?.(this.#state, choice, { outcome, usage, nowMs });
  }
}
