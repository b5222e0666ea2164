/** Waits until a proxy answers, and until a router has found its workers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../processes.ts';

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** GET of JSON. Rejects with SyntaxError if the answer is something else. */
export async function getJson(port: number, path: string): Promise<JsonAnswer> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(3000) });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

async function chat(port: number, content: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock-model', stream: false, max_tokens: 8, messages: [{ role: 'user', content }] }),
    signal: AbortSignal.timeout(5000),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${text.slice(0, 200)}`);
}

const UNHEALTHY = new Set<unknown>(['unhealthy', 'pending', 'not_ready', 'failed']);

interface ListedWorker {
  readonly is_healthy?: unknown;
  readonly healthy?: unknown;
  readonly status?: unknown;
}

/** The workers of GET /workers; null if the answer has another shape. Routers spell "healthy" differently. */
function healthyCount(body: unknown): number | null {
  const workers = typeof body === 'object' && body !== null && 'workers' in body ? body.workers : body;
  if (!Array.isArray(workers)) return null;
  const isHealthy = (worker: ListedWorker) =>
    (worker.is_healthy ?? worker.healthy ?? worker.status) !== false && !UNHEALTHY.has(worker.status);
  return workers.filter(isHealthy).length;
}

/** Waits until GET /workers lists `count` healthy workers. Where `mayLackRoute`, a router without that route is fine. */
export async function waitForWorkers(program: Program, count: number, mayLackRoute: boolean): Promise<void> {
  for (let i = 0; i < 300 && !program.isDead; i++) {
    await sleep(200);
    try {
      const { status, body } = await getJson(program.port, '/workers');
      const healthy = healthyCount(body);
      if (mayLackRoute && (status === 404 || healthy === null)) return;
      if (healthy !== null && healthy >= count) return;
    } catch (error) {
      if (mayLackRoute && error instanceof SyntaxError) return;
      // Not listening yet: the next round of the loop asks again.
    }
  }
  throw new Error(`its workers did not become healthy; log: ${program.lastWords()}`);
}

/** Waits for four good answers in a row. `program` is null when nothing was started. */
export async function waitForAnswers(port: number, program: Program | null): Promise<void> {
  let last = '';
  for (let i = 0, good = 0; i < 150; i++) {
    if (program?.isDead) throw new Error(`it ended at once; log: ${program.lastWords()}`);
    try {
      await chat(port, `ready? ${i} ${Math.random()}`);
      if (++good === 4) return;
    } catch (error) {
      good = 0;
      last = String(error);
      await sleep(200);
    }
  }
  throw new Error(`no good answer within 30 s: ${last}`);
}
