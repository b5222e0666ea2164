import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, pairUp, ratioOf } from './comparison.ts';
import { comparisonTable, pairLine } from './comparison-report.ts';
import type { WindowResult } from './window.ts';

function windowOf(name: string, round: number, cost: number, more: Partial<WindowResult> = {}): WindowResult {
  return {
    ...{ name, workload: 'json1k5', round, seconds: 1, units: 10, events: 0, expected_events: 0, per_s: 10 },
    ...{ cpu_us: cost * 10, cpu_us_per_unit: cost, cpu_workers_us: 0, cpu_load_us: 0, cpu_machine_us: 0, p50_us: 1000, p99_us: 2000 },
    ...{ reconnects: 0, errors: 0, first_errors: [], rss_mib: 50, threads: 1, split: [5, 5], affinity: 1, aborted: 0, other_cores: 0 },
    is_disturbed: false,
    ...more,
  };
}

/** One round for each pair of costs, new and old. */
function rounds(costs: readonly (readonly [number, number])[], more: Partial<WindowResult> = {}): WindowResult[] {
  return costs.flatMap(([fresh, old], i) => [windowOf('old/rr', i + 1, old, more), windowOf('new/rr', i + 1, fresh, more)]);
}

const only = (windows: readonly WindowResult[]) => {
  const all = compare(windows);
  assert.equal(all.length, 1);
  return all[0]!;
};

test('a ratio is of two windows of one round, workload and policy', () => {
  const windows = [
    windowOf('new/rr', 1, 30),
    windowOf('old/ca', 1, 1),
    windowOf('old/rr', 2, 10),
    windowOf('old/rr', 1, 20),
    windowOf('old/rr', 1, 5, { workload: 'sse' }),
    windowOf('new/rr', 3, 7),
  ];
  const pairs = pairUp(windows);
  assert.equal(pairs.length, 1);
  assert.equal(ratioOf(pairs[0]!), 1.5);
});

test('the ratio is the median over the rounds, not the ratio of medians', () => {
  // The machine slows down from round to round; the new build costs a tenth more in each.
  const { ratio, new_us, old_us, verdict } = only(
    rounds([
      [11, 10],
      [22, 20],
      [44, 40],
      [88, 80],
      [176, 160],
    ]),
  );
  assert.deepEqual([ratio.q1, ratio.median, ratio.q3], [1.1, 1.1, 1.1]);
  assert.deepEqual([new_us.q1, new_us.median, new_us.q3], [22, 44, 88]);
  assert.deepEqual([old_us.q1, old_us.median, old_us.q3], [20, 40, 80]);
  assert.equal(verdict, 'dearer');
});

test('dearer is a build whose ratio lies above 1 with its whole middle half', () => {
  const verdict = (...ratios: number[]) => only(rounds(ratios.map((ratio) => [100 * ratio, 100]))).verdict;
  assert.equal(verdict(0.9, 0.95, 1.1, 1.2, 1.3), 'overlap or cheaper');
  assert.equal(verdict(0.9, 1.01, 1.1, 1.2, 1.3), 'dearer');
  assert.equal(verdict(1, 1, 1, 1, 1), 'overlap or cheaper');
  assert.equal(verdict(0.7, 0.7, 0.8, 0.8, 1.5), 'overlap or cheaper');
});

test('disturbed rounds are left out while two good ones are left', () => {
  const disturbed = [windowOf('new/rr', 9, 900, { is_disturbed: true }), windowOf('old/rr', 9, 100)];
  const good = rounds([
    [100, 100],
    [102, 100],
  ]);
  const most = only([...good, ...disturbed]);
  assert.deepEqual([most.rounds, most.is_doubtful, most.ratio.q3], [2, false, 1.02]);
  const few = only([...good.slice(0, 2), ...disturbed]);
  assert.deepEqual([few.rounds, few.is_doubtful, few.ratio.q3], [2, true, 9]);
});

test('a build that answers nothing is not cheap', () => {
  const { verdict, rounds: counted } = only([windowOf('new/rr', 1, 0, { units: 0, errors: 1 }), windowOf('old/rr', 1, 10)]);
  assert.deepEqual([verdict, counted], ['not measured', 0]);
});

test('the table has a row for each workload and policy, and its last line the sum', () => {
  const sse = { workload: 'sse', p99_us: 20_000 };
  const costs: [number, number][] = [
    [12, 10],
    [13, 10],
  ];
  const windows = [...rounds([[10, 10]]), ...rounds(costs, sse), windowOf('new/pd', 1, 5, { workload: 'pd', units: 0 })];
  windows.push(windowOf('old/pd', 1, 5, { workload: 'pd' }));
  const lines = comparisonTable(compare(windows)).split('\n');
  assert.match(lines[2]!, /^\| json1k5, us\/request +\| rr \|.* ~1\.000 \| 1\.000-1\.000 \| .* overlap or cheaper \|$/);
  assert.match(
    lines[3]!,
    /^\| sse, us\/event +\| rr \| +12\.5 \| +12\.0-13\.0 \|.* 1\.250 \| 1\.200-1\.300 \| +2 \| 20\.0 \/ 20\.0 \|.* dearer \|$/,
  );
  assert.equal(lines.at(-1), 'dearer: sse rr x1.250; not measured: pd pd');
  assert.match(comparisonTable(compare(rounds([[1, 1]]))), /\nno workload is dearer$/);
});

test('a line while the race runs shows both costs, and that a round was disturbed', () => {
  const [pair] = pairUp(rounds([[12, 10]], { is_disturbed: true, other_cores: 0.4 }));
  assert.match(pairLine(pair!), /^json1k5 rr +new 12\.0 old 10\.0 us\/request +x1\.200 +other programs 0\.4 cores, DISTURBED$/);
});
