/**
 * npm run bench:scale: a fleet of 1,000 workers and 5,000 streams at once through one router, on two cores.
 *
 *   --workers N     (default 1000)
 *   --streams N     (default 5000)
 *   --seconds N     length of each stream (default 30)
 *   --rounds N      rounds of the comparison with 8 workers (default 5)
 *   --policies P,P  (default cache_aware,round_robin)
 *   --json FILE     where the figures go (default .build/scale.json)
 *
 * Exit status 1 if a verdict is wrong.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { measureCost, measureStreams, type ScaleOptions, verdicts } from './scale.ts';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1000' },
    streams: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '5' },
    policies: { type: 'string', default: 'cache_aware,round_robin' },
    json: { type: 'string', default: '.build/scale.json' },
  },
});

function count(name: 'workers' | 'streams' | 'seconds' | 'rounds'): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: expected an integer of at least 1, got ${values[name]}`);
  return value;
}

const ends: (() => void | Promise<void>)[] = [];
const directory = mkdtempSync(`${tmpdir()}/scale-`);
ends.push(() => rmSync(directory, { recursive: true }));
const options: ScaleOptions = {
  workers: count('workers'),
  streams: count('streams'),
  streamSecs: count('seconds'),
  rounds: count('rounds'),
  policies: values.policies.split(','),
  windowMs: 2000,
  settleMs: 3000,
  directory,
  owner: { after: (end) => void ends.push(end) },
  say: (line) => void process.stdout.write(`${line}\n`),
};
try {
  const costs = await measureCost(options);
  const streams = await measureStreams(options);
  const judged = verdicts(options, costs, streams);
  for (const { isRight, text } of judged) options.say(`${isRight ? 'ok  ' : 'FAIL'} ${text}`);
  writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), costs, streams, verdicts: judged }, null, 1)}\n`);
  options.say(`figures: ${values.json}`);
  process.exitCode = judged.every(({ isRight }) => isRight) ? 0 : 1;
} finally {
  for (const end of ends.reverse()) await end();
}
