/** One probe of one worker: which paths are requested, and what the answers mean. */
import type { Worker } from '../../../base/core/worker.ts';
import type { CallFailure, WorkerClient } from '../calls/worker-client.ts';
import type { WorkerEvent } from '../registry/worker-state.ts';

/**
 * Requested in this order until one exists. `/ready` answers at once, and 503 after SIGTERM; `/health` of an engine takes at least
 * a second. Source: observed on SGLang 0.5.23.
 */
export const DEFAULT_PROBE_PATHS: readonly string[] = ['/ready', '/health'];

export interface ProbeReport {
  /** null: the probe says nothing about the worker. */
  readonly event: WorkerEvent | null;
  /** For the log and the job status: a status or an error code. */
  readonly detail: string;
  /** Index into `paths` of the one that answered; the next probe of this worker starts there. */
  readonly pathIndex: number;
}

/** Never rejects. A worker that has none of the paths passes: an answer of 404 shows that it is up. */
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
      // The path does not exist, needs a key, or moved: try the next one. Any answer of the last path passes.
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
