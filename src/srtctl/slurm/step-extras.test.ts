import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeStepOptions } from './step-extras.ts';

test('options of steps are those of the recipe, those of its containers too', () => {
  const given = { mpi: 'pmix', 'cpu-bind': 'verbose,none', mem: '0', 'container-remap-root': null, 'container-writable': null };
  assert.deepEqual(judgeStepOptions(given), { kept: given, problems: [], warnings: [] });
});

test('options that srtctl sets are left out, with a warning each', () => {
  const { kept, problems, warnings } = judgeStepOptions({ overlap: null, output: 'x', label: null, export: 'ALL', mpi: 'pmix' });
  assert.deepEqual([kept, problems], [{ mpi: 'pmix' }, []]);
  assert.deepEqual(
    warnings.map(({ path, message }) => `${path}: ${message}`),
    ['overlap', 'output', 'label', 'export'].map((name) => `srun_options.${name}: left out: srtctl sets --${name} itself`),
  );
});

test('options with which a step would run elsewhere or something else are refused', () => {
  for (const name of ['nodelist', 'relative', 'pty', 'container-image', 'container-mounts', 'container-name'])
    assert.deepEqual(
      judgeStepOptions({ [name]: 'x' }).problems.map(({ path }) => path),
      [`srun_options.${name}`],
    );
  assert.match(judgeStepOptions({ export: 'ALL,X=a,b' }).problems[0]?.message ?? '', /commas/);
});
