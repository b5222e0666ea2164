/** `srtctl compare`: two benchmarks against each other. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { compare, comparisonText } from '../bench/compare.ts';
import type { PointResult } from '../bench/point-result.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { findRun } from './find-runs.ts';
import { addOutputOption, type RunFlags, runsDirectory } from './run-options.ts';

const EXAMPLES = `
Examples:
  srtctl compare 4711 4712                     two runs
  srtctl compare outputs/a/results results-b   two directories with results

Each of A and B is a run (as for "srtctl status") or a directory with results_*.json. A difference counts when it is larger than twice the
deviation of repeats ("benchmark.repeats", or --repeats of bench) and the ranges do not touch. Ends with 0; with 2 where there are no results;
with 6 when the two are not comparable: other lengths, models or rates, failed or partial points.`;

interface CompareFlags extends RunFlags {
  readonly json: boolean;
}

export function compareCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('compare'))
    .description('tell what differs between two benchmarks, and by how much against their spread')
    .argument('<a>', 'a run, or a directory with results')
    .argument('<b>', 'another one')
    .option('--json', 'as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, flags: CompareFlags) => finish(await compareBoth(a, b, flags, context)));
}

async function compareBoth(a: string, b: string, flags: CompareFlags, context: CommandContext): Promise<number> {
  const sides: (readonly PointResult[])[] = [];
  for (const which of [a, b]) {
    const results = await resultsOf(which, flags, context);
    if (typeof results === 'string') {
      context.err(`error: ${results}\n`);
      return EXIT_CODES.recipe;
    }
    sides.push(results);
  }
  const comparison = compare(sides[0]!, sides[1]!);
  context.out(flags.json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonText(comparison));
  return comparison.obstacles.length > 0 ? EXIT_CODES.benchmark : EXIT_CODES.ok;
}

/** A text says why there are none. */
async function resultsOf(which: string, flags: RunFlags, context: CommandContext): Promise<readonly PointResult[] | string> {
  const directory = path.resolve(context.workingDirectory, which);
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const places = isDirectory ? [directory] : [];
  if (!isDirectory) {
    const run = await findRun(which, runsDirectory(flags, context), context.workingDirectory);
    if (!run.ok) return run.message;
    places.push(run.run.paths.directory);
  }
  const files = (await Promise.all(places.map((place) => readdir(place, { recursive: true })))).flat();
  const names = files.filter((file) => /(?:^|\/)results_[^/]*\.json$/.test(file)).sort();
  if (names.length === 0) return `${places[0] ?? which} has no results_*.json`;
  const results: PointResult[] = [];
  for (const name of names) {
    const file = path.join(places[0]!, name);
    try {
      const result = JSON.parse(await readFile(file, 'utf8')) as PointResult;
      if (typeof result.point !== 'string') return `${file} is not a result of srtctl`;
      results.push(result);
    } catch (error) {
      return `${file} cannot be read: ${(error as Error).message}`;
    }
  }
  return results;
}
