/**
 * Ready processes whose probe gets no answer. Pure.
 *
 *   ready ── no answer for NAMED_MS ──► silent (named in status and output) ── silence_secs ──► the run ends
 *     ▲                                      │
 *     └──────────────── an answer ───────────┘
 */
import type { Failure } from './first-failure.ts';
import { seconds } from './idle-timeout.ts';
import type { ProcessRecord } from './process-record.ts';
import { type Effect, tell } from './run-events.ts';

/** A process that has not answered for so long is named. Below it, a busy machine or a long step explains the silence. */
export const NAMED_MS = 30_000;

export function answered(record: ProcessRecord, nowMs: number): Effect[] {
  const silentMs = nowMs - (record.answeredAtMs ?? nowMs);
  const wasSilent = record.isSilent;
  record.answeredAtMs = nowMs;
  record.isSilent = false;
  if (!wasSilent) return [];
  record.detail = null;
  const text = `${record.id} on ${record.planned.node} answers its probe again, after ${seconds(silentMs)}`;
  return [tell({ type: 'warning', text }), tell(record.notice())];
}

/** `why`: what the probe got instead of an answer. `limitMs`: the silence that ends the run. */
export function unanswered(record: ProcessRecord, why: string, limitMs: number, nowMs: number): Effect[] {
  const silentMs = nowMs - (record.answeredAtMs ?? nowMs);
  if (silentMs < Math.min(NAMED_MS, limitMs)) return [];
  const wasSilent = record.isSilent;
  record.isSilent = true;
  record.detail = `has not answered its probe for ${seconds(silentMs)} (${why})`;
  if (wasSilent) return [];
  const last = record.lastLine === null ? 'it has printed nothing' : `its last line: ${record.lastLine}`;
  const text = `${record.id} on ${record.planned.node} ${record.detail}; ${last}`;
  return [tell({ type: 'warning', text }), tell(record.notice())];
}

/** One failure for each silent process, the longest silence first. */
export function silenceFailures(records: Iterable<ProcessRecord>): Failure[] {
  return [...records]
    .filter(({ isSilent, state }) => isSilent && state === 'ready')
    .sort((a, b) => (a.answeredAtMs ?? 0) - (b.answeredAtMs ?? 0))
    .map((record) => silenceFailure(record, `${record.id} on ${record.planned.node} ${record.detail ?? ''} while it was needed`));
}

export function silenceFailure(record: ProcessRecord, summary: string): Failure {
  return {
    // The one that was silent first explains the others.
    atMs: record.answeredAtMs ?? 0,
    outcome: 'running',
    summary,
    kind: 'silence',
    process: record.id,
    node: record.planned.node,
    namesCause: false,
    lastLines: [...record.tail],
    violent: false,
  };
}
