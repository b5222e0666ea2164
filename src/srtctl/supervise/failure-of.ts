/** Makes a failure of what is known at the moment when it happens. */
import type { Failure } from './first-failure.ts';
import type { ProcessRecord } from './process-record.ts';
import { knownErrorsOf } from './report.ts';
import type { RunOutcome } from './run-directory.ts';

export interface FailureParts {
  readonly outcome: RunOutcome;
  readonly summary: string;
  readonly kind: Failure['kind'];
  readonly node?: string;
  readonly record?: ProcessRecord;
}

export function failureOf({ outcome, summary, kind, node, record }: FailureParts, nowMs: number): Failure {
  return {
    atMs: nowMs,
    outcome,
    summary,
    kind,
    process: record?.id ?? null,
    node: node ?? record?.planned.node ?? null,
    namesCause: record !== undefined && knownErrorsOf(record).some((known) => known.kind === 'cause'),
    lastLines: [...(record?.tail ?? [])],
    violent: record?.end != null && record.end.code !== 0,
  };
}
