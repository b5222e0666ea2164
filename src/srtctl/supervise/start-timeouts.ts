/** One idle time-out for each worker or service that is starting. The ranks of a worker share one: a rank may be busy for the others. */
import { TIERS } from '../plan/plan.ts';
import { IdleTimeout, type IdleTimeoutRules, SERVICE_IDLE, WORKER_IDLE } from './idle-timeout.ts';
import type { ProcessRecord } from './process-record.ts';

export interface LateProcess {
  readonly record: ProcessRecord;
  /** Why the wait is over. */
  readonly why: string;
}

export class StartTimeouts {
  readonly #timeouts = new Map<string, IdleTimeout>();

  /** `limitMs`: upper bound of the wait, a point in time. */
  begin(record: ProcessRecord, nowMs: number, limitMs: number): void {
    const key = keyOf(record);
    if (!this.#timeouts.has(key)) this.#timeouts.set(key, new IdleTimeout(rulesFor(record), nowMs, limitMs));
  }

  line(record: ProcessRecord, text: string, nowMs: number): void {
    if (record.state === 'starting' || record.planned.rank > 0) this.#timeouts.get(keyOf(record))?.line(text, nowMs);
  }

  sign(record: ProcessRecord, nowMs: number): void {
    this.#timeouts.get(keyOf(record))?.sign(nowMs);
  }

  /** When the first of them is late, unless it gives a sign of life. */
  deadlineMs(records: readonly ProcessRecord[]): number {
    return Math.min(...records.map((record) => this.#timeouts.get(keyOf(record))?.deadlineMs ?? Number.POSITIVE_INFINITY));
  }

  late(records: readonly ProcessRecord[], nowMs: number): LateProcess[] {
    return records.flatMap((record) => {
      const why = this.#timeouts.get(keyOf(record))?.over(nowMs) ?? null;
      return why === null ? [] : [{ record, why }];
    });
  }
}

function keyOf({ planned }: ProcessRecord): string {
  return `${planned.role} ${planned.worker}`;
}

function rulesFor({ planned }: ProcessRecord): IdleTimeoutRules {
  const { role, tier, ready } = planned;
  return tier === TIERS.workers || role === 'service' || ready.kind === 'done' || ready.kind === 'log' ? WORKER_IDLE : SERVICE_IDLE;
}
