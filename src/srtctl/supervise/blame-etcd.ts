/** Finds etcd to be the cause of deaths that look like everybody's own. Pure. */
import type { Failure } from './first-failure.ts';
import { LOST_ETCD } from './known-errors.ts';
import type { ProcessRecord } from './process-record.ts';
import { knownErrorsOf } from './report.ts';

/**
 * Dynamo processes that cannot reach etcd end one after the other, with status 0, also when etcd lives (stopped, starved, cut off).
 * `first` with etcd in the place of such a process; `first` itself when something else failed.
 */
export function blameEtcd(first: Failure, records: ReadonlyMap<string, ProcessRecord>): Failure {
  const record = first.process === null ? undefined : records.get(first.process);
  const etcd = [...records.values()].find(({ planned }) => planned.role === 'etcd');
  if (first.kind !== 'process' || record === undefined || etcd === undefined || !hasLostEtcd(record)) return first;
  const state = etcd.endedOnItsOwn ? 'had ended' : 'did not answer for longer than its lease';
  return {
    ...first,
    summary: `etcd on ${etcd.planned.node} ${state}, and what loses it ends by itself: ${first.summary}`,
    process: etcd.id,
    node: etcd.planned.node,
    lastLines: etcd.tail,
  };
}

function hasLostEtcd(record: ProcessRecord): boolean {
  return knownErrorsOf(record).some(({ name }) => name === LOST_ETCD);
}
