/** `npm run fuzz:http1 -- [--messages N] [--seed N]`: the differential fuzz of src/wire/http1 against Node's own parser. */
import { parseArgs } from 'node:util';
import { fuzzRequests, fuzzResponses, type Tally } from './campaign.ts';

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
});
const messages = Number(values.messages);
const seed = Number(values.seed);
if (!Number.isSafeInteger(messages) || messages < 2) throw new Error(`--messages "${values.messages}": expected a whole number above 1`);
if (!Number.isFinite(seed)) throw new Error(`--seed "${values.seed}": expected a number`);

function report(title: string, tally: Tally, seconds: number): boolean {
  const lines = [
    `${title}: ${tally.generated} generated, ${tally.compared} accepted by both with equal content, ${tally.differenceCount} differences, ${seconds.toFixed(1)} s`,
    `  refused by both: ${tally.refusedByBoth}`,
    ...[...tally.refusedByUsOnly].sort((a, b) => b[1] - a[1]).map(([rule, n]) => `  refused by us only: ${n} x ${rule}`),
    ...[...tally.skipped].map(([why, n]) => `  not compared further: ${n} x ${why}`),
    ...tally.differences.map((difference) => `  DIFFERENCE ${difference}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return tally.differenceCount === 0 && tally.compared > 0;
}

async function timed(title: string, run: Promise<Tally>): Promise<boolean> {
  const begin = performance.now();
  const tally = await run;
  return report(title, tally, (performance.now() - begin) / 1000);
}

const requestCount = Math.ceil((messages * 2) / 3);
process.stdout.write(`seed ${seed}\n`);
const requestsAgree = await timed('requests', fuzzRequests(requestCount, seed));
const responsesAgree = await timed('responses', fuzzResponses(messages - requestCount, seed));
if (!requestsAgree || !responsesAgree) process.exitCode = 1;
