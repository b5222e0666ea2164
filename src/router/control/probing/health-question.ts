/** One question to the slow `/health` of a worker, which asks its scheduler for a token, and what the answer means. */
import type { WorkerCalls } from '../calls/worker-client.ts';

/** SGLang 0.5.23 answers after a second at the earliest, and 503 after 20 s if its scheduler hangs. */
const LIMIT_MS = 25_000;

export interface HealthAnswer {
  /** null: the answer says nothing about the scheduler. */
  readonly event: 'health-passed' | 'health-failed' | null;
  /** For the log: a status or an error code. */
  readonly detail: string;
}

/** Never rejects. A refused or broken connection says nothing here: the probes of `/ready` judge connections. */
export async function askHealth(calls: WorkerCalls, path: string): Promise<HealthAnswer> {
  const result = await calls.get(path, { timeoutMs: LIMIT_MS, bodyBytes: 0 });
  if (!result.ok) return { event: result.failure === 'slow' ? 'health-failed' : null, detail: `${path}: ${result.detail}` };
  const { status } = result;
  const detail = `${path} answered ${status}`;
  if (status >= 200 && status < 300) return { event: 'health-passed', detail };
  return { event: status >= 500 && status !== 501 ? 'health-failed' : null, detail };
}
