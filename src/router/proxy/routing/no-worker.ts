/** Why no worker of a type can take a request, for the client. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { FleetSnapshot } from '../../../base/core/fleet.ts';
import type { WorkerType } from '../../../base/core/worker.ts';

export interface NoWorker {
  readonly code: ErrorCode;
  readonly message: string;
}

export function noWorker({ workers }: FleetSnapshot, type: WorkerType): NoWorker {
  const what = type === 'regular' ? 'worker' : `${type} worker`;
  if (!workers.some((worker) => worker?.type === type)) return { code: 'no_workers', message: `no ${what} is registered` };
  return { code: 'no_available_workers', message: `no ${what} can take requests now: all are down, starting or leaving` };
}
