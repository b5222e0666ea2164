/** The race itself: start every entrant once, then round after round measure each with each workload, in another order each time. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { allEntrants, isNamed, isYardstick } from './entrants/catalogue.ts';
import type { Entrant, Field } from './entrants/entrant.ts';
import { waitForAnswers } from './entrants/readiness.ts';
import { buildNative, startWorker } from './native.ts';
import type { RaceOptions } from './options.ts';
import { isListening } from './process-family.ts';
import type { Program, Programs } from './processes.ts';
import { resultTable, windowLine } from './report.ts';
import { median, type Rated, rate } from './statistics.ts';
import { type Bystanders, type Contestant, measureWindow, type WindowResult } from './window.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** Compiling its hot code takes Node a second or two; a cold start is not what is measured. */
const FIRST_WARMUP_SECONDS = 1.2;
/**
 * Rounds before the first that counts. What a proxy does when a window ends, and hundreds of clients leave at once, is code that it has
 * not compiled yet either, and meeting it makes V8 compile much of the rest again.
 */
const WARMUP_ROUNDS = 2;

export type Say = (line: string) => void;

/** What is kept of a race with `--json`. */
export interface RaceRecord {
  readonly command: string;
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly cpu: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly order: readonly string[];
  readonly results: readonly WindowResult[];
}

export interface RaceEnd {
  readonly results: readonly Rated[];
  readonly wrongAnswers: number;
  /** Entrants that are here but did not start. */
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

class Race {
  readonly #options: RaceOptions;
  readonly #programs: Programs;
  readonly #say: Say;
  readonly #plain: Program[] = [];
  #prefill: Program | null = null;
  #decode: Program | null = null;

  constructor(options: RaceOptions, programs: Programs, say: Say) {
    this.#options = options;
    this.#programs = programs;
    this.#say = say;
  }

  async startWorkers(): Promise<void> {
    for (const name of ['worker-1', 'worker-2']) this.#plain.push(await startWorker(this.#programs, name, 'plain'));
    if (!this.#options.workloads.some((name) => WORKLOADS[name]?.kind === 'pd')) return;
    this.#prefill = await startWorker(this.#programs, 'worker-prefill', 'prefill');
    this.#decode = await startWorker(this.#programs, 'worker-decode', 'decode');
  }

  async launch(entrant: Entrant): Promise<Contestant> {
    const field: Field = {
      programs: this.#programs,
      workerPorts: this.#plain.map((worker) => worker.port),
      prefillPort: this.#prefill?.port ?? 0,
      decodePort: this.#decode?.port ?? 0,
    };
    const running = await entrant.start(field);
    await waitForAnswers(running.port, running.program);
    if (running.program && !isListening(running.program.pids(), running.port))
      throw new Error(`port ${running.port} is held by another program`);
    return { entrant, running };
  }

  /** All contestants with one workload, one window each. Rounds up to 0 are warm-up. */
  async round(round: number, name: string, workload: Workload, contestants: readonly Contestant[]): Promise<readonly Rated[]> {
    const taking = contestants.filter(
      ({ entrant }) => (entrant.kind === workload.kind || isYardstick(entrant.name)) && !(entrant.isMeasuredOnce && round !== 1),
    );
    const results: WindowResult[] = [];
    for (let i = 0; i < taking.length; i++) {
      const contestant = taking[(i + round - 1 + WARMUP_ROUNDS) % taking.length]!;
      const isCold = round <= 0 || this.#options.isFresh;
      const settings = { ...this.#options, warmup: isCold ? Math.max(this.#options.warmup, FIRST_WARMUP_SECONDS) : this.#options.warmup };
      const once = () => measureWindow(contestant, workload, this.#bystanders(contestant, workload), settings);
      let sample = await once();
      // On a full machine a window can be all somebody else's: nothing at all came through. Twice is an error.
      if (sample.errors === 1 && sample.units === 0) sample = await once();
      results.push({ ...sample, round, workload: name, name: contestant.entrant.name });
    }
    const rated = rate(results);
    if (round > 0) for (const window of rated) this.#say(windowLine(window, workload));
    return rated;
  }

  #bystanders({ entrant }: Contestant, workload: Workload): Bystanders {
    const pair = [this.#prefill, this.#decode].filter((worker) => worker !== null);
    const isPaired = workload.kind === 'pd' && entrant.kind === 'pd';
    return { dir: this.#programs.dir, workers: isPaired ? pair : this.#plain, allWorkers: [...this.#plain, ...pair] };
  }
}

/** Runs a whole race. The caller stops `programs` afterwards, however it ends. */
export async function runRace(options: RaceOptions, programs: Programs, say: Say): Promise<RaceEnd> {
  const entrants = chooseEntrants(options);
  await buildNative(programs.dir);
  const race = new Race(options, programs, say);
  await race.startWorkers();

  let contestants: Contestant[] = [];
  const failed: string[] = [];
  const versions: Record<string, string> = {};
  for (const entrant of entrants) {
    const problem = entrant.findProblem();
    if (problem) {
      say(`skipped ${entrant.name}: ${problem}`);
      continue;
    }
    try {
      contestants.push(await race.launch(entrant));
      versions[entrant.name] = entrant.version?.() ?? '';
    } catch (error) {
      say(`DID NOT START ${entrant.name}: ${String(error)}`);
      failed.push(entrant.name);
    }
  }
  const order = contestants.map(({ entrant }) => entrant.name);
  say(`entrants: ${order.map((name) => `${name} ${versions[name]}`.trim()).join(', ')}`);
  say(
    `${options.rounds} rounds, windows of ${options.seconds} s; load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );

  const began = process.hrtime.bigint();
  const results: Rated[] = [];
  for (let round = options.isFresh ? 1 : 1 - WARMUP_ROUNDS; round <= options.rounds; round++) {
    if (options.isFresh && round > 1) contestants = await restart(race, contestants);
    if (round <= 0) say(`warming up, ${round + WARMUP_ROUNDS} of ${WARMUP_ROUNDS} rounds`);
    for (const name of options.workloads) {
      const windows = await race.round(round, name, WORKLOADS[name]!, contestants);
      if (round > 0) results.push(...windows);
    }
  }

  say('');
  for (const table of tables(results, order, options.workloads)) say(table);
  const seconds = Number((process.hrtime.bigint() - began) / 1_000_000_000n);
  say(
    `${seconds} s; other programs used ${median(results.map((window) => window.other_cores)).toFixed(1)} of ${cpus().length} cores (median)`,
  );
  if (options.jsonFile) writeRecord(options, options.jsonFile, versions, order, results);
  return { results, failed, wrongAnswers: results.reduce((sum, window) => sum + window.errors, 0) };
}

async function restart(race: Race, contestants: readonly Contestant[]): Promise<Contestant[]> {
  const fresh: Contestant[] = [];
  for (const { entrant, running } of contestants) {
    await running.program?.stop();
    fresh.push(await race.launch(entrant));
  }
  return fresh;
}

function writeRecord(
  options: RaceOptions,
  file: string,
  versions: Readonly<Record<string, string>>,
  order: readonly string[],
  results: readonly WindowResult[],
): void {
  const record: RaceRecord = {
    command: `npm run bench:race -- ${process.argv.slice(2).join(' ')}`,
    date: new Date().toISOString(),
    node: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    versions,
    order,
    results,
  };
  writeFileSync(options.jsonFile ?? file, `${JSON.stringify(record, null, 1)}\n`);
}
