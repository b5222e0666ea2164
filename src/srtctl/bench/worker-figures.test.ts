import assert from 'node:assert/strict';
import test from 'node:test';
import { countsIn, figuresBetween, oddWorkers, type WorkerFigure } from './worker-figures.ts';

const page = (worker: string, attempts: number, failures: number, ttft: readonly [sum: number, count: number]): string =>
  `# TYPE smg_worker_requests_total counter
smg_worker_requests_total{worker="${worker}"} ${attempts}
smg_worker_failures_total{worker="${worker}",error_type="connect"} ${failures}
smg_worker_failures_total{error_type="timeout",worker="${worker}"} 1
smg_worker_ttft_seconds_bucket{worker="${worker}",le="0.1"} 1
smg_worker_ttft_seconds_sum{worker="${worker}"} ${ttft[0]}
smg_worker_ttft_seconds_count{worker="${worker}"} ${ttft[1]}
smg_router_requests_total{worker="not this"} 7
`;

test('what several routers count between two looks is added up by worker', () => {
  const before = countsIn([page('http://a', 10, 0, [1, 10])]);
  const after = countsIn([page('http://a', 30, 2, [2, 20]), page('http://a', 10, 0, [2, 10]), page('http://b', 5, 0, [1, 5])]);
  assert.deepEqual(figuresBetween(before, after), [
    { worker: 'http://a', attempts: 30, failures: 3, mean_ttft_ms: 150, mean_itl_ms: null, mean_duration_ms: null },
    { worker: 'http://b', attempts: 5, failures: 1, mean_ttft_ms: 200, mean_itl_ms: null, mean_duration_ms: null },
  ]);
});

const figure = (worker: string, some: Partial<WorkerFigure> = {}): WorkerFigure => ({
  worker,
  attempts: 100,
  failures: 0,
  mean_ttft_ms: 100,
  mean_itl_ms: 10,
  mean_duration_ms: 1000,
  ...some,
});

test('a worker that is ten times slower, or fails one attempt in twenty, is named', () => {
  const four = ['a', 'b', 'c'].map((name) => figure(name));
  assert.deepEqual(oddWorkers([...four, figure('d')]), []);
  assert.deepEqual(oddWorkers([...four, figure('d', { mean_ttft_ms: 1000, mean_itl_ms: 100 })]), [
    'd is slower than the others: TTFT 1000.0 ms against 100.0 ms, ITL 100.0 ms against 10.0 ms',
  ]);
  assert.deepEqual(oddWorkers([...four, figure('d', { failures: 5 })]), ['d failed 5 of 100 attempts']);
});

test('prefill workers, which do not stream, are compared with each other', () => {
  const prefill = { mean_ttft_ms: null, mean_itl_ms: null };
  const pairs = [figure('p0', { ...prefill, mean_duration_ms: 50 }), figure('p1', { ...prefill, mean_duration_ms: 500 }), figure('d0')];
  assert.deepEqual(oddWorkers(pairs), ['p1 is slower than the others: duration 500.0 ms against 50.0 ms']);
});

test('a few attempts are no reason to name a worker slow', () => {
  assert.deepEqual(oddWorkers([figure('a'), figure('b', { attempts: 2, mean_ttft_ms: 900 })]), []);
});
