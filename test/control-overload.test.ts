/** How bounds of the load keep requests from workers (`--worker-overload-*`). */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { OverloadBounds } from '../src/router/control/probing/overload-watch.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { type ControlRig, startControl } from './support/control-rig.ts';
import type { ProbedWorker } from './support/probed-worker.ts';
import { ask, requestBytes } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter } from './support/router.ts';
import { runningClock } from './support/running-time.ts';
import { until } from './support/until.ts';

const LOADS = '/v1/loads?include=core';
const rank = (num_waiting_reqs: number, token_usage: number): object => ({ dp_rank: 0, num_waiting_reqs, token_usage });
const loads = (...ranks: object[]): object => ({ version: '0.5.23', loads: ranks });

async function startTwo(
  t: TestContext,
  bounds: Partial<OverloadBounds> | null,
): Promise<{ rig: ControlRig; worker: ProbedWorker; url: string; logger: RecordingLogger }> {
  const logger = new RecordingLogger();
  const overload = bounds === null ? null : { waitingRequests: null, tokenUsage: null, ...bounds };
  const rig = startControl(t, { overload }, logger);
  const [worker, other] = [await rig.worker(), await rig.worker()];
  for (const one of [worker, other]) one.answers.set(LOADS, loads(rank(0, 0)));
  rig.start({ workerUrls: [worker.address, other.address] });
  await rig.until(() => rig.eligible().length === 2);
  return { rig, worker, url: worker.address.url, logger };
}

const CASES: readonly (readonly [what: string, bounds: Partial<OverloadBounds>, answer: object, isOver: boolean])[] = [
  ['as many waiting requests as the bound', { waitingRequests: 8 }, loads(rank(8, 0)), true],
  ['fewer', { waitingRequests: 8 }, loads(rank(7, 1)), false],
  ['as many on all ranks together', { waitingRequests: 8 }, loads(rank(5, 0), rank(3, 0)), true],
  ['as much of the KV cache as the bound', { tokenUsage: 0.9 }, loads(rank(100, 0.9)), true],
  ['less', { tokenUsage: 0.9 }, loads(rank(100, 0.89)), false],
  ['less in the mean of the ranks', { tokenUsage: 0.9 }, loads(rank(0, 1), rank(0, 0.5)), false],
  ['one of two bounds', { waitingRequests: 8, tokenUsage: 0.9 }, loads(rank(1, 0.95)), true],
  ['no usable number', { waitingRequests: 8, tokenUsage: 0.9 }, loads({ dp_rank: 0 }), false],
  ['no rank', { waitingRequests: 8 }, loads(), false],
];
for (const [what, bounds, answer, isOver] of CASES) {
  test(`a worker that reports ${what} ${isOver ? 'takes no requests, until it reports less' : 'takes requests'}`, async (t) => {
    const { rig, worker, url } = await startTwo(t, bounds);
    worker.answers.set(LOADS, answer);
    await rig.pass(12_000);
    assert.equal(rig.eligible().includes(url), !isOver);
    worker.answers.set(LOADS, loads(rank(0, 0)));
    await rig.pass(12_000);
    assert.ok(rig.eligible().includes(url));
  });
}

test('it is named: in /workers, in the log, and it stays healthy', async (t) => {
  const { rig, worker, url, logger } = await startTwo(t, { waitingRequests: 8 });
  worker.answers.set(LOADS, loads(rank(9, 0.25)));
  await rig.untilEligible(url, false);
  const [shown] = JSON.parse(String((await rig.call('GET', '/workers')).body)).workers;
  assert.deepEqual([shown.is_healthy, shown.overloaded, shown.phase], [true, true, 'ready']);
  const record = logger.records.find(({ message }) => message === 'worker is overloaded: it takes no new requests');
  assert.deepEqual(record?.fields, { worker: url, waitingRequests: 9, tokenUsage: 0.25 });
  worker.answers.set(LOADS, loads(rank(0, 0)));
  await rig.untilEligible(url);
  assert.ok(logger.records.some(({ message }) => message === 'worker is below its load bounds again: it takes requests'));
});

test('the verdict ends when no report has come for 30 s', async (t) => {
  const { rig, worker, url } = await startTwo(t, { waitingRequests: 8 });
  worker.answers.set(LOADS, loads(rank(9, 0)));
  await rig.untilEligible(url, false);
  worker.answers.set(LOADS, 500);
  const backMs = await rig.untilEligible(url);
  assert.ok(backMs > 28_000 && backMs < 42_000, `${backMs} ms`);
});

