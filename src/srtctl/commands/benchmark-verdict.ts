/** What the benchmarks of a run say of their own numbers, from their roll-ups. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface BenchmarkVerdict {
  /** Absolute. */
  readonly directory: string;
  readonly verdict: string;
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** Empty: no benchmark of this package has written results. `directory`: of the run. */
export async function benchmarkVerdicts(directory: string): Promise<readonly BenchmarkVerdict[]> {
  const results = path.join(directory, 'results');
  const folders = await readdir(results).catch(() => []);
  const found = await Promise.all(folders.sort().map((folder) => verdictIn(path.join(results, folder))));
  return found.filter((one) => one !== null);
}

async function verdictIn(directory: string): Promise<BenchmarkVerdict | null> {
  try {
    const rollup = JSON.parse(await readFile(path.join(directory, 'benchmark-rollup.json'), 'utf8')) as Partial<BenchmarkVerdict>;
    if (typeof rollup.verdict !== 'string') return null;
    return { directory, verdict: rollup.verdict, failures: rollup.failures ?? [], warnings: rollup.warnings ?? [] };
  } catch {
    // Results of another tool, or none yet.
    return null;
  }
}

/** Lines for people, each with its end. */
export function verdictLines(verdicts: readonly BenchmarkVerdict[]): string {
  return verdicts
    .flatMap(({ directory, verdict, failures, warnings }) => [
      ...failures.map((text) => `failed: ${text}`),
      ...warnings.map((text) => `warning: ${text}`),
      `benchmark ${path.basename(directory)}: ${verdict}`,
    ])
    .map((line) => `${line}\n`)
    .join('');
}
