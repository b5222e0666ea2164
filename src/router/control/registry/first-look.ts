/** Waits at the start until the first probe of every worker has ended, so that the first request finds those that are up. */
import type { Clock } from '../../../base/core/clock.ts';
import { isEligible } from './eligibility.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerRecord } from './worker-record.ts';
import type { WorkerEvent } from './worker-state.ts';

export class FirstLook implements WorkerObserver {
  readonly #clock: Clock;
  /** Registered workers whose first probe has not ended, or whose ranks are awaited. */
  readonly #unseen = new Set<WorkerRecord>();
  #allSeen: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when every worker has been seen, up or not, and at the latest after `limitMs`. One call at a time. */
  async wait(limitMs: number): Promise<void> {
    if (this.#unseen.size === 0) return;
    await new Promise<void>((resolve) => {
      const limit = this.#clock.after(limitMs, resolve);
      this.#allSeen = () => {
        limit.cancel();
        resolve();
      };
    });
    this.#allSeen = null;
  }

  /** Ends the wait. */
  stop(): void {
    this.#unseen.clear();
    this.#allSeen?.();
  }

  workerAdded(record: WorkerRecord): void {
    this.#unseen.add(record);
  }

  workerRemoved(record: WorkerRecord): void {
    this.#seen(record);
  }

  probeEnded(record: WorkerRecord, event: WorkerEvent): void {
    // A worker that is up still has to report its ranks.
    if (event !== 'probe-passed' || record.state.areRanksKnown) this.#seen(record);
  }

  phaseChanged(record: WorkerRecord): void {
    if (isEligible(record)) this.#seen(record);
  }

  ranksMissing(record: WorkerRecord): void {
    this.#seen(record);
  }

  #seen(record: WorkerRecord): void {
    if (this.#unseen.delete(record) && this.#unseen.size === 0) this.#allSeen?.();
  }
}
