/** `npm run bench:race`: options in, tables out. options.ts lists the exit statuses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseBuilds, raceAgainst } from './against.ts';
import { comparisonTable } from './comparison-report.ts';
import { allEntrants } from './entrants/catalogue.ts';
import { HELP, parseOptions, type RaceOptions } from './options.ts';
import { Programs } from './processes.ts';
import { chooseEntrants, runRace, type Say, tables } from './race.ts';
import { readRecord } from './record.ts';
import { selfCheck } from './self-check.ts';
import { WORKLOADS } from './workloads.ts';

const BAD_OPTIONS = 2;
const DEARER = 3;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function readOptions(): RaceOptions {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options.wantsHelp) return options;
    if (options.against === null) chooseEntrants(options);
    else chooseBuilds(options, options.against);
    return options;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(BAD_OPTIONS);
  }
}

function list(options: RaceOptions): void {
  for (const entrant of allEntrants(options.policies, options.also)) {
    const note = [entrant.isCheck ? 'checks the race' : '', entrant.findProblem() ?? ''].filter(Boolean).join(', ');
    say(`${entrant.name.padEnd(20)} ${entrant.kind.padEnd(6)} ${note}`.trimEnd());
  }
}

function printRecord(file: string): void {
  const { command, date, node, cores, cpu, results, order, comparisons } = readRecord(file);
  say(`${command}\n${date}, Node ${node}, ${cores} cores (${cpu})\n`);
  if (comparisons !== undefined) say(comparisonTable(comparisons));
  else for (const table of tables(results, order, Object.keys(WORKLOADS))) say(table);
}

/** Runs a race in a temporary folder and ends everything it started, also on a signal. */
async function race(run: (programs: Programs, tell: Say) => Promise<number>): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'race-'));
  const programs = new Programs(dir);
  const cleanUp = async () => {
    await programs.stopAll();
    rmSync(dir, { recursive: true, force: true });
  };
  let stopping: Promise<never> | null = null;
  for (const [signal, status] of Object.entries(SIGNALS)) {
    // Not `once`: a second Ctrl-C must not end the race before its programs.
    process.on(signal, () => {
      if (stopping === null) say(`${signal}: ending all programs of the race`);
      stopping ??= cleanUp().then(() => process.exit(status));
    });
  }
  const sayWhileRunning: Say = (line) => {
    if (stopping === null) say(line);
  };
  try {
    return await run(programs, sayWhileRunning);
  } catch (error) {
    // The race has lost its programs to the signal; that is no failure to report.
    if (stopping !== null) await stopping;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    if (stopping === null) await cleanUp();
  }
}

function wrong(wrongAnswers: number): number {
  if (wrongAnswers > 0) say(`*** ${wrongAnswers} wrong answers, see above`);
  return wrongAnswers > 0 ? 1 : 0;
}

async function againstProxies(options: RaceOptions, programs: Programs, tell: Say): Promise<number> {
  const { results, failed, wrongAnswers } = await runRace(options, programs, tell);
  if (options.isSelfCheck) {
    const verdicts = selfCheck(results);
    for (const { isRight, text } of verdicts) say(`${isRight ? 'ok  ' : 'FAIL'} ${text}`);
    return verdicts.every(({ isRight }) => isRight) ? 0 : 1;
  }
  if (failed.length > 0) say(`did not start: ${failed.join(', ')}`);
  return wrong(wrongAnswers) || (failed.length > 0 ? 1 : 0);
}

async function againstBuild(options: RaceOptions, against: string, programs: Programs, tell: Say): Promise<number> {
  const { comparisons, wrongAnswers } = await raceAgainst(options, against, programs, tell);
  return wrong(wrongAnswers) || (comparisons.some(({ verdict }) => verdict === 'dearer') ? DEARER : 0);
}

const options = readOptions();
const { against } = options;
if (options.wantsHelp) say(HELP);
else if (options.wantsList) list(options);
else if (options.fromFile) printRecord(options.fromFile);
else if (against !== null) process.exitCode = await race((programs, tell) => againstBuild(options, against, programs, tell));
else process.exitCode = await race((programs, tell) => againstProxies(options, programs, tell));
