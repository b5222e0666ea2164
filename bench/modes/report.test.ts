import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparisonTable, failureLines, type Measured } from './report.ts';

const DEATH = { requests: 100, failed: 2, lastFailureS: 0.04, longestFirstMs: 30, messages: { gone: 2 } };
const ONE: Measured = {
  ...{ round: 1, shape: 'aggregated', mode: 'router', readyMs: [1000, 2000], startCpuMs: [3000, 3000], processes: 8, entranceProcesses: 4 },
  ...{ memoryMib: 400, entranceMemoryMib: 100, workerFirstMs: 2, firstMs: 5, cpuMs: 1.5, teardownMs: 250, death: DEATH },
};

const cellsOf = (table: string, start: string): readonly string[] =>
  (table.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? '')
    .split('|')
    .slice(2, -1)
    .map((text) => text.trim());

test('the table has the median and the range of all rounds, a column for each shape and mode', () => {
  const other: Measured = { ...ONE, round: 2, readyMs: [1500, 9000], firstMs: 9 };
  const table = comparisonTable([ONE, other, { ...ONE, mode: 'dynamo', readyMs: [7000] }]);
  assert.match(table, /aggregated, router mode \| aggregated, Dynamo mode \|$/m);
  assert.deepEqual(cellsOf(table, 'start'), ['1.8 (1.0-9.0)', '7.0']);
  assert.deepEqual(cellsOf(table, 'first token'), ['7.0 (5.0-9.0)', '5.0']);
  assert.deepEqual(cellsOf(table, '... added'), ['5.0 (3.0-7.0)', '3.0']);
});

test('what could not be measured is a dash', () => {
  const table = comparisonTable([{ ...ONE, shape: 'pairs', workerFirstMs: null }]);
  assert.deepEqual(cellsOf(table, '... of a worker asked directly'), ['-']);
  assert.deepEqual(cellsOf(table, '... added'), ['-']);
});

test('messages of failures are counted over rounds, the most frequent first', () => {
  const messages = { gone: 1, refused: 5 };
  assert.deepEqual(failureLines([ONE, { ...ONE, death: { ...DEATH, messages } }]), ['5 x router: refused', '3 x router: gone']);
});
