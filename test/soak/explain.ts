/** Judges what the clients of the soak saw: every outcome but a whole response needs one of these rules. */
import type { Seen } from './client.ts';
import type { SoakEngine } from './engine.ts';
import { EARLY_FAULTS, LATE_FAULTS } from './plan.ts';

/** Why an outcome is right, in the order in which the report prints them. */
export const RULES = {
  whole: 'the response that the engine meant',
  left: 'the client went away',
  'every worker': 'the fault strikes at every worker: the client gets its answer',
  hang: 'no worker answers: --request-timeout-secs ends the request',
  'cut by its fault': 'the engine broke off in the middle of its response',
  'cut with its worker': 'the worker was killed in the middle of the response',
  'too long to repeat': 'the worker failed before its answer, and the body was longer than --max-replay-bytes',
} as const;
export type Rule = keyof typeof RULES;

export interface Circumstances {
  readonly engines: readonly SoakEngine[];
  /** Longer bodies cannot be sent again. */
  readonly maxReplayBytes: number;
}

/** The times of a kill and of what the client sees of it differ by the way between the processes. */
const SLACK_MS = 500;

/** The rule that explains it, or null. */
export function explain(seen: Seen, { engines, maxReplayBytes }: Circumstances): Rule | null {
  const { plan, words, engine } = seen;
  const { fault } = plan;
  if (words === 'left') return 'left';
  const isEarly = fault !== null && EARLY_FAULTS.some((name) => name === fault.name);
  const wasCut =
    fault !== null && LATE_FAULTS.some((name) => name === fault.name) && fault.at === engine && engines[engine]?.role !== 'prefill';
  if (fault?.at === 'all') {
    if (fault.name === 'hang') return words === '504 call_upstream_timeout' ? 'hang' : null;
    return words === `${fault.name} whole` ? 'every worker' : null;
  }
  if (wasCut) return words.startsWith('200 cut') ? 'cut by its fault' : null;
  if (words === '200 whole') return 'whole';
  const killed = engines.filter(({ killedAtMs }) => killedAtMs.some((ms) => ms > seen.startMs - SLACK_MS && ms < seen.endMs + SLACK_MS));
  // Of a pair the client knows only the decode engine.
  const lostWorker = killed.some(({ number, role }) => number === engine || role === 'prefill');
  if (words.startsWith('200 cut')) return lostWorker ? 'cut with its worker' : null;
  // The router's own error, or the status of the worker, which then goes to the client.
  const isError = /^(?:429|5\d\d) /.test(words);
  if (isError && seen.bodyBytes > maxReplayBytes && (isEarly || killed.length > 0)) return 'too long to repeat';
  return null;
}
