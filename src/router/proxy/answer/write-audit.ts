/** One line in the log for each request to the control API: who did what, and what came of it. For --control-plane-audit-enabled. */
import type { Logger } from '../../../base/core/logger.ts';
import type { WriteRecord } from './accounts.ts';

/** Longest path in a line. */
const MAX_PATH_CHARS = 256;

export function writeAudit(logger: Logger, write: WriteRecord): WriteRecord {
  return (record, durationMs) => {
    write(record, durationMs);
    if (record.route.local?.access !== 'control') return;
    const { requestId, principal, head, status, errorCode } = record;
    logger.info(
      {
        principal: principal === '' ? null : principal,
        method: head.method,
        path: head.path.slice(0, MAX_PATH_CHARS),
        status,
        result: status >= 200 && status < 400 ? 'allowed' : errorCode === 'unauthorized' || errorCode === 'forbidden' ? 'denied' : 'failed',
        request_id: requestId,
      },
      'audit',
    );
  };
}
