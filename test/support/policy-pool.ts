/** A pool of workers with one policy, driven as the data plane drives it, for tests of policies. */
import { LoadTable } from '../../src/base/core/load.ts';
import type { OutcomeKind } from '../../src/base/core/outcome.ts';
import type { Rng } from '../../src/base/core/rng.ts';
import type { Prompt, RouteInput } from '../../src/base/core/route-input.ts';
import { NONE, type WorkerIndex } from '../../src/base/core/worker.ts';
import { NO_WORKERS, SmallWorkerSet } from '../../src/base/core/worker-set.ts';
import { NOBODY } from '../../src/router/policy/choices.ts';
import type { Choice, Policy } from '../../src/router/policy/contract.ts';
import { FleetViewState } from '../../src/router/policy/view.ts';
import { defaultsOf } from '../../src/router/setting/setting.ts';
import { workerOf } from './worker-of.ts';

/** The state of a policy with its defaults, as far as `values` does not say otherwise. */
export function startForTest(policy: Policy, values: Readonly<Record<string, unknown>> = {}): unknown {
  return policy.create({ ...defaultsOf(policy.settings, 'seed'), ...values }, 4711);
}

export class Pool {
  readonly loads: LoadTable = new LoadTable();
  readonly view: FleetViewState = new FleetViewState(this.loads);
  readonly joined: Set<WorkerIndex> = new Set();
  nowMs = 0;
  readonly #eligible: Set<WorkerIndex> = new Set();
  readonly #running: { readonly choice: Choice; isStreaming: boolean }[] = [];
  readonly policy: Policy;
  readonly state: unknown;
  readonly rng: Rng;

  /** `values`: of settings that differ from their defaults. */
  constructor(policy: Policy, rng: Rng, values: Readonly<Record<string, unknown>> = {}) {
    this.policy = policy;
    this.rng = rng;
    this.state = startForTest(policy, values);
  }

  /** An index is taken again only when the requests of the worker that left have ended. */
  join(...workers: readonly WorkerIndex[]): void {
    for (const worker of workers) {
      while (this.#running.some(({ choice }) => choice.worker === worker)) {
        this.#end(
          this.#running.findIndex(({ choice }) => choice.worker === worker),
          'cancelled',
        );
      }
      this.joined.add(worker);
      this.loads.reset(worker);
      this.policy.join?.(this.state, workerOf(worker));
      this.setEligible(worker, true);
    }
  }

  /** The worker leaves; its requests go on. */
  leave(worker: WorkerIndex): void {
    this.setEligible(worker, false);
    this.joined.delete(worker);
    this.policy.leave?.(this.state, worker);
  }

  setEligible(worker: WorkerIndex, eligible: boolean): void {
    if (eligible && this.joined.has(worker)) this.#eligible.add(worker);
    else this.#eligible.delete(worker);
    const workers = Int32Array.from(this.#eligible).sort();
    this.view.setEligible(workers);
    this.policy.eligible?.(this.state, workers);
  }

  get eligible(): ReadonlySet<WorkerIndex> {
    return this.#eligible;
  }

  /** `key`: the value of every header field that the policy needs. */
  input(prompt: Prompt, key?: string): RouteInput {
    return { prompt, headers: (this.policy.needs.header ?? []).map(() => key), nowMs: this.nowMs };
  }

  select(prompt: Prompt, ...excluded: readonly WorkerIndex[]): Choice {
    return this.selectFor(this.input(prompt), excluded);
  }

  selectFor(input: RouteInput, excluded: readonly WorkerIndex[], rng: Rng = this.rng): Choice {
    const set = new SmallWorkerSet();
    for (const worker of excluded) set.add(worker);
    this.view.exclude(set);
    const choice = this.policy.select(this.view, input, this.state, rng);
    this.view.exclude(NO_WORKERS);
    return choice;
  }

  /** Select and commit, and one more request in flight. */
  dispatch(prompt: Prompt, ...excluded: readonly WorkerIndex[]): Choice {
    return this.commit(this.select(prompt, ...excluded), this.input(prompt));
  }

  commit(choice: Choice, input: RouteInput): Choice {
    if (choice.worker === NONE) return choice;
    this.policy.commit?.(this.state, choice, input);
    this.loads.acquire(choice.worker);
    this.#running.push({ choice, isStreaming: false });
    return choice;
  }

  get running(): number {
    return this.#running.length;
  }

  /** The request that has run longest ends. */
  endOldest(kind: OutcomeKind = 'ok'): void {
    if (this.#running.length > 0) this.#end(0, kind);
  }

  /** The oldest request without an event gets its first one. */
  firstToken(): void {
    const request = this.#running.find(({ isStreaming }) => !isStreaming);
    if (request === undefined) return;
    request.isStreaming = true;
    this.policy.firstToken?.(this.state, request.choice, this.nowMs);
  }

  #end(place: number, kind: OutcomeKind): void {
    const [{ choice } = { choice: NOBODY }] = this.#running.splice(place, 1);
    this.loads.release(choice.worker);
    const usage = kind === 'ok' ? { promptTokens: 10, cachedTokens: this.nowMs % 11, completionTokens: 3 } : null;
    this.policy.settled?.(this.state, choice, { outcome: { kind, status: kind === 'ok' ? 200 : 0 }, usage, nowMs: this.nowMs });
  }
}
