/** A worker as the control API shows it. Names and shape: sglang_router 0.3.2 (`WorkerInfo`). Keys are never shown. */
import type { LoadTable } from '../core/load.ts';
import type { JobStatus } from './registration.ts';
import type { WorkerRecord } from './worker-record.ts';

/** `job`: null once the worker has been ready; until then what it is stays "unknown". */
export function workerInfo(record: WorkerRecord, load: LoadTable, job: JobStatus | null): object {
  const { worker, facts, state } = record;
  const isRegistered = job === null;
  const metadata = { ...facts?.metadata, ...worker.labels };
  return {
    id: worker.id,
    url: worker.url,
    model_id: isRegistered ? worker.modelId : 'unknown',
    priority: worker.priority,
    cost: worker.cost,
    worker_type: isRegistered ? worker.type : 'unknown',
    is_healthy: state.phase === 'ready',
    load: load.inflight[worker.index] ?? 0,
    connection_mode: isRegistered ? 'HTTP' : 'unknown',
    ...(isRegistered && { runtime_type: 'sglang' }),
    ...(worker.bootstrapPort !== null && { bootstrap_port: worker.bootstrapPort }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    disable_health_check: false,
    ...(job !== null && { job_status: job }),
  };
}
