/** One probe of one worker: which paths are asked, and what their answers mean. */
import type { Worker } from '../../../base/core/worker.ts';
import type { CallFailure, WorkerClient } from '../calls/worker-client.ts';
import type { WorkerEvent } from '../registry/worker-state.ts';

/**
 * Asked in this order until one exists. `/ready` answers at once and is 503 from the moment of SIGTERM; `/health` of an engine
 * takes at least a second. Source: observed on SGLang 0.5.23.
 */
export const DEFAULT_PROBE_PATHS: readonly string[] = ['/ready', '/health'];

export interface ProbeReport {
  /** null: nothing was learnt about the worker. */
  readonly event: WorkerEvent | null;
  /** For the log and the job status: a status or an error code. */
  readonly detail: string;
  /** Index into `paths` of the one that was answered; where the next probe of this worker begins. */
  readonly pathIndex: number;
}

/** Never rejects. A worker that has none of the paths is still a worker: its answer 404 is a passed probe. */
export async function probe(
  client: WorkerClient,
  worker: Worker,
  paths: readonly string[],
  firstPath: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeReport> {
  const calls = client.open(worker, signal);
  try {
    for (let pathIndex = firstPath; ; pathIndex++) {
      const result = await calls.get(paths[pathIndex]!, { timeoutMs, bodyBytes: 0 });
      if (!result.ok) return { event: EVENT_OF_FAILURE[result.failure], detail: result.detail, pathIndex };
      const isLast = pathIndex === paths.length - 1;
      const detail = `${paths[pathIndex]} answered ${result.status}`;
      if (result.status >= 200 && result.status < 300) return { event: 'probe-passed', detail, pathIndex };
      if (result.status >= 500 && (isLast || result.status !== 501)) return { event: 'probe-unready', detail, pathIndex };
      // Not there, not allowed without a key, or moved: ask the next path; after the last one, take it as a sign of life.
      if (isLast) return { event: 'probe-passed', detail, pathIndex };
    }
  } finally {
    await calls.close();
  }
}

const EVENT_OF_FAILURE: Readonly<Record<CallFailure, WorkerEvent | null>> = {
  'no-connection': 'probe-refused',
  broken: 'probe-broken',
  slow: 'probe-slow',
  'too-large': 'probe-broken',
  inconclusive: null,
  aborted: null,
};
