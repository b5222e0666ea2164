/** Puts the one report of a run together from what failed and what was seen. Pure. */
import type { Plan } from '../plan/plan.ts';
import type { Failure } from './first-failure.ts';
import { CANNOT_REACH, findKnownErrors, type KnownError } from './known-errors.ts';
import { findContradictions } from './plan-hints.ts';
import type { ProcessRecord } from './process-record.ts';
import type { FailureReport } from './run-directory.ts';

const LAST_LINES = 20;
const MAX_HINTS = 4;

/** `others`: what else failed, without `first`. `stopped`: as TearDown tells it. */
export function makeReport(
  plan: Plan,
  records: ReadonlyMap<string, ProcessRecord>,
  first: Failure,
  others: readonly Failure[],
  stopped: readonly string[],
): FailureReport {
  const record = first.process === null ? null : (records.get(first.process) ?? null);
  return {
    outcome: first.outcome,
    summary: first.summary,
    process: first.process,
    node: first.node,
    log: record?.planned.log ?? null,
    lastLines: first.lastLines.slice(-LAST_LINES),
    hints: first.outcome === 'cancelled' ? [] : hintsFor(plan, records, first, record),
    also: others.map(({ summary }) => summary),
    stopped,
  };
}

function hintsFor(plan: Plan, records: ReadonlyMap<string, ProcessRecord>, first: Failure, record: ProcessRecord | null): string[] {
  const hints = first.outcome === 'readiness' || first.outcome === 'benchmark' ? findContradictions(plan) : [];
  const own = record === null ? [] : knownErrorsOf(record);
  const said = findKnownErrors(record?.planned.role ?? 'nginx', [first.summary]);
  const elsewhere = [...records.values()]
    .filter((other) => other !== record)
    .flatMap((other) => knownErrorsOf(other).map((known) => ({ other, known })));
  hints.push(...[...own, ...said].map(({ hint }) => hint));
  // What others say matters when the first one does not explain itself.
  if (!own.some(({ kind }) => kind === 'cause')) {
    for (const { other, known } of elsewhere) if (known.kind === 'cause') hints.push(`${other.id}: ${known.hint}`);
  }
  if (record?.end?.signal === 'SIGKILL' && record.endedOnItsOwn) {
    hints.push('SIGKILL comes from the outside: often the kernel or the job manager, out of memory (`dmesg`, `sacct -j JOB`).');
  }
  return [...new Set([...hints, ...byStage(plan, first, record)])].slice(0, MAX_HINTS);
}

export function knownErrorsOf(record: ProcessRecord): KnownError[] {
  const known = findKnownErrors(record.planned.role, [...record.errorLines, ...record.tail]);
  return wasAnswered(record) ? known.filter(({ name }) => name !== CANNOT_REACH) : known;
}

/** A benchmark some of whose requests were answered has reached its endpoint, whatever became of the others. */
function wasAnswered({ planned, tail }: ProcessRecord): boolean {
  return planned.role === 'benchmark' && tail.some((line) => /\b[1-9]\d*\/\d+ requests/.test(line));
}

/** What to look at when nobody said why. */
function byStage(plan: Plan, first: Failure, record: ProcessRecord | null): string[] {
  if (first.kind === 'silence') {
    return [
      `${record?.id ?? 'The process'} lives and does not answer: it is stopped or hung. Look at it on ${first.node ?? 'its node'} (its state in "ps", "py-spy dump --pid ${record?.pid ?? 'PID'}"); health_check.silence_secs allows longer silences.`,
    ];
  }
  const role = record?.planned.role;
  if (first.outcome === 'readiness' && role === 'router') {
    return [
      'Router not connecting to workers: check that every worker is up (its log), that the nodes reach each other, and that disaggregation-bootstrap-port is the same for prefill and decode.',
    ];
  }
  if (first.outcome === 'readiness' && first.kind === 'other') {
    return plan.processes.some((process) => process.role === 'prefill')
      ? [
          'A request was not answered although every part is up: with prefill and decode this is most often the hand-over between them (disaggregation-bootstrap-port, transfer backend, network between the nodes).',
        ]
      : ['A request was not answered although every part is up: see the logs of the workers.'];
  }
  if (first.outcome === 'readiness') {
    return ['If it only needed longer: raise health_check.max_attempts or interval_seconds.'];
  }
  if (first.outcome === 'benchmark' && record !== null && wasAnswered(record)) {
    return [
      'Requests were answered, so the endpoint is there: see what those that failed were told, and the logs of routers and workers at that time.',
    ];
  }
  if (first.outcome === 'benchmark') {
    const entrance = plan.processes.some((process) => process.role === 'nginx') ? 'nginx' : 'the router';
    const [port = ''] = /\d+$/.exec(plan.endpoint) ?? [];
    return [`If the benchmark could not reach the endpoint: ${entrance} must run on n0 and its port ${port} be open.`];
  }
  return [];
}

/** The report for people, lines without indentation problems in any terminal. */
export function reportText(report: FailureReport, exitCode: number): string {
  const lines = [report.summary];
  const block = (title: string, entries: readonly string[]): void => {
    if (entries.length > 0) lines.push('', title, ...entries.map((entry) => `  ${entry}`));
  };
  block(`Last lines of ${report.process ?? 'the log'} (${report.log ?? ''}):`, report.lastLines);
  block('Likely:', report.hints);
  block('About the same time:', report.also);
  block('Stopped:', report.stopped);
  lines.push('', `Outcome: ${report.outcome} (exit code ${exitCode})`);
  return `${lines.join('\n')}\n`;
}