test('an older engine is asked for its waiting requests at /get_load', async (t) => {
  const { rig, worker, url } = await startTwo(t, { waitingRequests: 8, tokenUsage: 0.5 });
  worker.answers.set(LOADS, 404);
  worker.answers.set('/get_load', [{ dp_rank: 0, num_reqs: 9, num_waiting_reqs: 8, num_tokens: 7 }]);
  await rig.untilEligible(url, false);
});

test('without bounds nobody is asked; with them every 10 s', async (t) => {
  const asked = (worker: ProbedWorker) => worker.requests.filter(({ path }) => path === LOADS).length;
  const without = await startTwo(t, null);
  await without.rig.pass(60_000);
  assert.equal(asked(without.worker), 0);
  const { rig, worker } = await startTwo(t, { tokenUsage: 1 });
  await rig.pass(60_000);
  assert.ok(asked(worker) >= 6 && asked(worker) <= 8, `${asked(worker)}`);
});

test('every worker is over: paused ones are no last resort, and readiness stays', async (t) => {
  const { rig, worker, url } = await startTwo(t, { waitingRequests: 8 });
  const [, other] = rig.cell.current.workers;
  worker.answers.set(LOADS, loads(rank(9, 0)));
  await rig.untilEligible(url, false);
  assert.deepEqual(rig.eligible(), [other?.url]);
  assert.equal((await rig.call('GET', '/readiness')).status, 200);
  await rig.control.stop();
  assert.equal(rig.clock.pending, 0);
});

test('bounds change while the router runs', async (t) => {
  const { rig, worker, url } = await startTwo(t, null);
  worker.answers.set(LOADS, loads(rank(9, 0)));
  rig.configure({ overload: { waitingRequests: 10, tokenUsage: null } });
  await rig.pass(12_000);
  assert.ok(rig.eligible().includes(url));
  rig.configure({ overload: { waitingRequests: 9, tokenUsage: null } });
  await rig.pass(12_000);
  assert.ok(!rig.eligible().includes(url));
  rig.configure({ overload: null });
  assert.ok(rig.eligible().includes(url), 'at once');
  const asked = worker.requests.length;
  await rig.pass(25_000);
  assert.ok(worker.requests.slice(asked).every(({ path }) => path !== LOADS));
});

const LONG = JSON.stringify({ text: 'a', sampling_params: { max_new_tokens: 100_000, ignore_eos: true } });

test('simulated engines with full queues: requests are answered 503 at once, until the queues are short', async (t) => {
  const clock = runningClock(t);
  const sims: SimHandle[] = [await startSim({ maxRunningRequests: 1 }, clock), await startSim({ maxRunningRequests: 1 }, clock)];
  t.after(() => Promise.all(sims.map((sim) => sim.stop())));
  const urls = sims.map(({ port }) => ({ url: `http://127.0.0.1:${port}` }));
  const flags = [
    '--metrics-path',
    '/metrics',
    '--policy',
    'round_robin',
    '--worker-overload-waiting-requests',
    '2',
    '--request-timeout-secs',
    '100000',
  ];
  const router = await startTestRouter(t, [...flags, '--worker-urls', ...urls.map(({ url }) => url)], [], {
    clock,
    wait: false,
    named: 'by flags',
  });
  await router.untilEligible(urls);
  const clients = await Promise.all(Array.from({ length: 6 }, () => router.connect()));
  for (const client of clients) await client.send(requestBytes({ path: '/generate', body: LONG }));
  await until(() => router.fleet.current.eligible.regular.length === 0, 'both engines to be over');
  const begunMs = performance.now();
  const reply = await ask(router.port, { path: '/generate', body: LONG });
  assert.deepEqual([reply.status, reply.get('x-smg-error-code'), reply.get('retry-after')], [503, 'worker_overload_protection_shed', '10']);
  assert.ok(performance.now() - begunMs < 500);
  assert.equal((await ask(router.port, { path: '/readiness' })).status, 200);
  const { text } = await ask(router.port, { path: '/metrics' });
  assert.match(text, /^smg_workers_overloaded 2$/m);
  assert.equal(text.match(/^smg_worker_health\{[^}]*\} 1$/gm)?.length, 2);
  assert.equal(sims[0]!.engine.traffic.requests.get('/generate'), 3);
  for (const client of clients) client.destroy();
  await until(() => router.fleet.current.eligible.regular.length === 2, 'both engines to be below');
  const short = JSON.stringify({ text: 'a', sampling_params: { max_new_tokens: 2 } });
  assert.equal((await ask(router.port, { path: '/generate', body: short })).status, 200);
});
