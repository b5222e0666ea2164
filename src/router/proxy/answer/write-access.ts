/** From the record of a request to the fields of its access record. */
import type { Clock } from '../../../base/core/clock.ts';
import type { AccessLog } from '../../telemetry/access-record.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import type { WriteRecord } from './accounts.ts';

export function writeAccess(log: AccessLog, clock: Clock): WriteRecord {
  return (record, durationMs) => {
    const isFailure = record.status === 0 || record.status >= 500 || record.errorCode !== '';
    if (log.wants(clock.nowMs(), isFailure)) log.write(fieldsOf(record, durationMs));
  };
}

function fieldsOf(record: RequestRecord, durationMs: number): Parameters<AccessLog['write']>[0] {
  return {
    requestId: record.requestId,
    method: record.head.method,
    path: record.head.path,
    status: record.status,
    worker: record.worker === '' ? null : record.worker,
    ...(record.prefillWorker === '' ? {} : { prefillWorker: record.prefillWorker }),
    model: record.model === '' ? null : record.model,
    durationMs,
    ttftMs: record.ttftMs < 0 ? null : record.ttftMs,
    ...(record.queuedMs === 0 ? {} : { queuedMs: record.queuedMs }),
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    outcome: record.errorCode === '' ? record.outcome : record.errorCode,
    streamedBody: record.streamedBody,
  };
}
