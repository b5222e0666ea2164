/**
 * Why does a worker with requests in flight send nothing? One question, answered by three paths of SGLang:
 *
 *   /ready    503 at the beginning: it is paused. A paused engine holds its requests, and they must not be touched
 *   /health   asks the scheduler: passes if it computes, also a long prefill without a byte; fails after 20 s if it hangs
 *   /ready    once a second meanwhile: 503 while /ping is 200 is a pause that has just begun. 503 of both is the flag of a failed /health
 */
import type { Clock } from '../../../base/core/clock.ts';
import type { Worker } from '../../../base/core/worker.ts';
import type { WorkerCalls, WorkerClient } from '../calls/worker-client.ts';
import { askHealth } from './health-question.ts';

export interface SilenceAnswer {
  /** unknown: it lacks the path, or the connection broke. */
  readonly verdict: 'computes' | 'paused' | 'hangs' | 'unknown';
  /** For the log. */
  readonly detail: string;
}

interface SilenceQuestion {
  readonly client: WorkerClient;
  readonly clock: Clock;
  readonly worker: Worker;
  /** `/health`, or the endpoint that an operator named. */
  readonly path: string;
  /** Of `/ready`. */
  readonly timeoutMs: number;
}

const LOOK_MS = 1000;
const PAUSED: SilenceAnswer = { verdict: 'paused', detail: 'the engine is paused' };

/** Never rejects. `signal` ends it soon. */
export async function askWhySilent(question: SilenceQuestion, signal: AbortSignal): Promise<SilenceAnswer> {
  const { client, worker, path, timeoutMs } = question;
  // One signal ends both connections, whoever has the answer first.
  const end = new AbortController();
  const onAbort = (): void => end.abort();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) end.abort();
  const flags = client.open(worker, end.signal);
  const health = client.open(worker, end.signal);
  try {
    if (isServerError(await flags.get('/ready', { timeoutMs, bodyBytes: 0 }))) return PAUSED;
    let isPaused = false;
    const watching = untilPaused(flags, question, end.signal).then((found) => {
      isPaused = found;
      if (found) end.abort();
    });
    const { event, detail } = await askHealth(health, path);
    end.abort();
    await watching;
    if (isPaused) return PAUSED;
    if (event === null || signal.aborted) return { verdict: 'unknown', detail };
    return { verdict: event === 'health-passed' ? 'computes' : 'hangs', detail };
  } finally {
    signal.removeEventListener('abort', onAbort);
    end.abort();
    await Promise.all([flags.close(), health.close()]);
  }
}

/** False when `signal` ends it. */
async function untilPaused(calls: WorkerCalls, { clock, timeoutMs }: SilenceQuestion, signal: AbortSignal): Promise<boolean> {
  const limits = { timeoutMs, bodyBytes: 0 };
  while (!signal.aborted) {
    await pause(clock, signal);
    if (signal.aborted || !isServerError(await calls.get('/ready', limits))) continue;
    const ping = await calls.get('/ping', limits);
    // An engine without /ping shows nothing but the pause.
    if (ping.ok && !isServerError(ping)) return true;
  }
  return false;
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = clock.after(LOOK_MS, over);
    signal.addEventListener('abort', over);
    if (signal.aborted) over();
  });
}

function isServerError(result: Awaited<ReturnType<WorkerCalls['get']>>): boolean {
  return result.ok && result.status >= 500 && result.status !== 501;
}
