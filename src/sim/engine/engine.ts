/** One simulated engine without its sockets: schedulers, faults, counters, and the state behind the health paths. */
import type { Clock } from '../../base/core/clock.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { Generation } from '../scheduling/generation.ts';
import { Scheduler } from '../scheduling/scheduler.ts';
import { type FaultKind, FaultList, type FaultRule } from './faults.ts';
import { GenerationPause } from './generation-pause.ts';
import type { SimOptions } from './options.ts';
import { rankOfRoom } from './rank-of-room.ts';
import { SchedulerLink } from './scheduler-link.ts';
import { Traffic } from './traffic.ts';

/** Version of the real engine that is simulated. */
export const SGLANG_VERSION = '0.5.23';

/**
 *   starting --warm--> ready --SIGTERM--> draining --last request done--> (gone)
 *       any --deadly request, die fault--> dead
 *
 * Independent of it: generation is paused (`pause`), the schedulers are frozen (`link`), the last health check failed
 * (`isUnhealthy`).
 */
export type EngineState = 'starting' | 'ready' | 'draining' | 'dead';

/** Figures of a prefill engine about its pairs. */
export interface RoomStats {
  /** Of the last transfer. */
  readonly transferMs: number;
  readonly transferBytes: number;
  /** Rooms in use, and decode halves whose prefill half has not arrived. */
  readonly rooms: number;
  readonly waitingPartners: number;
}
const NO_ROOMS: RoomStats = { transferMs: 0, transferBytes: 0, rooms: 0, waitingPartners: 0 };

/** A request that generates and is not answered yet. */
export interface OpenJob {
  /** Ids of its generations, known before the schedulers have them. */
  readonly rids: readonly string[];
  readonly generations: readonly Generation[];
}

export class Engine {
  readonly options: SimOptions;
  readonly clock: Clock;
  readonly rng: Rng;
  /** One per data-parallel rank, each with its own queue, KV memory and prefix cache. */
  readonly schedulers: readonly Scheduler[];
  readonly faults: FaultList;
  readonly traffic: Traffic = new Traffic();
  /** Requests that generate and are not answered yet. */
  readonly jobs: Set<OpenJob> = new Set();
  readonly startedWallMs: number;
  state: EngineState = 'starting';
  readonly pause: GenerationPause;
  readonly link: SchedulerLink = new SchedulerLink();
  /** The last health check failed. Only a health check changes this flag: neither a request that succeeds nor the end of a pause resets it. */
  isUnhealthy = false;
  /** Set by the owner of the sockets. Called when the engine process ends. */
  onDeath: () => void = () => {};
  /** Set by the owner of the sockets. Called when a job has ended. */
  onJobEnd: () => void = () => {};
  /** Set by the owner of the sockets. */
  roomStats: () => RoomStats = () => NO_ROOMS;
  /** Set by the owner of the sockets. Writes a line to the log. */
  log: (text: string) => void = () => {};
  /** Set by the owner of the sockets. Refuses connections for `durationMs`. */
  onRefuse: (durationMs: number) => void = () => {};
  readonly #wallOffsetMs: number;
  #lastRank = -1;

  constructor(options: SimOptions, clock: Clock, rng: Rng) {
    this.options = options;
    this.clock = clock;
    this.rng = rng;
    this.startedWallMs = clock.wallMs();
    this.#wallOffsetMs = clock.wallMs() - clock.nowMs();
    this.faults = new FaultList(rng);
    const isDecode = options.disaggregationMode === 'decode';
    // A decode engine has no prefix cache: its KV comes from prefill engines.
    const chunkedPrefillSize = options.chunkedPrefillSize > 0 ? options.chunkedPrefillSize : Number.MAX_SAFE_INTEGER;
    const settings = { ...options, chunkedPrefillSize, radixCache: !options.disableRadixCache && !isDecode };
    this.schedulers = Array.from({ length: options.dpSize }, () => new Scheduler(settings, clock));
    this.pause = new GenerationPause({
      hasJobs: () => this.jobs.size > 0,
      abortJobs: () => this.abortJobs(() => true),
      pauseSchedulers: (retract) => this.#tellSchedulers((scheduler) => scheduler.pause(retract)),
      resumeSchedulers: () => this.#tellSchedulers((scheduler) => scheduler.resume()),
      afterSecond: (run) => void clock.after(this.scaled(1000), run),
    });
    const { prefillFailRate, disaggregationMode } = options;
    if (disaggregationMode === 'prefill' && prefillFailRate > 0)
      this.faults.add({ kind: 'abort', at: 'before-kv', probability: prefillFailRate });
  }

  /** The first rank: for values that all ranks share, and for engines with one rank. */
  get scheduler(): Scheduler {
    return this.schedulers[0]!; // There is at least one rank.
  }

