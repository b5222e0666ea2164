/** The patience with every worker and service that is being started. Ranks of one worker share theirs: one is busy for the others. */
import { TIERS } from '../plan/plan.ts';
import { Patience, type PatienceRules, SERVICE_PATIENCE, WORKER_PATIENCE } from './patience.ts';
import type { ProcessRecord } from './process-record.ts';

export interface LateProcess {
  readonly record: ProcessRecord;
  /** Why the wait is over. */
  readonly why: string;
}

export class Waits {
  readonly #patience = new Map<string, Patience>();

  /** `limitMs`: upper bound of the wait, a point in time. */
  begin(record: ProcessRecord, nowMs: number, limitMs: number): void {
    const key = keyOf(record);
    if (!this.#patience.has(key)) this.#patience.set(key, new Patience(rulesFor(record), nowMs, limitMs));
  }

  line(record: ProcessRecord, text: string, nowMs: number): void {
    if (record.state === 'starting' || record.planned.rank > 0) this.#patience.get(keyOf(record))?.line(text, nowMs);
  }

  sign(record: ProcessRecord, nowMs: number): void {
    this.#patience.get(keyOf(record))?.sign(nowMs);
  }

  /** When the first of them is late, unless it gives a sign of life. */
  deadlineMs(records: readonly ProcessRecord[]): number {
    return Math.min(...records.map((record) => this.#patience.get(keyOf(record))?.deadlineMs ?? Number.POSITIVE_INFINITY));
  }

  late(records: readonly ProcessRecord[], nowMs: number): LateProcess[] {
    return records.flatMap((record) => {
      const why = this.#patience.get(keyOf(record))?.over(nowMs) ?? null;
      return why === null ? [] : [{ record, why }];
    });
  }
}

function keyOf({ planned }: ProcessRecord): string {
  return `${planned.role} ${planned.worker}`;
}

function rulesFor({ planned }: ProcessRecord): PatienceRules {
  return planned.tier === TIERS.workers ? WORKER_PATIENCE : SERVICE_PATIENCE;
}
