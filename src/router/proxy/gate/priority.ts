/**
 * Shares the slots of the workers among classes of requests: --priority-scheduler-enabled. The header field names the class, up to a ceiling.
 * It stands in for the limit of concurrency.ts.
 */

import type { FleetListener, FleetSnapshot } from '../../../base/core/fleet.ts';
import type { WorkerType } from '../../../base/core/worker.ts';
import { fleetSlots } from './fleet-slots.ts';
import type { Check } from './gate.ts';
import { type AdmissionCounts, isCounted, Limiter, type LimiterClass, type LimiterParts } from './limiter.ts';
import { type ReservationRules, reservedSlots } from './reservations.ts';
import type { ClassRules } from './slot-scheduler.ts';
import { TokenBucket } from './token-bucket.ts';

/** Source: smg. */
const FIELD = 'x-smg-priority';

export interface PriorityClassSettings extends ClassRules, ReservationRules {
  /** As the header field names it. */
  readonly name: string;
}

export interface PrioritySettings {
  /** Highest first. */
  readonly classes: readonly PriorityClassSettings[];
  /** The highest class that a request can have. */
  readonly ceiling: string;
  /** The class of requests that name none, or one that is not known. */
  readonly standard: string;
  /** Requests that may begin in a second; null: any number. */
  readonly requestsPerSecond: number | null;
  /** Slots; null: as many as the workers report. */
  readonly maxRequests: number | null;
}

/** What is counted of all classes together. */
export interface PriorityCounts {
  of(className: string): AdmissionCounts;
  /** A request named a class above the ceiling. */
  clamped(named: string, className: string): void;
  /** A request named a class that does not exist. */
  unknown(): void;
}

export class Priority implements FleetListener {
  #settings: PrioritySettings;
  readonly #counts: PriorityCounts;
  readonly #workers: WorkerType;
  readonly #limiter: Limiter;
  /** By rank. */
  readonly #countsOf: readonly AdmissionCounts[];
  #ceiling = 0;
  #standard = 0;

  /** `workers`: those that run requests to their end. */
  constructor(settings: PrioritySettings, workers: WorkerType, fleet: FleetSnapshot, counts: PriorityCounts, parts: LimiterParts) {
    const { classes, requestsPerSecond } = settings;
    this.#workers = workers;
    this.#settings = settings;
    this.#counts = counts;
    this.#countsOf = classes.map(({ name }) => counts.of(name));
    this.#rank(settings);
    const bucket = requestsPerSecond === null ? null : new TokenBucket(requestsPerSecond, parts.clock.nowMs());
    this.#limiter = new Limiter(this.#limited(settings), 0, bucket, parts);
    this.snapshotChanged(fleet);
  }

  /** Other rules for the same classes from now on. */
  configure(settings: PrioritySettings, fleet: FleetSnapshot): void {
    this.#settings = settings;
    this.#rank(settings);
    this.#limiter.configure(this.#limited(settings), settings.requestsPerSecond);
    const slots = settings.maxRequests ?? fleetSlots(fleet, this.#workers);
    this.#limiter.resize(slots, reservedSlots(settings.classes, slots));
  }

  #rank({ classes, ceiling, standard }: PrioritySettings): void {
    this.#ceiling = rankOf(classes, ceiling);
    this.#standard = Math.max(rankOf(classes, standard), this.#ceiling);
  }

  #limited({ classes }: PrioritySettings): readonly LimiterClass[] {
    return classes.map((each, rank) => ({
      ...each,
      // A reload changes the rules of the classes, never the classes.
      counts: this.#countsOf[rank]!,
      full: { code: 'scheduler_queue_full', message: `as many requests of class ${each.name} wait as may: ${each.queueSize}` },
      late: {
        code: 'scheduler_queue_timeout',
        message: `the request, of class ${each.name}, has waited for ${each.queueTimeoutMs / 1000} s and its turn has not come`,
      },
    }));
  }

  readonly check: Check = ({ route, head }) => (isCounted(route) ? this.#limiter.ticket(this.#rankOf(head.find(FIELD))) : null);

  snapshotChanged(fleet: FleetSnapshot): void {
    const slots = this.#settings.maxRequests ?? fleetSlots(fleet, this.#workers);
    if (slots !== this.slots) this.#limiter.resize(slots, reservedSlots(this.#settings.classes, slots));
  }

  get slots(): number {
    return this.#limiter.slots;
  }

  /** Requests under way of the class with this rank. */
  inUse(rank: number): number {
    return this.#limiter.inUse(rank);
  }

  waiting(rank: number): number {
    return this.#limiter.waiting(rank);
  }

  #rankOf(value: string | undefined): number {
    if (value === undefined) return this.#standard;
    const { classes } = this.#settings;
    const named = rankOf(classes, value.trim().toLowerCase());
    if (named < 0) {
      this.#counts.unknown();
      return this.#standard;
    }
    if (named >= this.#ceiling) return named;
    this.#counts.clamped(classes[named]!.name, classes[this.#ceiling]!.name);
    return this.#ceiling;
  }
}

function rankOf(classes: readonly PriorityClassSettings[], name: string): number {
  return classes.findIndex((each) => each.name === name);
}
