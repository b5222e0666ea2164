/**
 * npm run test:chaos: does to runs what happens at night, and prints a table: exit code, first line of status, time, what is left.
 *
 *   --only TEXT    cells whose phase or name contains the text; may be repeated
 */
import { parseArgs } from 'node:util';
import { CELLS } from './cells.ts';
import { play } from './play.ts';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true, default: [] } } });
const chosen = CELLS.filter(({ phase, name }) => values.only.length === 0 || values.only.some((text) => `${phase} ${name}`.includes(text)));
let wrong = 0;
for (const cell of chosen) {
  const outcome = await play(cell).catch((error: Error) => error);
  if (outcome instanceof Error) {
    wrong++;
    process.stdout.write(`WRONG  ${cell.phase.padEnd(12)} ${cell.name.padEnd(30)} ${outcome.message.slice(-300)}\n`);
    continue;
  }
  const { code, seconds, left, firstLine } = outcome;
  const isWrong = outcome.wrong.length > 0;
  if (isWrong) wrong++;
  const cells = [
    isWrong ? 'WRONG' : 'ok   ',
    cell.phase.padEnd(12),
    cell.name.padEnd(30),
    String(code).padStart(3),
    `${seconds.toFixed(1).padStart(5)} s`,
  ];
  process.stdout.write(`${cells.join('  ')}  left ${left.length}  ${firstLine.slice(0, 120)}\n`);
  for (const words of outcome.wrong) process.stdout.write(`       ${words}\n`);
}
process.stdout.write(`${chosen.length} cells: ${wrong} wrong\n`);
process.exitCode = wrong > 0 || chosen.length === 0 ? 1 : 0;
