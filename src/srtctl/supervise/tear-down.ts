/**
 * Stops what runs, tier by tier from the top (benchmark, nginx, routers, workers, infrastructure), everything in a tier at once. Pure.
 *
 *   tier k: drain ──all ended──► tier k-1 ... ──► done
 *             └─ deadline ─► kill ──all ended, or nobody can be reached──► tier k-1
 *   hurry():  terminate to all tiers at once, HURRY_MS, kill     second hurry(): kill at once
 */
import { TIERS } from '../plan/plan.ts';
import { seconds } from './idle-timeout.ts';
import { endInWords, type ProcessRecord } from './process-record.ts';
import type { Effect } from './run-events.ts';
import { tell } from './run-events.ts';

/** From the signal that ends a process to the one that nobody survives, by tier. Routers finish requests; engines free their GPUs. */
export const GRACE_MS: Readonly<Record<number, number>> = {
  [TIERS.infrastructure]: 10_000,
  [TIERS.workers]: 20_000,
  [TIERS.routers]: 20_000,
  [TIERS.entrance]: 10_000,
  [TIERS.benchmark]: 15_000,
};
const DEFAULT_GRACE_MS = 10_000;
export const HURRY_MS = 1000;
/** After SIGKILL only a process in an uninterruptible sleep, or a node that is gone, takes longer. */
const UNREACHABLE_MS = 5000;

/** `detail` of a process that had to be killed. */
export const KILLED = 'killed';

export class TearDown {
  /** Tier that is being stopped; null: all at once, or none. */
  tier: number | null = null;
  isDone = false;
  deadlineMs: number = Number.POSITIVE_INFINITY;
  /** How each process that was told to stop ended, one sentence each. */
  readonly stopped: string[] = [];
  readonly #records: readonly ProcessRecord[];
  readonly #reported = new Set<string>();
  /** Killed at once: what does not answer cannot finish anything. */
  readonly #silent = new Set<string>();
  #hurries = 0;
  #waitedMs = 0;
  #killed = false;

  constructor(records: readonly ProcessRecord[]) {
    this.#records = records;
  }

  /** The caller tells the state, which is then that of the first tier. */
  begin(nowMs: number): Effect[] {
    return this.#next(nowMs).filter((effect) => effect.do !== 'tell' || effect.notice.type !== 'state');
  }

  /** A process has ended (its record says how). */
  ended(nowMs: number): Effect[] {
    return this.isDone ? [] : this.#advance(nowMs);
  }

  tick(nowMs: number): Effect[] {
    if (this.isDone || nowMs < this.deadlineMs) return [];
    if (!this.#killed) return this.#kill(nowMs);
    for (const record of this.#current()) this.#say(record, 'could not be killed: its node does not answer, or the kernel holds it');
    return this.#hurries > 0 ? this.#finish() : this.#next(nowMs);
  }

  hurry(nowMs: number): Effect[] {
    if (this.isDone) return [];
    this.#hurries++;
    this.tier = null;
    if (this.#hurries > 1) return this.#kill(nowMs);
    this.#killed = false;
    this.#waitedMs = HURRY_MS;
    this.deadlineMs = nowMs + HURRY_MS;
    return [...this.#signals('terminate'), ...this.#advance(nowMs)];
  }

  #next(nowMs: number): Effect[] {
    const living = this.#records.filter((record) => record.lives && !this.#reported.has(record.id));
    if (living.length === 0) return this.#finish();
    this.tier = Math.max(...living.map(({ planned }) => planned.tier));
    this.#killed = false;
    this.#waitedMs = GRACE_MS[this.tier] ?? DEFAULT_GRACE_MS;
    this.deadlineMs = nowMs + this.#waitedMs;
    const state = tell({ type: 'state', state: 'stopping', tier: this.tier, detail: null });
    // A benchmark is a command with children of its own choosing, and infrastructure has nothing to finish.
    const isShort = this.tier === TIERS.benchmark || this.tier <= TIERS.infrastructure;
    return [state, ...this.#signals(isShort ? 'terminate' : 'drain')];
  }

  #advance(nowMs: number): Effect[] {
    for (const record of this.#records) {
      if (record.state === 'ended' && !record.endedOnItsOwn && record.end !== null && record.startedAtMs !== null) {
        if (this.#silent.has(record.id)) this.#say(record, 'did not answer and was killed');
        this.#say(record, this.#killed ? `did not stop within ${seconds(this.#waitedMs)} and was killed` : endInWords(record.end));
      }
    }
    if (this.#current().length > 0) return [];
    return this.#hurries > 0 ? this.#finish() : this.#next(nowMs);
  }

  #kill(nowMs: number): Effect[] {
    this.#killed = true;
    this.deadlineMs = nowMs + UNREACHABLE_MS;
    return [...this.#signals('kill'), ...this.#advance(nowMs)];
  }

  #signals(how: 'drain' | 'terminate' | 'kill'): Effect[] {
    return this.#current().flatMap((record): Effect[] => {
      const isNew = record.state !== 'stopping';
      record.state = 'stopping';
      if (record.isSilent) this.#silent.add(record.id);
      const own = record.isSilent ? 'kill' : how;
      record.detail = own === 'kill' ? KILLED : null;
      return [{ do: 'signal', id: record.id, how: own }, ...(isNew || how === 'kill' ? [tell(record.notice())] : [])];
    });
  }

  #current(): ProcessRecord[] {
    return this.#records.filter(
      (record) => record.lives && !this.#reported.has(record.id) && (this.tier === null || record.planned.tier === this.tier),
    );
  }

  #finish(): Effect[] {
    this.isDone = true;
    this.tier = null;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    return [];
  }

  #say(record: ProcessRecord, how: string): void {
    if (this.#reported.has(record.id)) return;
    this.#reported.add(record.id);
    this.stopped.push(`${record.id} ${how}`);
  }
}
