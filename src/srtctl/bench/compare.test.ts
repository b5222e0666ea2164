import assert from 'node:assert/strict';
import test from 'node:test';
import { compare, comparisonText } from './compare.ts';
import type { PointResult } from './point-result.ts';
import { spreads } from './repeats.ts';

/** Of a point, with what a comparison reads. */
function results(throughputs: readonly number[], some: Partial<PointResult> = {}): PointResult[] {
  return throughputs.map(
    (output_throughput) =>
      ({
        point: 'concurrency 2',
        model_id: 'm',
        num_prompts: 20,
        output_throughput,
        request_throughput: 1,
        mean_ttft_ms: 100,
        p99_ttft_ms: null,
        mean_tpot_ms: null,
        p99_tpot_ms: null,
        mean_itl_ms: null,
        p99_itl_ms: null,
        mean_e2el_ms: null,
        p99_e2el_ms: null,
        verdict: 'ok',
        ...some,
      }) as PointResult,
  );
}

const throughputOf = (a: PointResult[], b: PointResult[]) => compare(a, b).differences.find(({ figure }) => figure === 'output_throughput');

test('repeats have a mean, a deviation and a range, and what was not measured has none', () => {
  assert.deepEqual(spreads(results([1, 2, 3])), [
    {
      point: 'concurrency 2',
      runs: 3,
      figures: {
        output_throughput: { mean: 2, std: 1, min: 1, max: 3 },
        request_throughput: { mean: 1, std: 0, min: 1, max: 1 },
        mean_ttft_ms: { mean: 100, std: 0, min: 100, max: 100 },
      },
    },
  ]);
});

test('a difference counts against the spread', () => {
  assert.deepEqual(throughputOf(results([99, 100, 101]), results([109, 110, 111])), {
    point: 'concurrency 2',
    figure: 'output_throughput',
    a: 100,
    b: 110,
    share: 0.1,
    deviations: 10,
    verdict: 'differs',
  });
  assert.equal(throughputOf(results([80, 100, 120]), results([90, 110, 130]))?.verdict, 'within the spread');
  assert.equal(throughputOf(results([100]), results([200]))?.verdict, 'spread unknown');
});

test('what was asked otherwise, failed, or exists on one side alone is not comparable', () => {
  assert.deepEqual(compare(results([1]), results([1])).obstacles, []);
  assert.deepEqual(compare(results([1]), results([1], { model_id: 'n', num_prompts: 40 })).obstacles, [
    'model_id of concurrency 2: m and n',
    'num_prompts of concurrency 2: 20 and 40',
  ]);
  assert.deepEqual(compare(results([1]), results([1, 1], { verdict: 'failed' })).obstacles, ['concurrency 2 of B is failed']);
  assert.deepEqual(compare(results([1]), results([1], { point: 'concurrency 4' })).obstacles, ['they have no point in common']);
  const both = [...results([1]), ...results([1], { point: 'concurrency 4' })];
  assert.deepEqual(compare(both, results([1])).obstacles, ['only A has concurrency 4']);
});

test('other versions and hardware are told, and are no obstacle', () => {
  const provenance = (srtctl: string, cpu: string) =>
    ({ provenance: { srtctl, hardware: { cpu }, flags: ['bench'] } }) as unknown as PointResult;
  const comparison = compare(results([1], provenance('1.0', 'Xeon')), results([2], provenance('1.1', 'EPYC')));
  assert.deepEqual(comparison.circumstances, ['srtctl: 1.0 and 1.1', 'hardware.cpu: Xeon and EPYC']);
  assert.match(comparisonText(comparison), /^not the same: srtctl: 1\.0 and 1\.1\n/);
  assert.match(comparisonText(comparison), /concurrency 2 {2}output_throughput +1\.00 +2\.00 +\+100\.0 % +- {2}spread unknown\n/);
});
