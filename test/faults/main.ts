/**
 * npm run test:faults: plays the fault matrix against router processes and prints what clients saw.
 *
 *   --fast         only the rows that npm test runs
 *   --only TEXT    rows whose name contains the text; may be repeated
 *   --json         one JSON object per cell, one a line
 */
import { parseArgs } from 'node:util';
import { FAST_FAULTS, FAULTS } from './faults.ts';
import { FaultBench, type Result } from './run-cell.ts';

const { values } = parseArgs({
  options: {
    fast: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});

const ends: (() => void | Promise<void>)[] = [];
const bench = new FaultBench({ after: (end) => void ends.push(end) });

function line({ fault, cell, saw, right, tookMs, withinMs, left, pending, isExpected }: Result): string {
  const verdict = isExpected ? (pending === null ? 'ok' : 'pending') : pending === null ? 'WRONG' : 'WRONG: passes';
  const wanted = saw === right ? '' : `  right: ${right}`;
  const late = tookMs > withinMs ? `  limit: ${withinMs} ms` : '';
  const rest = left.length === 0 ? '' : `  left: ${left.join(', ')}`;
  const part = pending === null ? '' : `  waits for: ${pending}`;
  return `${verdict.padEnd(8)} ${fault.padEnd(28)} ${cell.padEnd(15)} ${String(tookMs).padStart(6)} ms  ${saw}${wanted}${late}${rest}${part}`;
}

const chosen = values.fast ? FAST_FAULTS : FAULTS;
const rows = chosen.filter(({ name }) => values.only.length === 0 || values.only.some((text) => name.includes(text)));
const results: Result[] = [];
try {
  for (const fault of rows) {
    for (const cell of fault.cells) {
      const result = await bench.play(fault, cell);
      results.push(result);
      process.stdout.write(`${values.json ? JSON.stringify(result) : line(result)}\n`);
    }
  }
} finally {
  for (const end of ends.reverse()) await end();
}
const wrong = results.filter(({ isExpected }) => !isExpected).length;
const waiting = results.filter(({ pending, isExpected }) => isExpected && pending !== null).length;
if (!values.json) process.stdout.write(`${results.length} cells: ${wrong} wrong, ${waiting} wait for a part that does not exist yet\n`);
process.exitCode = wrong > 0 || results.length === 0 ? 1 : 0;
