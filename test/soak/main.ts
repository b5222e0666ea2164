/**
 * npm run test:soak: mixed load, random faults and restarts for 10 minutes. Prints a table and verdicts; exit status 1 if one is wrong.
 *
 *   --minutes N    how long (default 10)
 *   --clients N    clients of each router (default 24)
 *   --seed N       seed of load and faults (default 1)
 *   --restart N    seconds between two restarts of a worker (default 20)
 *   --json FILE    where the figures go (default .build/soak.json)
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { json, table, verdictLines } from './report.ts';
import { runSoak, type SoakSettings, verdicts } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '24' },
    seed: { type: 'string', default: '1' },
    restart: { type: 'string', default: '20' },
    json: { type: 'string', default: '.build/soak.json' },
  },
});

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: expected a number above 0, got ${text}`);
  return value;
}

const settings: SoakSettings = {
  seconds: positive('minutes', values.minutes) * 60,
  clients: positive('clients', values.clients),
  seed: positive('seed', values.seed),
  restartEverySecs: positive('restart', values.restart),
};
const ends: (() => void | Promise<void>)[] = [];
try {
  const reports = await runSoak({ after: (end) => void ends.push(end) }, settings);
  writeFileSync(values.json, json(reports, settings));
  process.stdout.write(`${table(reports)}\n\n`);
  for (const report of reports) for (const line of verdictLines(report, settings)) process.stdout.write(`${line}\n`);
  process.stdout.write(`figures: ${values.json}\n`);
  process.exitCode = reports.every((report) => verdicts(report, settings).every(({ isRight }) => isRight)) ? 0 : 1;
} finally {
  for (const end of ends.reverse()) await end();
}
