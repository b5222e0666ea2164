/** The circuit breaker between clients and workers on sockets. Its rules: docs/health.md. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { passed, runningClock } from './support/running-time.ts';
import { type Call, jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const BODY = '{"model":"m","messages":[]}';
const BAD = '[1]';
const FLAGS = ['--policy', 'round_robin', '--cb-failure-threshold', '4', '--cb-timeout-duration-secs', '30', '--cb-success-threshold', '1'];

interface Shown {
  readonly state: string;
  readonly failures: number;
}

/** Breakers of the workers, in order. */
async function breakers(router: TestRouter): Promise<Shown[]> {
  const { workers } = (await ask(router.port, { path: '/workers' })).json() as { workers: { circuit_breaker: Shown }[] };
  return workers.map(({ circuit_breaker }) => circuit_breaker);
}

const says =
  (status: number) =>
  async (call: Call): Promise<void> => {
    await call.body();
    await call.write(jsonAnswer({ status }, status));
  };
/** As SGLang: a JSON array as chat is an error of the server. */
const rejects = async (call: Call): Promise<void> => {
  const body = (await call.body()).toString();
  await call.write(jsonAnswer({}, body === BAD ? 500 : 200));
};

async function fleet(t: TestContext, scripts: readonly ((call: Call) => Promise<void>)[], flags: readonly string[] = []) {
  const clock = runningClock(t);
  const workers = await Promise.all(scripts.map((script) => ScriptedWorker.start(t, script)));
  const router = await startTestRouter(t, [...FLAGS, ...flags], workers, { clock });
  return { clock, workers, router };
}

test('opened by lost connections, it closes as soon as the worker has restarted', async (t) => {
  const { clock, workers, router } = await fleet(t, [(call) => call.forever(), says(200)]);
  const [first] = workers;
  const clients = await Promise.all(Array.from({ length: 8 }, () => router.connect()));
  for (const client of clients) await client.send(requestBytes({ body: BODY }));
  await until(() => first?.calls.length === 4, 'four requests at the first worker');
  await first!.kill();
  for (const client of clients) assert.equal((await client.response('POST')).status, 200);
  assert.equal((await breakers(router))[0]?.state, 'open');
  await passed(clock, 3000);
  first!.script = says(200);
  await first!.listen();
  const startMs = clock.nowMs();
  await router.untilEligible([first!]);
  assert.ok(clock.nowMs() - startMs < 2000, `${clock.nowMs() - startMs} ms`);
  assert.deepEqual((await breakers(router))[0], { state: 'closed', failures: 0 });
});

test('opened by a status, it waits for its time-out, though the worker restarts and passes its probes', async (t) => {
  const { clock, workers, router } = await fleet(t, [says(502), says(200)]);
  const [first] = workers;
  for (let i = 0; i < 8; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal((await breakers(router))[0]?.state, 'open');
  const openedMs = clock.nowMs();
  await first!.kill();
  await passed(clock, 3000);
  first!.script = says(200);
  await first!.listen();
  await router.untilEligible([first!]);
  const awayMs = clock.nowMs() - openedMs;
  assert.ok(awayMs > 20_000 && awayMs < 45_000, `${awayMs} ms`);
  assert.equal((await breakers(router))[0]?.state, 'half_open');
  for (let i = 0; i < 2; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal((await breakers(router))[0]?.state, 'closed');
});

test('one bad request after the other, each answered 500 by two workers, opens no breaker and leaves no strike', async (t) => {
  const { router } = await fleet(t, [rejects, rejects, rejects]);
  for (let i = 0; i < 20; i++) assert.equal((await ask(router.port, { body: BAD })).status, 500);
  assert.deepEqual(await breakers(router), Array(3).fill({ state: 'closed', failures: 0 }));
  assert.equal((await ask(router.port, { body: BODY })).status, 200);
});

test('a bad request leaves the strikes of others where they are', async (t) => {
  let isFaulty = true;
  const { workers, router } = await fleet(t, [says(502), rejects]);
  workers[0]!.script = (call) => (isFaulty ? says(502)(call) : rejects(call));
  for (let i = 0; i < 2; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  const before = (await breakers(router))[0];
  assert.equal(before?.failures, 2);
  isFaulty = false;
  for (let i = 0; i < 6; i++) assert.equal((await ask(router.port, { body: BAD })).status, 500);
  assert.deepEqual((await breakers(router))[0], before);
});

test('to the only worker a request that it answers 500 five times is one strike', async (t) => {
  const { workers, router } = await fleet(t, [rejects]);
  for (let i = 1; i <= 3; i++) {
    assert.equal((await ask(router.port, { body: BAD })).status, 500);
    assert.deepEqual(await breakers(router), [{ state: 'closed', failures: i }]);
  }
  assert.equal(workers[0]!.calls.length, 15);
  await ask(router.port, { body: BODY });
  assert.deepEqual(await breakers(router), [{ state: 'closed', failures: 0 }]);
});

test('a bad request of pairs leaves no strike', async (t) => {
  const clock = runningClock(t);
  const [first, second, decode] = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  for (const prefill of [first, second]) prefill.script = says(500);
  decode.script = (call) => (call.target === '/abort_request' ? says(200)(call) : call.forever());
  const flags = ['--pd-disaggregation', '--prefill', first.url, '--prefill', second.url, '--decode', decode.url];
  const router = await startTestRouter(t, [...FLAGS, ...flags], [first, second, decode], { clock, named: 'by flags' });
  for (let i = 0; i < 12; i++) assert.equal((await ask(router.port, { path: '/generate', body: '{"text":"bad"}' })).status, 500);
  assert.deepEqual(await breakers(router), Array(3).fill({ state: 'closed', failures: 0 }));
});
