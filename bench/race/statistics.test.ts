import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resultTable } from './report.ts';
import { selfCheck } from './self-check.ts';
import { median, quantile, type Rated, rate, undisturbed, yardstickError } from './statistics.ts';
import { affinityOf, type WindowResult } from './window.ts';
import { WORKLOADS } from './workloads.ts';

function windowOf(name: string, cost: number, more: Partial<WindowResult> = {}): WindowResult {
  return {
    ...{ name, workload: 'json1k5', round: 1, seconds: 1, units: 10, events: 0, expected_events: 0, per_s: 10 },
    ...{ cpu_us: cost * 10, cpu_us_per_unit: cost, cpu_workers_us: 0, cpu_load_us: 0, cpu_machine_us: 0, p50_us: 1000, p99_us: 2000 },
    ...{ reconnects: 0, errors: 0, first_errors: [], rss_mib: 50, threads: 1, split: [5, 5], affinity: 1, aborted: 0, other_cores: 0 },
    is_disturbed: false,
    ...more,
  };
}

const ratios = (rated: readonly Rated[]) => rated.map((window) => window.ratio);

test('a ratio is to the mean of the two nginx of the same round', () => {
  const rated = rate([windowOf('nginx', 10), windowOf('nginx-again', 30), windowOf('ours/rr', 40), windowOf('direct', 1)]);
  assert.deepEqual(ratios(rated), [0.5, 1.5, 2, null]);
});

test('a window without answers has no ratio and is no yardstick', () => {
  const rated = rate([windowOf('nginx', 10), windowOf('nginx-again', 0, { units: 0 }), windowOf('ours/rr', 0, { units: 0, errors: 1 })]);
  assert.deepEqual(ratios(rated), [1, null, null]);
  assert.deepEqual(ratios(rate([windowOf('ours/rr', 5)])), [null]);
});

test('a disturbed yardstick makes every ratio of the round doubtful', () => {
  const rated = rate([windowOf('nginx', 10, { is_disturbed: true }), windowOf('ours/rr', 40)]);
  assert.ok(rated.every((window) => window.is_ratio_disturbed));
});

test('median and quantile are those of the sorted values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
  assert.equal(quantile([4, 1, 3, 2, 5], 0.25), 2);
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      assert.ok(values.filter((value) => value < middle).length * 2 <= values.length);
      assert.ok(values.filter((value) => value > middle).length * 2 <= values.length);
    }),
  );
});

test('disturbed windows are left out while two good ones are left', () => {
  const windows = rate([windowOf('a', 1), windowOf('a', 2), windowOf('a', 9, { is_disturbed: true })]);
  const pick = (list: readonly Rated[]) =>
    undisturbed(
      list,
      (window) => window.cpu_us_per_unit,
      (window) => window.is_disturbed,
    );
  assert.deepEqual(pick(windows), { values: [1, 2], isDoubtful: false });
  assert.deepEqual(pick(windows.slice(1)), { values: [2, 9], isDoubtful: true });
});

test('the error of the yardstick compares windows of one round', () => {
  const rated = rate([
    windowOf('nginx', 10),
    windowOf('nginx-again', 11),
    windowOf('nginx', 100, { round: 2 }),
    windowOf('nginx-again', 130, { round: 2 }),
  ]);
  assert.equal(yardstickError(rated), 1.2000000000000002);
});

test('affinity is the share that went where most of its prefix went', () => {
  assert.equal(
    affinityOf([
      { a: 3, b: 1 },
      { a: 1, b: 3 },
    ]),
    0.75,
  );
  assert.equal(affinityOf([{ a: 4 }, { b: 4 }]), 1);
  assert.equal(affinityOf([{}, {}]), null);
});

test('the table shows medians, marks doubtful figures and counts errors', () => {
  const rated = [1, 2].flatMap((round) =>
    rate([windowOf('nginx', 10, { round }), windowOf('nginx-again', 10, { round }), windowOf('ours/rr', 13, { round, errors: round })]),
  );
  const lines = resultTable('json1k5', WORKLOADS['json1k5']!, rated, ['nginx', 'ours/rr', 'nginx-again']).split('\n');
  assert.match(lines[5]!, /^\| ours\/rr +\| +13\.0 \| +1\.30 \| +1\.30-1\.30 \|.*\| +3 \|$/);
  assert.match(lines.at(-2)!, /nginx-again \/ nginx: 1\.00/);
  const one = resultTable('json1k5', WORKLOADS['json1k5']!, rate([windowOf('nginx', 10)]), ['nginx']);
  assert.match(one, /~10\.0/);
});

test('the self-check fails a race that misses burnt CPU or spoiled answers', () => {
  const good = [windowOf('nginx', 10), windowOf('nginx-again', 10), windowOf('raw-sockets', 20), windowOf('check-slow', 121)];
  const broken = windowOf('check-broken', 20, { errors: 4 });
  const judge = (...windows: WindowResult[]) => selfCheck(rate(windows)).every(({ isRight }) => isRight);
  assert.equal(judge(...good, broken), true);
  assert.equal(judge(...good, windowOf('check-broken', 20)), false);
  assert.equal(judge(...good.slice(0, 3), windowOf('check-slow', 30), broken), false);
  assert.equal(judge(windowOf('nginx', 10), windowOf('nginx-again', 13), broken), false);
  assert.equal(judge(...good, broken, windowOf('haproxy', 10, { errors: 1 })), false);
});
