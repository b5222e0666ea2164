/** Whether a process that was ready still answers. Unlike readiness it asks for no more than an answer of the process itself. */
import type { Clock } from '../../base/core/clock.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import type { Asker } from './ask.ts';
import { keyOf } from './planned-flag.ts';
import { accepts } from './readiness.ts';

/** What a probe got instead of an answer. */
export interface NoAnswer {
  /** For people, with the address. */
  readonly why: string;
  /** Nothing listens there: the process has ended, and its end will follow. */
  readonly isGone: boolean;
}

/** Whether there is anything to ask that matters: ranks above 0 of a worker, downloads and benchmarks have no address. */
export function canBeAsked({ critical, ready: { kind } }: PlannedProcess): boolean {
  return critical && kind !== 'none' && kind !== 'exit' && kind !== 'done' && kind !== 'log';
}

export interface AliveQuestion {
  readonly bind: (text: string) => string;
  readonly asker: Asker;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Null: it answers. An engine answers `/health` with 200: it says 503 itself when its scheduler does not react. Never with a generation
 * of ours: a request of one half of a pair would occupy it until its time-out. Of all others any answer will do.
 */
export async function askAlive(process: PlannedProcess, question: AliveQuestion): Promise<NoAnswer | null> {
  const { ready } = process;
  const { bind, clock, timeoutMs } = question;
  switch (ready.kind) {
    case 'worker':
      return await answers(`${bare(bind(ready.url))}/health`, true, keyOf(process), question);
    case 'router':
      return await answers(`${bare(bind(ready.url))}/liveness`, false, keyOf(process), question);
    case 'frontend':
    case 'dynamo-worker':
      return await answers(`${bare(bind(ready.url))}/health`, false, null, question);
    case 'http':
      return await answers(bind(ready.run?.url ?? ready.url), false, null, question);
    case 'tcp': {
      const missing = await accepts(bind(ready.host), ready.port, clock, timeoutMs);
      return missing === null ? null : { why: missing, isGone: missing.includes('ECONNREFUSED') };
    }
    default:
      return null;
  }
}

async function answers(url: string, must200: boolean, key: string | null, question: AliveQuestion): Promise<NoAnswer | null> {
  const { asker, timeoutMs, signal } = question;
  const answer = await asker.ask({ url, body: null, key, timeoutMs, signal });
  if (answer.kind === 'none') return { why: `${url}: ${answer.message}`, isGone: answer.isRefused };
  return must200 && answer.status !== 200 ? { why: `${url} answers ${answer.status}`, isGone: false } : null;
}

function bare(url: string): string {
  return url.replace(/\/+$/, '');
}
