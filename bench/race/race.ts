/** A race of this router against other proxies, with the cost of nginx in the same round as the measure. */
import { cpus, loadavg } from 'node:os';
import { allEntrants, isNamed, isYardstick } from './entrants/catalogue.ts';
import type { Entrant } from './entrants/entrant.ts';
import { buildNative } from './native.ts';
import type { RaceOptions } from './options.ts';
import type { Programs } from './processes.ts';
import { writeRecord } from './record.ts';
import { resultTable, windowLine } from './report.ts';
import { Rounds, WARMUP_ROUNDS } from './rounds.ts';
import { median, type Rated, rate } from './statistics.ts';
import type { Contestant, WindowResult } from './window.ts';
import { WORKLOADS } from './workloads.ts';

export type Say = (line: string) => void;

export interface RaceEnd {
  readonly results: readonly Rated[];
  readonly wrongAnswers: number;
  /** Entrants that are installed but did not start. */
  readonly failed: readonly string[];
}

/** The entrants that the options ask for. Throws for a name that is none. */
export function chooseEntrants(options: RaceOptions): readonly Entrant[] {
  const all = allEntrants(options.policies, options.also);
  const { only } = options;
  const unknown = only?.find((name) => !all.some((entrant) => isNamed(entrant, name)));
  if (unknown !== undefined) throw new Error(`--only "${unknown}": no such entrant (see --list)`);
  const kinds = new Set(options.workloads.map((name) => WORKLOADS[name]?.kind));
  return all.filter(
    (entrant) =>
      isYardstick(entrant.name) || (kinds.has(entrant.kind) && (only ? only.some((name) => isNamed(entrant, name)) : !entrant.isCheck)),
  );
}

/** Tables of all workloads, from windows in any order. */
export function tables(results: readonly WindowResult[], order: readonly string[], workloads: readonly string[]): readonly string[] {
  return workloads.flatMap((name) => {
    const workload = WORKLOADS[name];
    const ofWorkload = results.filter((window) => window.workload === name);
    if (!workload || ofWorkload.length === 0) return [];
    const rounds = [...new Set(ofWorkload.map((window) => window.round))];
    const rated = rounds.flatMap((round) => rate(ofWorkload.filter((window) => window.round === round)));
    return [resultTable(name, workload, rated, order)];
  });
}

interface Started {
  readonly contestants: readonly Contestant[];
  readonly failed: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

async function startAll(rounds: Rounds, entrants: readonly Entrant[], say: Say): Promise<Started> {
  const contestants: Contestant[] = [];
  const failed: string[] = [];
  const versions: Record<string, string> = {};
  for (const entrant of entrants) {
    const problem = entrant.findProblem();
    if (problem) {
      say(`skipped ${entrant.name}: ${problem}`);
      continue;
    }
    try {
      contestants.push(await rounds.launch(entrant));
      versions[entrant.name] = entrant.version?.() ?? '';
    } catch (error) {
      say(`DID NOT START ${entrant.name}: ${String(error)}`);
      failed.push(entrant.name);
    }
  }
  return { contestants, failed, versions };
}

/** Runs a whole race. The caller stops `programs` afterwards, however it ends. */
export async function runRace(options: RaceOptions, programs: Programs, say: Say): Promise<RaceEnd> {
  const entrants = chooseEntrants(options);
  await buildNative(programs);
  const rounds = new Rounds(options, programs);
  await rounds.startWorkers();
  const started = await startAll(rounds, entrants, say);
  const { failed, versions } = started;
  let { contestants } = started;
  const order = contestants.map(({ entrant }) => entrant.name);
  say(`entrants: ${order.map((name) => `${name} ${versions[name]}`.trim()).join(', ')}`);
  const load = loadavg().map((value) => value.toFixed(1));
  say(`${options.rounds} rounds, windows of ${options.seconds} s; load average ${load.join(' ')}`);

  const began = process.hrtime.bigint();
  const results: Rated[] = [];
  for (let round = options.isFresh ? 1 : 1 - WARMUP_ROUNDS; round <= options.rounds; round++) {
    if (options.isFresh && round > 1) contestants = await rounds.restart(contestants);
    if (round <= 0) say(`warming up, ${round + WARMUP_ROUNDS} of ${WARMUP_ROUNDS} rounds`);
    for (const name of options.workloads) {
      const windows = rate(await rounds.measure(round, name, contestants));
      if (round <= 0) continue;
      for (const window of windows) say(windowLine(window, WORKLOADS[name]!));
      results.push(...windows);
    }
  }

  say('');
  for (const table of tables(results, order, options.workloads)) say(table);
  const seconds = Number((process.hrtime.bigint() - began) / 1_000_000_000n);
  say(
    `${seconds} s; other programs used ${median(results.map((window) => window.other_cores)).toFixed(1)} of ${cpus().length} cores (median)`,
  );
  if (options.jsonFile) writeRecord(options.jsonFile, { versions, order, results });
  return { results, failed, wrongAnswers: results.reduce((sum, window) => sum + window.errors, 0) };
}
