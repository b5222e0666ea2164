/** One probe of one worker: which paths are requested, and what the answers mean. */
import type { Worker } from '../../../base/core/worker.ts';
import { jsonOf } from '../calls/json-answers.ts';
import type { CallFailure, WorkerCalls, WorkerClient } from '../calls/worker-client.ts';
import type { WorkerEvent } from '../registry/worker-state.ts';

/** What is asked. */
export interface ProbeTarget {
  /** Requested in this order until one exists. */
  readonly paths: readonly string[];
  /** An operator named the path: no other one is asked, and only 2xx in time is well. */
  readonly isExplicit: boolean;
}

/**
 * `/ready` answers at once, and 503 after SIGTERM or during a pause; `/health` of an engine takes at least a second. Source: observed on
 * SGLang 0.5.23.
 */
export const DEFAULT_ENDPOINT = '/health';
export const DEFAULT_TARGET: ProbeTarget = { paths: ['/ready', DEFAULT_ENDPOINT], isExplicit: false };

/** `endpoint`: `--health-check-endpoint`. The Python launcher leaves defaults out, so `/health` is no choice of an operator. */
export function probeTarget(endpoint: string): ProbeTarget {
  return endpoint === DEFAULT_ENDPOINT ? DEFAULT_TARGET : { paths: [endpoint], isExplicit: true };
}

export interface ProbeReport {
  /** null: the probe says nothing about the worker. */
  readonly event: WorkerEvent | null;
  /** For the log and the job status: a status or an error code. */
  readonly detail: string;
  /** Index into `paths` of the one that answered; the next probe of this worker starts there. */
  readonly pathIndex: number;
}

/** Asked when a worker lacks all health paths. An engine describes itself at one of them. */
const DESCRIPTIONS = ['/get_model_info', '/model_info', '/get_server_info'];
const MAX_DESCRIPTION_BYTES = 4 << 20;

/** Never rejects. */
export async function probe(
  client: WorkerClient,
  worker: Worker,
  target: ProbeTarget,
  firstPath: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeReport> {
  const { paths, isExplicit } = target;
  const calls = client.open(worker, signal);
  try {
    for (let pathIndex = firstPath; ; pathIndex++) {
      const result = await calls.get(paths[pathIndex]!, { timeoutMs, bodyBytes: 0 });
      if (!result.ok) return { event: failureEvent(result.failure, isExplicit), detail: result.detail, pathIndex };
      const { status } = result;
      const detail = `${worker.basePath}${paths[pathIndex]} answered ${status}`;
      if (status >= 200 && status < 300) return { event: 'probe-passed', detail, pathIndex };
      if (status >= 500 && status !== 501) return { event: 'probe-unready', detail, pathIndex };
      // The path does not exist, needs a key, or moved: try the next one.
      if (pathIndex < paths.length - 1) continue;
      const isEngine = !isExplicit && lacksPath(status) && (await describesEngine(calls, timeoutMs));
      return {
        event: isEngine ? 'probe-passed' : 'probe-wrong',
        detail: isEngine ? detail : `${detail}${hint(worker, status)}`,
        pathIndex,
      };
    }
  } finally {
    await calls.close();
  }
}

function lacksPath(status: number): boolean {
  return status === 404 || status === 405 || status === 501;
}

async function describesEngine(calls: WorkerCalls, timeoutMs: number): Promise<boolean> {
  for (const path of DESCRIPTIONS) {
    const description = jsonOf(await calls.get(path, { timeoutMs, bodyBytes: MAX_DESCRIPTION_BYTES }));
    if (description !== null && !Array.isArray(description)) return true;
  }
  return false;
}

/** What an operator can do about it. */
function hint({ apiKey, basePath }: Worker, status: number): string {
  if (status === 401 || status === 403) {
    return apiKey === null ? ': the worker wants a key (api_key in POST /workers)' : ': the worker refuses the key of the router';
  }
  if (status >= 300 && status < 400) return ': a redirect; name the URL that it leads to';
  return basePath === '' ? ': no engine answers there' : `: no engine answers below ${basePath}; the URL of a worker usually has no path`;
}

function failureEvent(failure: CallFailure, isExplicit: boolean): WorkerEvent | null {
  return failure === 'slow' && isExplicit ? 'probe-late' : EVENT_OF_FAILURE[failure];
}

const EVENT_OF_FAILURE: Readonly<Record<CallFailure, WorkerEvent | null>> = {
  'no-connection': 'probe-refused',
  broken: 'probe-broken',
  slow: 'probe-slow',
  'too-large': 'probe-broken',
  inconclusive: null,
  aborted: null,
};
