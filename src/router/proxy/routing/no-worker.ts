/** Why no worker of a type can take a request, for the client. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import { type FleetSnapshot, LOAD_POLL_SECS } from '../../../base/core/fleet.ts';
import type { WorkerType } from '../../../base/core/worker.ts';

export interface NoWorker {
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: ErrorCode;
  readonly message: string;
}

export function noWorker({ workers, overloaded }: FleetSnapshot, type: WorkerType): NoWorker {
  const what = type === 'regular' ? 'worker' : `${type} worker`;
  if (!workers.some((worker) => worker?.type === type)) return { code: 'no_workers', message: `no ${what} is registered` };
  if (overloaded[type] > 0) {
    const message = `every ${what} has as much to do as --worker-overload-waiting-requests or --worker-overload-token-usage allows`;
    return { code: 'worker_overload_protection_shed', message, headers: { 'retry-after': String(LOAD_POLL_SECS) } };
  }
  return { code: 'no_available_workers', message: `no ${what} can take requests now: all are down, starting or leaving` };
}
