import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBenchFiles } from './bench-files.ts';
import { figureTable, measure } from './measure.ts';

const files = await loadBenchFiles([]);

test('there are micro-benchmarks', () => {
  assert.ok(files.length > 0);
});

for (const file of files) {
  test(`the micro-benchmark ${file.title} runs and gives figures`, async () => {
    const cases = file.cases();
    assert.ok(cases.length > 0);
    for (const figure of await measure(cases, 1)) assert.ok(figure.medianNs > 0, figure.name);
  });
}

test('figures are per operation', async () => {
  let calls = 0;
  const [figure] = await measure([{ name: 'a', ops: 1e9, bytesPerOp: 8, run: () => void calls++ }], 1);
  assert.ok(calls >= 3);
  assert.ok(figure && figure.medianNs < 0.1 && figure.gigabytesPerSecond !== null);
});

test('a case that throws fails the run', async () => {
  const broken = {
    name: 'broken',
    ops: 1,
    run() {
      throw new Error('wrong result');
    },
  };
  await assert.rejects(measure([broken], 1), /wrong result/);
});

test('the table shows each figure in its column', () => {
  const table = figureTable('scan', [{ name: 'a', medianNs: 12.34, p99Ns: 4567.8, gigabytesPerSecond: null }]);
  assert.match(table, /### scan\n\n\| case \| median ns \| p99 ns \| GB\/s \|\n\|-+\|-+:\|-+:\|-+:\|\n\| a +\| +12\.3 \| +4568 \| +- \|/);
});
