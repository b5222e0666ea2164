/** A race of two builds of this router (`--against`), interleaved within each round. */
import { loadavg } from 'node:os';
import { type Comparison, compare, pairUp } from './comparison.ts';
import { comparisonTable, pairLine } from './comparison-report.ts';
import { builds } from './entrants/builds.ts';
import type { Entrant } from './entrants/entrant.ts';
import { buildNative } from './native.ts';
import type { RaceOptions } from './options.ts';
import type { Programs } from './processes.ts';
import { writeRecord } from './record.ts';
import { windowErrors } from './report.ts';
import { Rounds, WARMUP_ROUNDS } from './rounds.ts';
import type { Contestant, WindowResult } from './window.ts';
import { WORKLOADS } from './workloads.ts';

export interface AgainstEnd {
  readonly comparisons: readonly Comparison[];
  readonly wrongAnswers: number;
}

/** Both builds of every kind that the workloads need. Throws where one of them is not built. */
export function chooseBuilds(options: RaceOptions, against: string): readonly Entrant[] {
  const kinds = new Set(options.workloads.map((name) => WORKLOADS[name]?.kind));
  const entrants = builds(against, options.policies, options.nodeOptions).filter((entrant) => kinds.has(entrant.kind));
  for (const entrant of entrants) {
    const problem = entrant.findProblem();
    if (problem) throw new Error(`--against "${against}": ${problem}`);
  }
  return entrants;
}

async function launch(rounds: Rounds, entrant: Entrant): Promise<Contestant> {
  try {
    return await rounds.launch(entrant);
  } catch (error) {
    throw new Error(`${entrant.name} did not start: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function minutes(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/**
 * Runs `options.rounds` rounds. A workload that is dearer then runs as many rounds again and is judged by all of them: noise alone makes
 * one of fourteen look dearer after 12 rounds, and one of a hundred after 24.
 */
export async function raceAgainst(
  options: RaceOptions,
  against: string,
  programs: Programs,
  say: (line: string) => void,
): Promise<AgainstEnd> {
  const entrants = chooseBuilds(options, against);
  await buildNative(programs);
  const rounds = new Rounds(options, programs);
  await rounds.startWorkers();
  let contestants: Contestant[] = [];
  for (const entrant of entrants) contestants.push(await launch(rounds, entrant));
  const order = entrants.map((entrant) => entrant.name);
  const versions = Object.fromEntries(entrants.map((entrant) => [entrant.name, entrant.version?.() ?? '']));
  for (const build of new Set(Object.entries(versions).map(([name, version]) => `${name.split('/')[0]}: ${version}`))) say(build);
  const load = loadavg().map((value) => value.toFixed(1));
  say(`${options.rounds} rounds of ${options.workloads.join(', ')}; load average ${load.join(' ')}`);

  const results: WindowResult[] = [];
  let done = 0;
  /** Rounds `first` to `last`; the time left counts from the first round on. */
  const run = async (first: number, last: number, workloads: readonly string[]): Promise<void> => {
    const began = performance.now();
    let windows = 0;
    const all = (last - first + 1) * workloads.length;
    for (let round = first; round <= last; round++) {
      if (options.isFresh && done++ > 0) contestants = await rounds.restart(contestants);
      for (const name of workloads) {
        const measured = await rounds.measure(round, name, contestants);
        const left = ((performance.now() - began) / 1000) * (all / ++windows - 1);
        const head = `${round > 0 ? `round ${round} of ${last}` : 'warming up'}, ${minutes(left)} left: `;
        if (round <= 0) say(head + name);
        else for (const pair of pairUp(measured)) say(head + pairLine(pair));
        for (const window of measured) for (const line of windowErrors(window)) say(line);
        if (round > 0) results.push(...measured);
      }
    }
  };
  const { workloads } = options;
  if (!options.isFresh) await run(1 - WARMUP_ROUNDS, 0, workloads);
  await run(1, options.rounds, workloads);
  const dearer = new Set(compare(results).flatMap(({ verdict, workload }) => (verdict === 'dearer' ? [workload] : [])));
  if (dearer.size > 0 && options.isConfirmed) {
    say(`dearer so far: ${[...dearer].join(', ')}; as many rounds again`);
    await run(options.rounds + 1, 2 * options.rounds, [...dearer]);
  }

  const comparisons = compare(results);
  say('');
  say(comparisonTable(comparisons));
  if (options.jsonFile) writeRecord(options.jsonFile, { versions, order, results, comparisons });
  return { comparisons, wrongAnswers: results.reduce((sum, window) => sum + window.errors, 0) };
}
