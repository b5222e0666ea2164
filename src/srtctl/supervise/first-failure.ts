/** Finds, among things that failed within moments, the one that the others are consequences of. Pure. */
import type { RunOutcome } from './run-directory.ts';

export interface Failure {
  /** When it became known. */
  readonly atMs: number;
  readonly outcome: RunOutcome;
  /** One sentence: what failed and where. */
  readonly summary: string;
  /** Null: no process is to blame. */
  readonly process: string | null;
  readonly node: string | null;
  /** node: a machine went; process: it ended on its own; silence: it stopped answering; benchmark: that of the benchmark; wait: it timed out; other. */
  readonly kind: 'node' | 'process' | 'silence' | 'benchmark' | 'wait' | 'other';
  /** Its output names a cause (not only a symptom). */
  readonly namesCause: boolean;
  /** Last lines of the process when it failed, oldest first; what it writes while it is stopped is not among them. */
  readonly lastLines: readonly string[];
  /** It ended with a status other than 0, or by a signal. */
  readonly violent: boolean;
}

/**
 * A lost node explains its processes. An output that names a cause (out of memory) beats one that names a symptom (a peer that went
 * away), a crash beats an end with status 0, and a benchmark usually fails because of what it measures. Otherwise the earliest.
 */
export function firstFailure(failures: readonly Failure[]): Failure {
  const [first] = [...failures].sort((a, b) => rank(a) - rank(b) || a.atMs - b.atMs);
  if (first === undefined) throw new Error('firstFailure: nothing failed');
  return first;
}

function rank({ kind, namesCause, violent }: Failure): number {
  if (kind === 'node') return 0;
  if (kind === 'process') return namesCause ? 1 : violent ? 2 : 3;
  if (kind === 'silence') return 4;
  return kind === 'benchmark' ? (namesCause ? 5 : 6) : 7;
}
