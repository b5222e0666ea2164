/** One quick round of the comparison, with real fleets in both modes: the command that the figures come from must not rot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dynamoOrSkip } from '../../test/support/dynamo.ts';
import { NGINX_MISSING } from '../../test/support/nginx-process.ts';
import { Program, ROOT } from '../../test/support/program.ts';
import { until } from '../../test/support/until.ts';

const { skip } = await dynamoOrSkip();

test('a quick round of the comparison of modes fills every cell of its table', {
  skip: skip || NGINX_MISSING,
  timeout: 120_000,
}, async (t) => {
  const program = Program.run(t, process.execPath, [
    `${ROOT}.build/bench/modes/run.js`,
    '--quick',
    '--requests',
    '8',
    '--shapes',
    'aggregated',
  ]);
  await until(
    () => program.exited !== null,
    () => `the round to end: ${program.stdout}${program.stderr}`,
    90_000,
  );
  assert.deepEqual([program.exited?.code, program.stderr], [0, '']);
  const rows = program.stdout.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| -'));
  assert.equal(rows.length, 15, program.stdout);
  // On a busy machine a worker asked directly may be slower than one asked through the entrance.
  for (const row of rows.slice(1)) assert.match(row, /^\| \S.*(?:\| +-?\d[\d.]*(?: \([\d.]+-[\d.]+\))? +){2}\|$/, row);
});
