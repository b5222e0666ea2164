/** One simulated engine without its sockets: schedulers, faults, counters and the state that the health paths report. */
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

/** Version of the real engine whose answers are copied. */
export const SGLANG_VERSION = '0.5.23';

/**
 *   starting --warm--> ready --SIGTERM--> draining --last request done--> (gone)
 *       any --deadly request, die fault--> dead
 *
 * Beside it stand three facts: generation is paused (`pause`), the schedulers are frozen (`link`), the last health check failed
 * (`isUnhealthy`).
 */
export type EngineState = 'starting' | 'ready' | 'draining' | 'dead';

/** What a prefill engine knows of its pairs beside its requests. */
export interface RoomStats {
  /** Of the last transfer. */
  readonly transferMs: number;
  readonly transferBytes: number;
  /** Rooms with somebody in them, and decode halves whose prefill has not come. */
  readonly rooms: number;
  readonly waitingPartners: number;
}
const NO_ROOMS: RoomStats = { transferMs: 0, transferBytes: 0, rooms: 0, waitingPartners: 0 };

/** A generating request that has not been answered. */
export interface OpenJob {
  /** Of its generations, also before the schedulers have them. */
  readonly rids: readonly string[];
  readonly generations: readonly Generation[];
}

export class Engine {
  readonly options: SimOptions;
  readonly clock: Clock;
  readonly rng: Rng;
  /** One for each data-parallel rank: each has a queue, a KV memory and a prefix cache of its own. */
  readonly schedulers: readonly Scheduler[];
  readonly faults: FaultList;
  readonly traffic: Traffic = new Traffic();
  /** Generating requests that have not been answered. */
  readonly jobs: Set<OpenJob> = new Set();
  readonly startedWallMs: number;
  state: EngineState = 'starting';
  readonly pause: GenerationPause;
  readonly link: SchedulerLink = new SchedulerLink();
  /** A health check failed, and none has passed since. Nothing else changes it: not a request that succeeds, not the end of a pause. */
  isUnhealthy = false;
  /** Set by whoever owns the sockets: the engine process is gone. */
  onDeath: () => void = () => {};
  /** Set by whoever owns the sockets: a job ended. */
  onJobEnd: () => void = () => {};
  /** Set by whoever owns the sockets. */
  roomStats: () => RoomStats = () => NO_ROOMS;
  /** Set by whoever owns the sockets: writes a line to the log. */
  log: (text: string) => void = () => {};
  /** Set by whoever owns the sockets: take no connections for so long. */
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
    // A decode engine has no prefix cache of its own: what it knows came from its partners.
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

  /** That of the first rank: what is the same for all may be read here, and all there is of an engine with one. */
  get scheduler(): Scheduler {
    return this.schedulers[0]!; // There is at least one rank.
  }

  /** The one that has this request. */
  schedulerOf({ spec }: Generation): Scheduler {
    return this.schedulerAt(spec.rank);
  }

  schedulerAt(rank: number): Scheduler {
    const scheduler = this.schedulers[rank];
    if (scheduler === undefined) throw new RangeError(`rank ${rank} of ${this.schedulers.length}`);
    return scheduler;
  }

  /** Of all ranks together. */
  sum(of: (scheduler: Scheduler) => number): number {
    return this.schedulers.reduce((total, scheduler) => total + of(scheduler), 0);
  }

  /** Lets all ranks begin with what they have got. */
  wake(): void {
    for (const scheduler of this.schedulers) scheduler.wake();
  }

  /** Seconds since the epoch of a time of the engine's clock. */
  wallSec(ms: number): number {
    return (ms + this.#wallOffsetMs) / 1000;
  }

  /** Whole seconds since the epoch, now. */
  nowSec(): number {
    return Math.floor(this.clock.wallMs() / 1000);
  }

  /** Time of the engine as a delay on its clock. */
  scaled(ms: number): number {
    return ms / this.options.speedup;
  }

  /** The data-parallel rank for a request that asks for none: of a prefill engine the room's, else one after the other. */
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

  /** Whether a router should send new requests: what GET /ready answers. The schedulers are not asked. */
  get isReady(): boolean {
    return this.state === 'ready' && !this.isUnhealthy && !this.pause.isOn;
  }

  /** Whether a request that generates would get an answer now. */
  get isResponsive(): boolean {
    return this.state !== 'dead' && !this.link.isFrozen && !this.pause.isOn;
  }

  /** Requests that have not been answered, held ones included. */
  get openRequests(): number {
    return this.jobs.size + this.pause.heldRequests;
  }

  /** Ends the generations whose id `isMeant` accepts, as POST /abort_request does. */
  abortJobs(isMeant: (rid: string) => boolean): void {
    this.link.send(() => {
      for (const job of [...this.jobs])
        for (const generation of [...job.generations]) if (isMeant(generation.spec.rid)) this.schedulerOf(generation).cancel(generation);
    });
  }

  /** Sends a message to the scheduler that has `generation`. */
  tell(generation: Generation, message: (scheduler: Scheduler) => void): void {
    this.link.send(() => message(this.schedulerOf(generation)));
  }

  #tellSchedulers(message: (scheduler: Scheduler) => void): void {
    this.link.send(() => {
      for (const scheduler of this.schedulers) message(scheduler);
    });
  }

  /** The schedulers stop, as after SIGSTOP; the HTTP process does not notice. */
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

  /** Removes one rule, or all. The schedulers run again when no `freeze` is left. */
  removeFaults(id: number | null = null): void {
    this.faults.remove(id);
    if (!this.faults.has('freeze')) this.thaw();
  }

  /** The schedulers die at once; the process follows after `--deadly-secs`. */
  die(afterMs: number): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    for (const scheduler of this.schedulers) scheduler.die();
    if (afterMs <= 0) this.onDeath();
    else this.clock.after(afterMs, () => this.onDeath());
  }
}
