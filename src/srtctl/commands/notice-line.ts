/** What happens in a run, one line each, for logs and pipes. Pure. */

import { TIER_NAMES } from '../plan/plan.ts';
import type { RunState } from '../supervise/run-directory.ts';
import type { Notice } from '../supervise/run-events.ts';

/** In its first moments nothing is ready yet, and that is no news. */
const QUIET_MS = 5000;

export class NoticeLines {
  /** When each process was first heard of. */
  readonly #since = new Map<string, number>();

  /** Null: not worth a line. `elapsedMs`: since the run began. Lines of the benchmark are passed on, those of others stay in their logs. */
  lineOf(notice: Notice, elapsedMs: number): string | null {
    if (notice.type === 'process' && !this.#since.has(notice.id)) this.#since.set(notice.id, elapsedMs);
    const isEarly = notice.type === 'process' && elapsedMs - (this.#since.get(notice.id) ?? 0) < QUIET_MS;
    const text = wordsOf(notice, isEarly);
    return text === null ? null : `[${(elapsedMs / 1000).toFixed(1).padStart(6)}s] ${text}`;
  }
}

function wordsOf(notice: Notice, isEarly: boolean): string | null {
  switch (notice.type) {
    case 'state':
      return stateWords(notice.state, notice.tier, notice.detail);
    case 'process': {
      const who = `${notice.id} on ${notice.node}`;
      if (notice.state === 'ready') return `${who} is ready`;
      if (notice.state === 'ended') return `${who} ${endWords(notice.exitCode, notice.signal)}`;
      if (notice.state === 'starting') return notice.detail === null || isEarly ? null : `${who}: ${notice.detail}`;
      return null;
    }
    case 'line':
      return notice.id === 'benchmark' && notice.text !== '' ? `benchmark | ${notice.text}` : null;
    case 'warning':
      return `warning: ${notice.text}`;
    // Told in full when the run has ended.
    case 'report':
      return null;
  }
}

function stateWords(state: RunState, tier: number | null, detail: string | null): string | null {
  const more = detail === null ? '' : `: ${detail}`;
  const what = tier === null ? '' : ` ${TIER_NAMES[tier] ?? `tier ${tier}`}`;
  switch (state) {
    case 'preparing':
      return `preparing${more}`;
    case 'starting':
      return `starting${what}${more}`;
    case 'proving':
      return `all processes are ready; sending real requests through every router and the endpoint${more}`;
    case 'benchmarking':
      return `benchmarking${more}`;
    case 'serving':
      return `serving${more}; Ctrl-C or "srtctl cancel" stops it`;
    case 'stopping':
      return `stopping${what}${more}`;
    case 'ended':
      return `ended${more}`;
  }
}

function endWords(code: number | null, signal: string | null): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? 'ended' : `ended with status ${code}`;
}
