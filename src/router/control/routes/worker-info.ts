/** Workers as the control API shows them. Names and shape: sglang_router 0.3.2 (`WorkerInfo`), of ranks those of smg. Keys are never shown. */
import type { LoadTable } from '../../../base/core/load.ts';
import type { Worker } from '../../../base/core/worker.ts';
import type { Drain } from '../registry/drains.ts';
import { isWell } from '../registry/eligibility.ts';
import type { JobStatus } from '../registry/registration-jobs.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';

/**
 * One entry for the worker, with or without `--dp-aware`. `job`: null once the worker has been ready; until then its model, type and
 * connection mode are "unknown".
 */
export function workerInfo(record: WorkerRecord, load: LoadTable, job: JobStatus | null): object {
  const { worker, ranks } = record;
  if (ranks[0]?.rank == null) return infoOf(record, worker, load, job);
  const dpRanks = ranks.map(({ id, url, index }) => ({ id, url, load: load.inflight[index] ?? 0 }));
  const sum = dpRanks.reduce((total, rank) => total + rank.load, 0);
  return { ...infoOf(record, worker, load, job), load: sum, dp_size: ranks.length, dp_ranks: dpRanks };
}

/** One entry for each rank, or one for the worker if it has no ranks. */
export function rankInfos(record: WorkerRecord, load: LoadTable, job: JobStatus | null): object[] {
  return record.ranks.map((rank) => infoOf(record, rank, load, job));
}

/** A worker that was removed and finishes its last requests. */
export function drainInfo(drain: Drain, load: LoadTable): object {
  const { record, inflight, status } = drain;
  const { dp_ranks: _, ...info } = workerInfo(record, load, null) as Record<string, unknown>;
  return { ...info, load: inflight, status: 'draining', job_status: status };
}

function infoOf(record: WorkerRecord, worker: Worker, load: LoadTable, job: JobStatus | null): object {
  const { facts } = record;
  const { rank } = worker;
  const isRegistered = job === null;
  const metadata = { ...facts?.metadata, ...worker.labels };
  return {
    id: worker.id,
    url: worker.url,
    model_id: isRegistered ? worker.modelId : 'unknown',
    priority: worker.priority,
    cost: worker.cost,
    worker_type: isRegistered ? worker.type : 'unknown',
    is_healthy: isWell(record),
    phase: record.state.phase,
    ...(record.overload !== null && { overloaded: true }),
    load: load.inflight[worker.index] ?? 0,
    connection_mode: isRegistered ? 'HTTP' : 'unknown',
    ...(isRegistered && { runtime_type: 'sglang' }),
    ...(worker.bootstrapPort !== null && { bootstrap_port: worker.bootstrapPort }),
    ...(rank !== null && { dp_rank: rank.number, dp_size: rank.size, dp_base_url: rank.engineUrl }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    circuit_breaker: { state: record.breaker.phase, failures: record.breaker.strikes.length },
    disable_health_check: !record.health.isChecked,
    ...(job !== null && { job_status: job }),
  };
}
