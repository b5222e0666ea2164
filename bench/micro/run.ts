/** `npm run bench:micro [-- PART ... --time MS]`: runs the files of bench/micro whose name contains a PART, prints figures. */
import { parseArgs } from 'node:util';
import { loadBenchFiles } from './bench-files.ts';
import { figureTable, measure } from './measure.ts';

const { values, positionals } = parseArgs({
  options: { time: { type: 'string', default: '300' } },
  allowPositionals: true,
});
const timeMs = Number(values.time);
if (!(timeMs > 0)) throw new Error(`--time "${values.time}": expected milliseconds above 0`);

const files = await loadBenchFiles(positionals);
if (files.length === 0) throw new Error('no bench file matches');
for (const file of files) process.stdout.write(`${figureTable(file.title, await measure(file.cases(), timeMs))}\n`);
