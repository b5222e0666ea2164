/**
 * One run: a policy chooses workers for the requests of one traffic, the schedulers of the simulated engine serve them, and virtual
 * time passes. The policy is driven as the data plane drives it: through Selection, with commit, first token and end of each attempt.
 */
import { LoadTable } from '../base/core/load.ts';
import type { Rng } from '../base/core/rng.ts';
import type { WorkerIndex } from '../base/core/worker.ts';
import type { Choice, PoolPolicy } from '../router/policy/contract.ts';
import { Selection } from '../router/proxy/dispatch/selection.ts';
import type { Generation, GenerationSink, GenerationSpec } from '../sim/scheduling/generation.ts';
import type { SchedulerSettings } from '../sim/scheduling/scheduler.ts';
import { SimulatedFleet } from './fleet.ts';
import { meanOf, quantileOf, type RunMeasures, TimeCounts } from './measures.ts';
import { PromptText } from './prompt-text.ts';
import type { Conversation, Traffic, Turn } from './traffic/traffic.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface SimulationSettings {
  readonly engine: SchedulerSettings;
  readonly workers: number;
  /** Answers count their tokens, as with `include_usage`. */
  readonly usage: boolean;
}

const NO_HEADERS = { find: (): undefined => undefined };
const UNCOUNTED = { value: 0 };
const OK = { kind: 'ok', status: 200 } as const;
const SPEC: Omit<GenerationSpec, 'prompt' | 'maxNewTokens'> = {
  index: 0,
  rid: '',
  minNewTokens: 0,
  stop: [],
  stopTokenIds: [],
  keepStop: false,
  ignoreEos: true,
  returnLogprob: false,
  logprobStart: -1,
  sample: 0,
  pair: null,
  rank: 0,
};

export class Simulation {
  readonly #clock = new VirtualClock();
  readonly #load = new LoadTable();
  readonly #fleet: SimulatedFleet;
  readonly #selection: Selection;
  readonly #chooser: PoolPolicy;
  readonly #usage: boolean;
  readonly #ttfts: number[] = [];
  readonly #e2es: number[] = [];
  readonly #itls = new TimeCounts();
  #promptTokens = 0;
  #cachedTokens = 0;

  constructor(traffic: Traffic, policy: PoolPolicy, rng: Rng, { engine, workers, usage }: SimulationSettings) {
    this.#fleet = new SimulatedFleet(engine, this.#clock, this.#load);
    this.#selection = new Selection(policy, 'regular', this.#load, rng, () => () => UNCOUNTED);
    this.#chooser = policy;
    this.#usage = usage;
    this.#fleet.cell.subscribe(this.#selection);
    for (let i = 0; i < workers; i++) this.#fleet.join();
    for (const change of traffic.changes) {
      this.#clock.after(change.atMs, () => (change.what === 'join' ? this.#fleet.join() : this.#fleet.leave(change.worker)));
    }
    this.#start(traffic.conversations, 0);
  }

  /** Runs until every request has ended. */
  run(): RunMeasures {
    while (this.#clock.step());
    const busyMs = this.#fleet.schedulers.map(({ counters }) => counters.prefillBusyMs);
    return {
      requests: this.#ttfts.length,
      ttftP50: quantileOf(this.#ttfts, 0.5) / 1000,
      ttftP99: quantileOf(this.#ttfts, 0.99) / 1000,
      ttftMean: meanOf(this.#ttfts) / 1000,
      itlP50: this.#itls.quantile(0.5) / 1000,
      itlP99: this.#itls.quantile(0.99) / 1000,
      e2eP50: quantileOf(this.#e2es, 0.5) / 1000,
      e2eP99: quantileOf(this.#e2es, 0.99) / 1000,
      hits: this.#promptTokens === 0 ? 0 : this.#cachedTokens / this.#promptTokens,
      imbalance: Math.max(...busyMs) / Math.max(meanOf(busyMs), 1e-9),
    };
  }

  /** Conversations begin one after the other, so that the heap of timers stays small. */
  #start(conversations: readonly Conversation[], next: number): void {
    const conversation = conversations[next];
    if (conversation === undefined) return;
    this.#clock.after(conversation.atMs - this.#clock.nowMs(), () => {
      this.#start(conversations, next + 1);
      this.#turn(conversation.turns, 0, new PromptText());
    });
  }

  #turn(turns: readonly Turn[], at: number, text: PromptText): void {
    const turn = turns[at];
    if (turn === undefined) return;
    text.ask(turn.pieces);
    const choice = this.#selection.choose(text, NO_HEADERS, this.#clock.nowMs());
    if (choice.worker < 0) return;
    this.#selection.commit(choice);
    this.#load.acquire(choice.worker);
    const request = new Request(this, choice, this.#clock.nowMs(), (answer) => {
      const following = turns[at + 1];
      if (following === undefined) return;
      text.answer(answer);
      this.#clock.after(following.afterMs, () => this.#turn(turns, at + 1, text));
    });
    const scheduler = this.#fleet.schedulers[choice.worker]!;
    scheduler.submit({ ...SPEC, prompt: text.tokens(), maxNewTokens: Math.max(1, turn.answerTokens) }, request);
    scheduler.wake();
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  firstToken(choice: Choice, startMs: number): void {
    this.#ttfts.push(this.nowMs - startMs);
    this.#chooser.policy.firstToken?.(this.#chooser.state, choice, this.nowMs);
  }

  token(gapMs: number): void {
    this.#itls.add(gapMs);
  }

  ended(choice: Choice, startMs: number, { promptTokens, cachedTokens, outputIds }: Generation): void {
    this.#e2es.push(this.nowMs - startMs);
    this.#promptTokens += promptTokens;
    this.#cachedTokens += cachedTokens;
    this.#release(choice.worker);
    const usage = this.#usage ? { promptTokens, cachedTokens, completionTokens: outputIds.length } : null;
    this.#chooser.policy.settled?.(this.#chooser.state, choice, { outcome: OK, usage, nowMs: this.nowMs });
  }

  #release(worker: WorkerIndex): void {
    this.#load.release(worker);
  }
}

/** One request in a simulated engine. */
class Request implements GenerationSink {
  readonly #simulation: Simulation;
  readonly #choice: Choice;
  readonly #startMs: number;
  readonly #answered: (ids: readonly number[]) => void;
  #lastMs = 0;

  constructor(simulation: Simulation, choice: Choice, startMs: number, answered: (ids: readonly number[]) => void) {
    this.#simulation = simulation;
    this.#choice = choice;
    this.#startMs = startMs;
    this.#answered = answered;
  }

  advanced(): void {
    const { nowMs } = this.#simulation;
    if (this.#lastMs === 0) this.#simulation.firstToken(this.#choice, this.#startMs);
    else this.#simulation.token(nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  ended(generation: Generation): void {
    this.advanced();
    this.#simulation.ended(this.#choice, this.#startMs, generation);
    this.#answered(generation.outputIds);
  }
}