  /** The scheduler that computes this request. */
  schedulerOf({ spec }: Generation): Scheduler {
    return this.schedulerAt(spec.rank);
  }

  schedulerAt(rank: number): Scheduler {
    const scheduler = this.schedulers[rank];
    if (scheduler === undefined) throw new RangeError(`rank ${rank} of ${this.schedulers.length}`);
    return scheduler;
  }

  /** Adds up a figure over all ranks. */
  sum(of: (scheduler: Scheduler) => number): number {
    return this.schedulers.reduce((total, scheduler) => total + of(scheduler), 0);
  }

  /** Starts a step on every rank that has work. */
  wake(): void {
    for (const scheduler of this.schedulers) scheduler.wake();
  }

  /** Seconds since the epoch of `ms` on the engine's clock. */
  wallSec(ms: number): number {
    return (ms + this.#wallOffsetMs) / 1000;
  }

  /** Whole seconds since the epoch, now. */
  nowSec(): number {
    return Math.floor(this.clock.wallMs() / 1000);
  }

  /** Engine time as a delay on the clock: divided by the speedup. */
  scaled(ms: number): number {
    return ms / this.options.speedup;
  }

  /** The data-parallel rank of a request that names none: the rank of its room on a prefill engine, else round robin. */
  nextRank(room: string | null): number {
    const { dpSize, disaggregationMode } = this.options;
    if (disaggregationMode === 'prefill' && room !== null) return rankOfRoom(room, dpSize);
    this.#lastRank = (this.#lastRank + 1) % dpSize;
    return this.#lastRank;
  }

  /** Like Python's `uuid4().hex`: 32 hex digits. */
  newId(): string {
    let id = '';
    for (let i = 0; i < 4; i++) id += this.rng.nextUint32().toString(16).padStart(8, '0');
    return id;
  }

  /** Whether GET /ready answers 200. The schedulers are not asked. */
  get isReady(): boolean {
    return this.state === 'ready' && !this.isUnhealthy && !this.pause.isOn;
  }

  /** Whether a request that generates is answered now. */
  get isResponsive(): boolean {
    return this.state !== 'dead' && !this.link.isFrozen && !this.pause.isOn;
  }

  /** Requests that are not answered yet, held ones included. */
  get openRequests(): number {
    return this.jobs.size + this.pause.heldRequests;
  }

  /** Aborts the generations whose id `isMeant` accepts, as POST /abort_request does. */
  abortJobs(isMeant: (rid: string) => boolean): void {
    this.link.send(() => {
      for (const job of [...this.jobs])
        for (const generation of [...job.generations]) if (isMeant(generation.spec.rid)) this.schedulerOf(generation).cancel(generation);
    });
  }

  /** Sends a message to the scheduler that computes `generation`. */
  tell(generation: Generation, message: (scheduler: Scheduler) => void): void {
    this.link.send(() => message(this.schedulerOf(generation)));
  }

  #tellSchedulers(message: (scheduler: Scheduler) => void): void {
    this.link.send(() => {
      for (const scheduler of this.schedulers) message(scheduler);
    });
  }

  /** Stops the schedulers, as SIGSTOP does. The HTTP process continues. */
  freeze(): void {
    if (this.link.isFrozen || this.state === 'dead') return;
    this.link.freeze();
    for (const scheduler of this.schedulers) scheduler.freeze();
  }

  thaw(): void {
    if (!this.link.isFrozen || this.state === 'dead') return;
    for (const scheduler of this.schedulers) scheduler.thaw();
    this.link.thaw();
  }

  /**
   * Adds a rule; `refuse`, `freeze` and `die` take effect now. Returns its id; throws a RangeError when there are too many.
   */
  addFault(rule: Partial<FaultRule> & { readonly kind: FaultKind }): number {
    const id = this.faults.add(rule);
    if (rule.kind === 'refuse') this.onRefuse(rule.durationMs ?? 1000);
    if (rule.kind === 'freeze') {
      this.freeze();
      if (rule.durationMs) this.clock.after(rule.durationMs, () => this.removeFaults(id));
    }
    if (rule.kind === 'die' && (rule.at ?? 'request') === 'request') this.die(0);
    return id;
  }

  /** Removes one rule, or all. The schedulers resume if no `freeze` is left. */
  removeFaults(id: number | null = null): void {
    this.faults.remove(id);
    if (!this.faults.has('freeze')) this.thaw();
  }

  /** Ends the schedulers at once, and the process after `afterMs`. */
  die(afterMs: number): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    for (const scheduler of this.schedulers) scheduler.die();
    if (afterMs <= 0) this.onDeath();
    else this.clock.after(afterMs, () => this.onDeath());
  }
}
