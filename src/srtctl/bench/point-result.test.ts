import assert from 'node:assert/strict';
import test from 'node:test';
import { type PointPlan, type PointResult, resultOf } from './point-result.ts';
import { resultFileName } from './result-files.ts';
import type { Sample } from './sample.ts';
import { summaryTable } from './summary-table.ts';
import { judge } from './verdict.ts';

const CLIENT = { mean_ms: 0.1, p99_ms: 0.5, max_ms: 2, cpu_share: 0.1 };
const CIRCUMSTANCES = {
  run: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  ended_at: '2026-01-01T00:00:02.000Z',
  client: CLIENT,
  workers: null,
  provenance: {
    srtctl: '1',
    commit: null,
    node: 'v20',
    hardware: { host: 'h', cpu: 'c', cores: 2, memory_gib: 4, kernel: 'k' },
    flags: [],
    plan_sha256: null,
    engine: null,
  },
};

const PLAN: PointPlan = {
  name: 'concurrency 2',
  concurrency: 2,
  requests: 3,
  rate: null,
  facts: { inputTokens: 100, outputTokens: 5, rangeRatio: 1, prefixRatio: null, good: null, repeats: false },
  model: 'm',
  endpoint: 'http://e',
  api: 'completions',
  seed: 1,
};

function sampleWith(some: Partial<Sample>): Sample {
  return {
    startMs: 0,
    firstMs: 100,
    lastMs: 300,
    gapsMs: [50, 50, 50, 50],
    askedInputTokens: 100,
    askedOutputTokens: 5,
    inputTokens: 100,
    outputTokens: 5,
    cachedTokens: 0,
    isCounted: true,
    error: null,
    isCut: false,
    ...some,
  };
}

function judged(samples: readonly Sample[], plan: PointPlan = PLAN, endMs = 2000): PointResult {
  const result = resultOf(plan, samples, 0, endMs, '');
  return { ...result, ...CIRCUMSTANCES, ...judge(result, CIRCUMSTANCES, plan.facts) };
}

const GOOD = [
  sampleWith({}),
  sampleWith({ startMs: 100, firstMs: 400, lastMs: 600 }),
  sampleWith({ startMs: 300, firstMs: 500, lastMs: 1000 }),
];

test('latencies, rates and totals follow from the samples', () => {
  const result = resultOf(PLAN, GOOD, 0, 2000, '20260101-000000');
  assert.equal(result.completed, 3);
  assert.equal(result.duration, 2);
  assert.equal(result.total_input_tokens, 300);
  assert.equal(result.total_output_tokens, 15);
  assert.equal(result.request_throughput, 1.5);
  assert.equal(result.output_throughput, 7.5);
  assert.equal(result.total_token_throughput, 157.5);
  assert.equal(result.mean_ttft_ms, 200);
  assert.equal(result.median_ttft_ms, 200);
  assert.equal(result.mean_itl_ms, 50);
  assert.equal(result.mean_tpot_ms, (50 + 50 + 125) / 3);
  assert.equal(result.mean_e2el_ms, 500);
  assert.equal(result.p90_e2el_ms, 660);
  assert.deepEqual(result.ttfts, [0.1, 0.3, 0.2]);
  assert.equal(result.peak_output_tokens_per_s, 7.5, 'all within one window: the mean');
  assert.equal(result.partial, false);
  assert.deepEqual(judge(result, CIRCUMSTANCES, PLAN.facts), {
    verdict: 'ok',
    failures: [],
    warnings: [],
    marks: ['concurrency 2: p99 of 3 requests, which is fewer than 1000'],
  });
  assert.equal(result['p99.9_ttft_ms'], result.p99_9_ttft_ms);
});

test('the peak is the best of any ten seconds', () => {
  // 100 tokens within the first second, then one each second for a minute.
  const burst = sampleWith({ firstMs: 0, gapsMs: Array.from({ length: 99 }, () => 1), outputTokens: 100 });
  const slow = sampleWith({ firstMs: 500, gapsMs: Array.from({ length: 59 }, () => 1000), outputTokens: 60 });
  const result = resultOf(PLAN, [burst, slow], 0, 60_000, '');
  assert.ok(Math.abs(result.peak_output_tokens_per_s - 11) < 1e-9, `${result.peak_output_tokens_per_s}`);
});

test('failed requests are told, counted by what they said, and fail the point', () => {
  const bad = sampleWith({ error: 'HTTP 503: none', firstMs: null, lastMs: null, gapsMs: [], outputTokens: 0 });
  const result = resultOf(PLAN, [GOOD[0]!, bad, bad], 0, 1000, '');
  assert.equal(result.completed, 1);
  assert.equal(result.failed, 2);
  assert.equal(result.partial, false);
  assert.deepEqual(result.errors, ['', 'HTTP 503: none', 'HTTP 503: none'], 'an entry for each request');
  assert.deepEqual([result.output_lens, result.ttfts, result.itls.length], [[5, 0, 0], [0.1, 0, 0], 3]);
  assert.deepEqual(result.error_counts, { 'HTTP 503: none': 2 });
  assert.deepEqual(judge(result, CIRCUMSTANCES, PLAN.facts).failures, ['concurrency 2: 2 of 3 requests failed: HTTP 503: none']);
});

test('a point without a token fails even where no request did', () => {
  const result = resultOf({ ...PLAN, requests: 1 }, [sampleWith({ outputTokens: 0 })], 0, 1000, '');
  assert.equal(judge(result, CIRCUMSTANCES, PLAN.facts).failures[0], 'concurrency 2: not a single token came back');
});

