/** Whether the numbers of a point may be believed. Pure. */
import type { PointResult } from './point-result.ts';
import type { PointFacts } from './workload.ts';

export interface Verdict {
  /** Any of these fails the benchmark. */
  readonly failures: readonly string[];
  /** Worth knowing before the numbers are quoted. */
  readonly warnings: readonly string[];
}

/** Share of the asked length that answers and prompts may differ by before it is told. */
const LENGTH_TOLERANCE = 0.1;
/** Share of prompt tokens from the cache above which the prefill was not measured. */
const CACHED_TOLERANCE = 0.05;

/** Of a point that ran to its end; one that was ended early is partial and judged by whoever ended it. */
export function judge(result: PointResult, { repeats }: Pick<PointFacts, 'repeats'>): Verdict {
  const failures: string[] = [];
  const warnings: string[] = [];
  const at = result.point;
  if (result.failed > 0) {
    failures.push(`${at}: ${result.failed} of ${result.num_prompts} requests failed: ${result.errors[0] ?? 'no reason given'}`);
  }
  if (result.total_output_tokens === 0) failures.push(`${at}: not a single token came back`);
  if (result.completed > 0) {
    const outputs = result.total_output_tokens / result.total_asked_output_tokens;
    const inputs = result.total_input_tokens / result.total_asked_input_tokens;
    if (Math.abs(outputs - 1) > LENGTH_TOLERANCE) warnings.push(`${at}: answers were ${percent(outputs)} of the length asked for`);
    if (Math.abs(inputs - 1) > LENGTH_TOLERANCE) warnings.push(`${at}: prompts were ${percent(inputs)} of the length asked for`);
    const cached = result.total_cached_tokens / Math.max(1, result.total_input_tokens);
    if (cached > CACHED_TOLERANCE && !repeats) warnings.push(`${at}: ${percent(cached)} of the prompt tokens came from a cache`);
  }
  return { failures, warnings };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
