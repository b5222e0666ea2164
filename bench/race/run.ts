/** `npm run bench:race`: options in, tables out. Exit 1 if an answer was wrong or an entrant that is here did not run, 2 for bad options. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allEntrants } from './entrants/catalogue.ts';
import { HELP, parseOptions, type RaceOptions } from './options.ts';
import { Programs } from './processes.ts';
import { chooseEntrants, type RaceRecord, runRace, tables } from './race.ts';
import { selfCheck } from './self-check.ts';
import { WORKLOADS } from './workloads.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function readOptions(): RaceOptions {
  try {
    const options = parseOptions(process.argv.slice(2));
    chooseEntrants(options);
    return options;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

function list(options: RaceOptions): void {
  for (const entrant of allEntrants(options.policies, options.also)) {
    const note = [entrant.isCheck ? 'checks the race' : '', entrant.findProblem() ?? ''].filter(Boolean).join(', ');
    say(`${entrant.name.padEnd(20)} ${entrant.kind.padEnd(6)} ${note}`.trimEnd());
  }
}

function printRecord(file: string): void {
  const record: RaceRecord = JSON.parse(readFileSync(file, 'utf8'));
  say(`${record.command}\n${record.date}, Node ${record.node}, ${record.cores} cores (${record.cpu})\n`);
  for (const table of tables(record.results, record.order, Object.keys(WORKLOADS))) say(table);
}

/** 0 or 1, the exit status. */
async function race(options: RaceOptions): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'race-'));
  const programs = new Programs(dir);
  const cleanUp = async () => {
    await programs.stopAll();
    rmSync(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cleanUp().then(() => process.exit(130)));
  }
  try {
    const { results, failed, wrongAnswers } = await runRace(options, programs, say);
    if (options.isSelfCheck) {
      const verdicts = selfCheck(results);
      for (const { isRight, text } of verdicts) say(`${isRight ? 'ok  ' : 'FAIL'} ${text}`);
      return verdicts.every(({ isRight }) => isRight) ? 0 : 1;
    }
    if (failed.length > 0) say(`did not start: ${failed.join(', ')}`);
    if (wrongAnswers > 0) say(`*** ${wrongAnswers} wrong answers, see above`);
    return failed.length > 0 || wrongAnswers > 0 ? 1 : 0;
  } finally {
    await cleanUp();
  }
}

const options = readOptions();
if (options.wantsHelp) say(HELP);
else if (options.wantsList) list(options);
else if (options.fromFile) printRecord(options.fromFile);
else process.exitCode = await race(options);
