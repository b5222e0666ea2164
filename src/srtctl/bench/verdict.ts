/** Whether the numbers of a point may be believed. Pure. */
import type { Circumstances, Judged, Measurement } from './point-result.ts';
import { oddWorkers } from './worker-figures.ts';
import type { PointFacts } from './workload.ts';

/** Share of the asked length that answers and prompts may differ by before it is told. */
const LENGTH_TOLERANCE = 0.1;
/** Share of answers that may be short before the point has failed: it did not measure what it says. */
const SHORT_TOLERANCE = 0.01;
/** Share of prompt tokens from the cache above which the prefill was not measured. */
const CACHED_TOLERANCE = 0.05;

/** A p99 of fewer samples is the slowest few of them. */
export const ENOUGH_FOR_P99 = 1000;
/** A client that is later than this adds to what it measures. */
const LATE_MS = 1;

export function judge(
  result: Measurement,
  { client, workers }: Pick<Circumstances, 'client' | 'workers'>,
  { repeats }: Pick<PointFacts, 'repeats'>,
): Judged {
  const failures: string[] = [];
  const warnings: string[] = [];
  const at = result.point;
  if (result.failed > 0) {
    const [[error, count] = ['no reason given', result.failed]] = Object.entries(result.error_counts);
    const some = count === result.failed ? '' : ` (${count} of them)`;
    failures.push(`${at}: ${result.failed} of ${result.num_prompts} requests failed: ${error}${some}`);
  }
  if (result.total_output_tokens === 0 && !result.partial) failures.push(`${at}: not a single token came back`);
  if (result.completed > 0) {
    (hasFailed(result) ? failures : warnings).push(...shortAnswers(result));
    warnings.push(...unlikeAsked(result, repeats));
  }
  warnings.push(...oddWorkers(workers ?? []).map((words) => `${at}: ${words}`));
  const verdict = failures.length > 0 ? 'failed' : result.partial ? 'partial' : warnings.length > 0 ? 'warnings' : 'ok';
  const marks: string[] = [];
  if (result.completed < ENOUGH_FOR_P99) marks.push(`${at}: p99 of ${result.completed} requests, which is fewer than ${ENOUGH_FOR_P99}`);
  if (client.p99_ms > LATE_MS)
    marks.push(
      `${at}: the client was late, by ${client.p99_ms} ms at p99 (CPU ${percent(client.cpu_share)} of a core); latencies hold that`,
    );
  return { verdict, failures, warnings, marks };
}

function outputShare(result: Measurement): number {
  return result.total_output_tokens / result.total_asked_output_tokens;
}

/** Short answers are faster, so more of them than an accident explains make other numbers than the point promises. */
function hasFailed(result: Measurement): boolean {
  return result.short_answers > result.completed * SHORT_TOLERANCE;
}

function shortAnswers(result: Measurement): string[] {
  const { point, short_answers: short, completed } = result;
  if (short === 0) return [];
  return [`${point}: ${short} of ${completed} answers were shorter than asked for (all together ${percent(outputShare(result))} of it)`];
}

function unlikeAsked(result: Measurement, repeats: boolean): string[] {
  const { point: at, completed, unstreamed_answers: unstreamed, uncounted_answers: uncounted } = result;
  const warnings: string[] = [];
  const outputs = outputShare(result);
  const inputs = result.total_input_tokens / result.total_asked_input_tokens;
  if (result.short_answers === 0 && Math.abs(outputs - 1) > LENGTH_TOLERANCE)
    warnings.push(`${at}: answers were ${percent(outputs)} of the length asked for`);
  if (Math.abs(inputs - 1) > LENGTH_TOLERANCE) warnings.push(`${at}: prompts were ${percent(inputs)} of the length asked for`);
  if (unstreamed > 0)
    warnings.push(
      `${at}: ${unstreamed} of ${completed} answers did not stream: they came whole, so their TTFT is that of the whole answer`,
    );
  if (uncounted > 0) warnings.push(`${at}: ${uncounted} of ${completed} answers had no usage: their tokens are a count of events`);
  const cached = result.total_cached_tokens / Math.max(1, result.total_input_tokens);
  if (cached > CACHED_TOLERANCE && !repeats) warnings.push(`${at}: ${percent(cached)} of the prompt tokens came from a cache`);
  return warnings;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
