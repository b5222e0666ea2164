/** Workers that take requests and answer none: when the router gives up on them, and what becomes of their requests. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FakeClock } from '../src/base/runtime/fake-clock.ts';
import type { SimOptions } from '../src/sim/engine/options.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { ask, requestBytes } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { passed, runningClock } from './support/running-time.ts';
import { jsonAnswer, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { postJson } from './support/send-raw.ts';
import { until } from './support/until.ts';

const PLAIN = JSON.stringify({ text: 'hello', sampling_params: { max_new_tokens: 4 } });
const STREAM = JSON.stringify({ text: 'hello', stream: true, sampling_params: { max_new_tokens: 4 } });
const LONG_STREAM = JSON.stringify({ text: 'hello', stream: true, sampling_params: { max_new_tokens: 4000, ignore_eos: true } });
/** Silence, a /health that fails, and the pause before the next attempt. */
const FOUND_MS = 36_000;
const FLAGS = ['--policy', 'round_robin', '--metrics-path', '/metrics', '--request-timeout-secs', '1000'];

const send = (port: number, body = PLAIN) => ask(port, { path: '/generate', body });

interface Scene {
  readonly clock: FakeClock;
  readonly sims: readonly SimHandle[];
  readonly router: TestRouter;
  readonly logger: RecordingLogger;
  /** What GET /workers says of an engine. */
  shown(at: number): Promise<{ phase: string; is_healthy: boolean }>;
}

async function startSims(t: TestContext, count: number, flags: readonly string[] = [], options: Partial<SimOptions> = {}): Promise<Scene> {
  const clock = runningClock(t);
  const sims = await Promise.all(Array.from({ length: count }, () => startSim({ healthDelaySecs: 1, ...options }, clock)));
  t.after(() => Promise.all(sims.map((sim) => sim.stop())));
  const urls = sims.map(({ port }) => ({ url: `http://127.0.0.1:${port}` }));
  const logger = new RecordingLogger();
  const all = [...FLAGS, '--worker-urls', ...urls.map(({ url }) => url), ...flags];
  const router = await startTestRouter(t, all, [], { clock, logger, wait: false, named: 'by flags' });
  await router.untilEligible(urls);
  const shown = async (at: number) => {
    const { workers } = (await ask(router.port, { path: '/workers' })).json() as {
      workers: { url: string; phase: string; is_healthy: boolean }[];
    };
    return workers.find(({ url }) => url === urls[at]?.url) ?? { phase: 'gone', is_healthy: false };
  };
  return { clock, sims, router, logger, shown };
}

async function hungCount(port: number): Promise<number> {
  const { text } = await ask(port, { path: '/metrics' });
  return [...text.matchAll(/^smg_worker_hung_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('a scheduler hangs: its requests go to another worker, it is named, and it is used again when it computes', async (t) => {
  const { clock, sims, router, logger, shown } = await startSims(t, 2);
  sims[0]!.addFault({ kind: 'freeze' });
  const startMs = clock.nowMs();
  const replies = await Promise.all([PLAIN, STREAM, PLAIN, STREAM, PLAIN, STREAM].map((body) => send(router.port, body)));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  for (const { text } of replies.filter((_, at) => at % 2 === 1)) assert.ok(text.endsWith('data: [DONE]\n\n'));
  const tookMs = clock.nowMs() - startMs;
  assert.ok(tookMs > 30_000 && tookMs < FOUND_MS, `${tookMs} ms`);

  assert.deepEqual([(await shown(0)).phase, (await shown(0)).is_healthy], ['hung', false]);
  assert.equal(await hungCount(router.port), 1);
  const warning = logger.records.find(({ message }) => message === 'worker takes no requests');
  assert.deepEqual([warning?.fields['phase'], warning?.fields['because']], ['hung', 'silent']);
  assert.match((await ask(router.port, { path: '/metrics' })).text, /smg_worker_failures_total\{[^}]*error_type="hung"\} 3/);
  const soonMs = clock.nowMs();
  for (let i = 0; i < 4; i++) assert.equal((await send(router.port)).status, 200);
  assert.ok(clock.nowMs() - soonMs < 2000, 'it gets no request meanwhile');

  sims[0]!.removeFaults();
  const backMs = clock.nowMs();
  await until(() => router.fleet.current.eligible.regular.length === 2, 'the worker to be used');
  assert.ok(clock.nowMs() - backMs < 3000, `${clock.nowMs() - backMs} ms`);
  assert.equal((await shown(0)).phase, 'ready');
});

test('clients that give up after 3 s do not make it look idle', async (t) => {
  const { clock, sims, router, shown } = await startSims(t, 2);
  sims[0]!.addFault({ kind: 'freeze' });
  const startMs = clock.nowMs();
  while ((await shown(0)).phase !== 'hung') {
    assert.ok(clock.nowMs() - startMs < 45_000, 'it is found');
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body: PLAIN }));
    await passed(clock, 3000);
    client.destroy();
  }
});