test('requests that were cut make the point partial and are not counted', () => {
  const result = judged([GOOD[0]!, sampleWith({ isCut: true })]);
  assert.equal(result.completed, 1);
  assert.equal(result.partial, true);
  assert.equal(result.verdict, 'partial');
  assert.match(summaryTable([result]), /2 \(partial\) {2,}1\/3/);
});

test('every short answer is counted, from one on, and more than one in a hundred fail the point', () => {
  const short = sampleWith({ outputTokens: 4 });
  const many = { ...PLAN, requests: 200 };
  const one = judged([short, ...Array.from({ length: 199 }, () => GOOD[0]!)], many);
  assert.equal(one.short_answers, 1);
  assert.equal(one.verdict, 'warnings');
  assert.deepEqual(one.warnings, ['concurrency 2: 1 of 200 answers were shorter than asked for (all together 100 % of it)']);
  const three = judged([short, short, short, ...Array.from({ length: 197 }, () => GOOD[0]!)], many);
  assert.equal(three.verdict, 'failed');
  assert.deepEqual(three.failures, ['concurrency 2: 3 of 200 answers were shorter than asked for (all together 100 % of it)']);
  assert.match(summaryTable([three]), /\nfailed: concurrency 2: 3 of 200 .*\nverdict: failed\n$/);
});

test('an answer that came in one piece has no time per token, and is said', () => {
  const result = judged(Array.from({ length: 3 }, () => sampleWith({ lastMs: 100, gapsMs: [] })));
  assert.deepEqual([result.unstreamed_answers, result.mean_tpot_ms, result.mean_itl_ms], [3, null, null]);
  assert.match(result.warnings.join(), /3 of 3 answers did not stream/);
  assert.match(summaryTable([result]), / - +- +- +- /);
});

test('answers without usage are counted by their events, and that is said', () => {
  const result = judged(Array.from({ length: 3 }, () => sampleWith({ isCounted: false, outputTokens: 3 })));
  assert.deepEqual([result.short_answers, result.uncounted_answers], [0, 3]);
  assert.match(result.warnings.join(), /3 of 3 answers had no usage/);
});

test('answers and prompts of other lengths, and prompts from a cache, are warned of', () => {
  const result = resultOf(PLAN, [sampleWith({ outputTokens: 8, inputTokens: 200, cachedTokens: 150 })], 0, 1000, '');
  assert.deepEqual(judge(result, CIRCUMSTANCES, PLAN.facts).warnings, [
    'concurrency 2: answers were 160 % of the length asked for',
    'concurrency 2: prompts were 200 % of the length asked for',
    'concurrency 2: 75 % of the prompt tokens came from a cache',
  ]);
});

test('a late client and few samples are marked, and no reason for a warning', () => {
  const result = judged(GOOD);
  const late = judge(result, { ...CIRCUMSTANCES, client: { ...CLIENT, p99_ms: 1.5, cpu_share: 0.97 } }, PLAN.facts);
  assert.equal(late.verdict, 'ok');
  assert.match(late.marks.join(), /the client was late, by 1\.5 ms at p99 \(CPU 97 % of a core\)/);
  const text = summaryTable([{ ...result, ...late }]);
  assert.match(text, / 200\.0 +298\.0~ .*\n\n~ p99 of fewer than 1000 requests\nnote: concurrency 2: the client was late/);
});

test('a worker that differs from the others is a warning of the point', () => {
  const workers = [
    { worker: 'a', attempts: 9, failures: 1, mean_ttft_ms: 1, mean_itl_ms: 1, mean_duration_ms: 1 },
    { worker: 'b', attempts: 9, failures: 0, mean_ttft_ms: 1, mean_itl_ms: 1, mean_duration_ms: 1 },
  ];
  const verdict = judge(judged(GOOD), { ...CIRCUMSTANCES, workers }, PLAN.facts);
  assert.deepEqual([verdict.verdict, verdict.warnings], ['warnings', ['concurrency 2: a failed 1 of 9 attempts']]);
});

test('files are named as the reference names them', () => {
  const of = (max_concurrency: number | null, prefix_ratio: number | null = null) => ({ max_concurrency, prefix_ratio });
  assert.equal(resultFileName(of(16), { total: 16, split: { prefill: 8, decode: 8 } }), 'results_concurrency_16_gpus_16_ctx_8_gen_8.json');
  assert.equal(resultFileName(of(32), { total: 8, split: null }), 'results_concurrency_32_gpus_8.json');
  assert.equal(resultFileName(of(32), { total: 8, split: null }, 2), 'results_concurrency_32_gpus_8_run_2.json');
  assert.equal(resultFileName(of(null), { total: 8, split: null }), 'results_timed_gpus_8.json');
  assert.equal(resultFileName(of(20, 0.5), { total: 8, split: null }), 'results_prefix_0.5_concurrency_20_gpus_8.json');
});

test('good requests are those below both limits', () => {
  const facts = { ...PLAN.facts, good: { ttftMs: 250, itlMs: 60 } };
  const result = judged(GOOD, { ...PLAN, facts });
  assert.deepEqual([result.good_requests, result.request_goodput], [1, 0.5], 'the second is late, the third is slow');
  assert.match(summaryTable([result]), /good req\/s\n.* 0\.50\n/);
  assert.doesNotMatch(summaryTable([judged(GOOD)]), /good|prefix/);
});

test('prompts that repeat each other may come from a cache', () => {
  const result = resultOf(PLAN, [sampleWith({ cachedTokens: 75 })], 0, 1000, '');
  assert.deepEqual(judge(result, CIRCUMSTANCES, { repeats: true }).warnings, []);
});
