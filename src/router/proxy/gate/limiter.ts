/**
 * A limit that requests wait behind: the tickets, the deadlines of their queues and what is counted of them, around the pure scheduler.
 * A slot that comes back is given on at the end of the turn, so that the answer which frees it leaves first.
 *
 *   Place:  new --take--> open --release--> over
 *             |            ^---the slot is given on
 *             |--take--> waiting --its time is over--> over: refused
 *             |             '--release (the client left)--> over
 *             '--take, the queue is full--> over: refused
 */
import type { Clock } from '../../../base/core/clock.ts';
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { EndOfTurn, EndOfTurnTask } from '../../../base/runtime/end-of-turn.ts';
import { Deadline, type TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import type { Route, RouteKind } from '../routing/routes.ts';
import type { Refusal, Taken, Ticket, TicketHolder } from './gate.ts';
import { RecentMean } from './recent-mean.ts';
import { type ClassRules, type Entry, SlotScheduler } from './slot-scheduler.ts';
import { TokenBucket } from './token-bucket.ts';

/** Requests that begin in one turn of the event loop when many slots come free at once: further ones begin in the next turn. */
const MOST_PER_TURN = 64;
/** Bounds of Retry-After, seconds. */
const LEAST_RETRY_AFTER = 1;
const MOST_RETRY_AFTER = 600;

/** Requests that make workers compute. What the router answers itself, and what any worker knows of itself, never waits. */
const COUNTED: ReadonlySet<RouteKind> = new Set(['policy', 'every']);

export function isCounted({ kind }: Route): boolean {
  return COUNTED.has(kind);
}

/** What becomes of the requests of one class. */
export interface AdmissionCounts {
  /** `waitedMs`: 0 for a request that found a free slot. `isLent`: it has one that higher classes keep for themselves. */
  admitted(waitedMs: number, isLent: boolean): void;
  full(): void;
  late(waitedMs: number): void;
  /** Its client left while it waited. */
  left(waitedMs: number): void;
}

export interface LimiterClass extends ClassRules {
  readonly counts: AdmissionCounts;
  /** What a request is told that finds the queue full: 429. */
  readonly full: { readonly code: ErrorCode; readonly message: string };
  /** What it is told when its time is over: 408. */
  readonly late: { readonly code: ErrorCode; readonly message: string };
}

export interface LimiterParts {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
}

export class Limiter implements EndOfTurnTask {
  #classes: readonly LimiterClass[];
  readonly #parts: LimiterParts;
  readonly #scheduler: SlotScheduler<Place>;
  #bucket: TokenBucket | null;
  readonly #deadline: Deadline = new Deadline(() => this.#run());
  /** How long slots are held, milliseconds. */
  readonly #held = new RecentMean();
  /** When the first slot was given; null: none has been. */
  #firstMs: number | null = null;
  #isSet = false;
  #isRunning = false;

  /** `slots`: infinite where only the rate is limited. `classes`: by rank, highest first. */
  constructor(classes: readonly LimiterClass[], slots: number, bucket: TokenBucket | null, parts: LimiterParts) {
    this.#classes = classes;
    this.#parts = parts;
    this.#bucket = bucket;
    this.#scheduler = new SlotScheduler<Place>(classes, slots, bucket);
  }

  ticket(rank: number): Ticket {
    return new Place(this, rank);
  }

  /** Another number of slots, and what each class keeps of them. Nobody loses a slot. */
  resize(slots: number, reserved: readonly number[]): void {
    this.#scheduler.resize(slots, reserved);
    this.#arrange(this.#parts.clock.nowMs());
  }

  /**
   * Other rules for the same classes. Who waits keeps its place and its time of arrival. `requestsPerSecond`: null: any number.
   */
  configure(classes: readonly LimiterClass[], requestsPerSecond: number | null): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#classes = classes;
    if (requestsPerSecond === null) this.#bucket = null;
    else if (this.#bucket === null) this.#bucket = new TokenBucket(requestsPerSecond, nowMs);
    else this.#bucket.setRate(requestsPerSecond, nowMs);
    this.#scheduler.setRules(classes, this.#bucket);
  }

  get slots(): number {
    return this.#scheduler.slots;
  }

  /** Slots in use by requests of one class. */
  inUse(rank: number): number {
    return this.#scheduler.inUse(rank);
  }

  waiting(rank: number): number {
    return this.#scheduler.waiting(rank);
  }

  /** Asks for a slot for `place`. */
  enter(place: Place): Taken {
    const nowMs = this.#parts.clock.nowMs();
    const entered = this.#scheduler.enter(place, nowMs);
    const rules = this.#classes[place.rank]!;
    if (entered === 'full') {
      rules.counts.full();
      return this.#refusal(rules.full, place.rank, nowMs);
    }
    if (entered === 'open') {
      this.#opened(place, nowMs);
      return 'open';
    }
    this.#arrange(nowMs);
    return 'waits';
  }

  /** A place that waits is given up. */
  leave(place: Place): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#scheduler.leave(place);
    this.#classes[place.rank]!.counts.left(nowMs - place.enteredMs);
    this.#arrange(nowMs);
  }

  /** The slot of an open place comes back. */
  giveBack(place: Place): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#scheduler.release(place);
    this.#held.add(nowMs - place.openedMs);
    this.#arrange(nowMs);
  }

  endOfTurn(): void {
    this.#isSet = false;
    this.#run();
  }

  /** Gives slots to those whose turn it is, and refuses those whose time is over. */
  #run(): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#isRunning = true;
    for (let place = this.#scheduler.nextLate(nowMs); place !== null; place = this.#scheduler.nextLate(nowMs)) {
      const { late, counts } = this.#classes[place.rank]!;
      counts.late(nowMs - place.enteredMs);
      place.refused(this.#refusal(late, place.rank, nowMs));
    }
    for (let count = 0; count < MOST_PER_TURN; count++) {
      const place = this.#scheduler.next(nowMs);
      if (place === null) break;
      this.#opened(place, nowMs);
      place.opened();
    }
    this.#isRunning = false;
    this.#arrange(nowMs);
  }

  #opened(place: Place, nowMs: number): void {
    place.openedMs = nowMs;
    this.#firstMs ??= nowMs;
    this.#classes[place.rank]!.counts.admitted(nowMs - place.enteredMs, place.isLent);
  }

  /** Sees to it that `#run` is called when something is due. */
  #arrange(nowMs: number): void {
    if (this.#isRunning || this.#isSet) return;
    const { wheel, endOfTurn } = this.#parts;
    const dueMs = this.#scheduler.dueMs(nowMs);
    if (dueMs <= nowMs) {
      this.#isSet = true;
      wheel.cancel(this.#deadline);
      endOfTurn.add(this);
    } else if (dueMs === Number.POSITIVE_INFINITY) wheel.cancel(this.#deadline);
    else wheel.arm(this.#deadline, dueMs - nowMs);
  }

  #refusal({ code, message }: LimiterClass['full'], rank: number, nowMs: number): Refusal {
    return { code, message, headers: { 'retry-after': String(this.#retryAfter(rank, nowMs)) } };
  }

  /**
   * Seconds until a request that came now would get its turn: those ahead of it, each for as long as slots were held lately, on all slots; not
   * before there are tokens for all of them. At most the time after which all who wait now are gone.
   */
  #retryAfter(rank: number, nowMs: number): number {
    let ahead = 1;
    for (let other = 0; other <= rank; other++) ahead += this.#scheduler.waiting(other);
    const heldMs = this.#held.get() ?? nowMs - (this.#firstMs ?? nowMs);
    const byTokens = this.#bucket?.waitMs(nowMs, ahead) ?? 0;
    const waitMs = Math.max((heldMs * ahead) / Math.max(1, this.#scheduler.slots), byTokens);
    const { queueSize, queueTimeoutMs } = this.#classes[rank]!;
    const mostMs = queueSize > 0 ? queueTimeoutMs : MOST_RETRY_AFTER * 1000;
    return Math.min(MOST_RETRY_AFTER, Math.max(LEAST_RETRY_AFTER, Math.ceil(Math.min(waitMs, mostMs) / 1000)));
  }
}

/** The place of one request. */
class Place implements Ticket, Entry<Place> {
  readonly rank: number;
  enteredMs = 0;
  isLent = false;
  openedMs = 0;
  previous: Place | null = null;
  next: Place | null = null;
  isListed = false;
  readonly #limiter: Limiter;
  #state: 'new' | 'waiting' | 'open' | 'over' = 'new';
  #holder: TicketHolder | null = null;

  constructor(limiter: Limiter, rank: number) {
    this.#limiter = limiter;
    this.rank = rank;
  }

  take(holder: TicketHolder): Taken {
    const taken = this.#limiter.enter(this);
    if (taken === 'open') this.#state = 'open';
    else if (taken === 'waits') {
      this.#state = 'waiting';
      this.#holder = holder;
    } else this.#state = 'over';
    return taken;
  }

  release(): void {
    const state = this.#state;
    this.#state = 'over';
    this.#holder = null;
    if (state === 'open') this.#limiter.giveBack(this);
    else if (state === 'waiting') this.#limiter.leave(this);
  }

  /** It got its slot after a wait. */
  opened(): void {
    const holder = this.#holder;
    this.#holder = null;
    this.#state = 'open';
    holder?.admitted();
  }

  refused(refusal: Refusal): void {
    const holder = this.#holder;
    this.#holder = null;
    this.#state = 'over';
    holder?.refused(refusal);
  }
}