test('a stream that has begun ends with an error event', async (t) => {
  const { sims, router } = await startSims(t, 1);
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: LONG_STREAM }));
  await client.untilText('data: ');
  sims[0]!.addFault({ kind: 'freeze' });
  await client.untilText('"code":"call_upstream_hung"');
});

test('the only worker hangs: the client gets 504, and further ones 503 until it computes', async (t) => {
  const { sims, router } = await startSims(t, 1);
  sims[0]!.addFault({ kind: 'freeze' });
  const reply = await send(router.port);
  assert.deepEqual([reply.status, reply.get('x-smg-error-code')], [504, 'call_upstream_hung']);
  assert.equal((await send(router.port)).status, 503);
  sims[0]!.removeFaults();
  await router.untilEligible([{ url: `http://127.0.0.1:${sims[0]!.port}` }]);
  assert.equal((await send(router.port)).status, 200);
});

test('requests that wait for a connection to it go to another worker too', async (t) => {
  const { sims, router } = await startSims(t, 2, ['--max-connections-per-worker', '1', '--upstream-queue-timeout-secs', '500']);
  sims[0]!.addFault({ kind: 'freeze' });
  const replies = await Promise.all(Array.from({ length: 8 }, () => send(router.port)));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  await router.assertQuiet();
});

test('more requests than the budget of retries allows go to another worker', async (t) => {
  const { sims, router } = await startSims(t, 2, ['--retry-budget-ratio', '0']);
  sims[0]!.addFault({ kind: 'freeze' });
  const clients = await Promise.all(Array.from({ length: 220 }, () => router.connect()));
  for (const client of clients) await client.send(requestBytes({ path: '/generate', body: PLAIN }));
  // One look at all of them: that many that look for themselves would hold up the clock.
  await until(() => clients.every(({ receivedBytes }) => receivedBytes > 0), 'all answers', 60_000);
  for (const client of clients) assert.equal((await client.response('POST')).status, 200);
});

test('two workers that hang with a request: a third one does not get it', async (t) => {
  const { sims, router } = await startSims(t, 3);
  for (const sim of sims.slice(0, 2)) sim.addFault({ kind: 'freeze' });
  const replies = await Promise.all([send(router.port), send(router.port), send(router.port)]);
  const codes = replies.map((reply) => reply.get('x-smg-error-code') ?? reply.status);
  assert.ok(codes.includes(200));
  for (const code of codes) assert.ok(code === 200 || code === 'request_lost_workers', String(code));
});

test('without health checks a silent worker is asked too, and nothing else asks it', async (t) => {
  const { clock, sims, router, shown } = await startSims(t, 2, ['--disable-health-check']);
  const asked = () => ['/ready', '/health', '/ping'].reduce((sum, path) => sum + (sims[0]!.engine.traffic.requests.get(path) ?? 0), 0);
  await passed(clock, 100_000);
  assert.equal(asked(), 0);
  sims[0]!.addFault({ kind: 'freeze' });
  const replies = await Promise.all([send(router.port), send(router.port)]);
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  assert.equal((await shown(0)).phase, 'hung');
  sims[0]!.removeFaults();
  await until(() => router.fleet.current.eligible.regular.length === 2, 'the worker to be used');
});

for (const [name, delayMs] of [
  ['when the requests come', 0],
  ['while the router asks why it is silent', 15_000],
] as const) {
  test(`an engine that is paused ${name} keeps its requests and is not hung`, async (t) => {
    const { clock, sims, router, shown } = await startSims(t, 1, [], { itlMs: 400 });
    const [sim] = sims;
    // 60 s of computing without a byte for the client.
    const body = JSON.stringify({ text: 'hello', sampling_params: { max_new_tokens: 150, ignore_eos: true } });
    const reply = send(router.port, body);
    await until(() => sim!.engine.jobs.size === 1, 'the request at the engine');
    if (delayMs > 0) {
      // The scheduler hangs first, so that the question stays open.
      sim!.addFault({ kind: 'freeze', durationMs: delayMs });
      await passed(clock, delayMs - 500);
    }
    await postJson(sim!.port, '/pause_generation', { mode: 'in_place' });
    await passed(clock, 120_000);
    assert.notEqual((await shown(0)).phase, 'hung');
    assert.equal(sim!.engine.traffic.requests.get('/generate'), 1);
    await postJson(sim!.port, '/continue_generation', {});
    assert.equal((await reply).status, 200);
    assert.equal(await hungCount(router.port), 0);
  });
}

/** A scripted worker beside the clock of a router. */
async function startScripted(
  t: TestContext,
  health: () => number,
): Promise<{ clock: FakeClock; worker: ScriptedWorker; router: TestRouter }> {
  const clock = runningClock(t);
  const worker = await ScriptedWorker.start(t);
  worker.probe = (path) => ({ status: path === '/health' ? health() : path === '/ready' ? 200 : 404 });
  const router = await startTestRouter(t, FLAGS, [worker], { clock });
  return { clock, worker, router };
}

test('a worker that computes in silence for minutes while /health passes is never hung', async (t) => {
  const { clock, worker, router } = await startScripted(t, () => 200);
  worker.script = async (call) => {
    await call.body();
    await passed(clock, 300_000);
    await call.write(jsonAnswer({ text: 'late' }));
  };
  assert.equal((await send(router.port)).status, 200);
  assert.equal(worker.calls.length, 1);
  assert.equal(await hungCount(router.port), 0);
});

test('a worker of which one stream moves is never hung, though another request is silent and /health fails', async (t) => {
  const { clock, worker, router } = await startScripted(t, () => 503);
  worker.script = async (call) => {
    const body = (await call.body()).toString();
    if (!body.includes('"stream"')) {
      await until(() => worker.calls.length === 2, 'the stream');
      await call.closed;
      return;
    }
    await call.write(sseHead());
    for (let i = 0; i < 40; i++) {
      await passed(clock, 5000);
      await call.chunk(`data: ${i}\n\n`);
    }
    await call.write('0\r\n\r\n');
  };
  const silent = await router.connect();
  await silent.send(requestBytes({ path: '/generate', body: PLAIN }));
  const reply = await send(router.port, STREAM);
  assert.match(reply.text, /data: 39/);
  assert.equal(worker.calls.length, 2);
  assert.equal(await hungCount(router.port), 0);
});

test('the prefill worker of a pair hangs: another pair answers', async (t) => {
  const clock = runningClock(t);
  const modes = ['prefill', 'prefill', 'decode', 'decode'] as const;
  const sims = await Promise.all(
    modes.map((disaggregationMode) => startSim({ healthDelaySecs: 1, disaggregationMode, disaggregationBootstrapPort: 0 }, clock)),
  );
  t.after(() => Promise.all(sims.map((sim) => sim.stop())));
  const [first, second, ...decodes] = sims.map((sim) => ({ url: `http://127.0.0.1:${sim.port}`, sim }));
  const prefills = [first!, second!].flatMap(({ url, sim }) => ['--prefill', url, String(sim.bootstrapPort)]);
  const flags = [...FLAGS, '--pd-disaggregation', ...prefills, ...decodes.flatMap(({ url }) => ['--decode', url])];
  const router = await startTestRouter(t, flags, [], { clock, wait: false, named: 'by flags' });
  await router.untilEligible([first!, second!, ...decodes]);
  first!.sim.addFault({ kind: 'freeze' });
  const startMs = clock.nowMs();
  const replies = await Promise.all([PLAIN, STREAM, PLAIN, STREAM].map((body) => send(router.port, body)));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  assert.ok(clock.nowMs() - startMs < FOUND_MS + 5000, `${clock.nowMs() - startMs} ms`);
});
