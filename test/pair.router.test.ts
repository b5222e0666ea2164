// A router with --pd-disaggregation as a user starts it: from flags or the control API to a request that a pair answers.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ScrapedMetrics } from './support/prometheus.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

const PD = '--pd-disaggregation';

async function startWorker(t: TestContext, text: string): Promise<ScriptedWorker> {
  const worker = await ScriptedWorker.start(t);
  worker.script = async (call) => {
    await call.body();
    await call.write(jsonAnswer({ text }));
  };
  return worker;
}

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

async function ask(
  router: TestRouter,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string; json: Json }> {
  const headers = { connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const answer = await fetch(router.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, text, json: /^[[{]/.test(text) ? JSON.parse(text) : null };
}

test('prefill and decode workers of the command line answer together', async (t) => {
  const [prefill, decode] = [await startWorker(t, 'from prefill'), await startWorker(t, 'from decode')];
  const flags = [PD, '--prefill', prefill.url, '8998', '--decode', decode.url];
  const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags' });
  const answer = await ask(router, 'POST', '/generate', { text: 'hi' });
  assert.deepEqual([answer.status, answer.json], [200, { text: 'from decode' }]);
  const [toPrefill, toDecode] = [await (await prefill.next()).body(), await (await decode.next()).body()];
  assert.deepEqual(toPrefill, toDecode);
  assert.match(toPrefill.toString(), /"bootstrap_host":"127\.0\.0\.1","bootstrap_port":8998,"bootstrap_room":\d+/);
  await router.assertQuiet();
});

test('a router that starts empty says which role is missing until workers of both have joined', async (t) => {
  const [prefill, decode] = [await startWorker(t, 'from prefill'), await startWorker(t, 'from decode')];
  const router = await startTestRouter(t, [PD], [prefill, decode], { named: 'by flags', wait: false });
  const missing = async (): Promise<[Json, string]> => {
    const refused = await ask(router, 'POST', '/generate', { text: 'hi' });
    assert.equal(refused.status, 503);
    const readiness = await ask(router, 'GET', '/readiness');
    assert.equal(readiness.status, 503);
    const models = await ask(router, 'GET', '/v1/models');
    if (readiness.json.missing.includes('prefill')) assert.match(models.json.error.message, /^no prefill worker/);
    else assert.equal(models.status, 200);
    return [readiness.json.missing, refused.json.error.message];
  };
  const [noRole, noRoleMessage] = await missing();
  assert.deepEqual(noRole, ['prefill', 'decode']);
  assert.match(noRoleMessage, /prefill/);

  const added = await ask(router, 'POST', '/workers', { url: prefill.url, worker_type: 'prefill', bootstrap_port: 9001 });
  assert.equal(added.status, 202);
  await router.untilEligible([prefill]);
  const [onlyDecode, onlyDecodeMessage] = await missing();
  assert.deepEqual(onlyDecode, ['decode']);
  assert.match(onlyDecodeMessage, /decode/);

  const legacy = await ask(router, 'POST', `/add_worker?worker_type=decode&url=${encodeURIComponent(decode.url)}`);
  assert.deepEqual([legacy.status, legacy.text], [200, `Successfully added worker: ${decode.url}`]);
  assert.deepEqual((await ask(router, 'GET', '/readiness')).json, { status: 'ready', healthy_workers: 2, total_workers: 2 });
  assert.deepEqual((await ask(router, 'POST', '/generate', { text: 'hi' })).json, { text: 'from decode' });

  const { workers, stats } = (await ask(router, 'GET', '/workers')).json;
  assert.deepEqual(stats, { prefill_count: 1, decode_count: 1, regular_count: 0 });
  assert.deepEqual(
    workers.map((worker: Json) => [worker.url, worker.worker_type, worker.bootstrap_port]),
    [
      [prefill.url, 'prefill', 9001],
      [decode.url, 'decode', undefined],
    ],
  );
  await router.assertQuiet();
});

test('each role follows its own policy', async (t) => {
  const prefills = [await startWorker(t, 'p0'), await startWorker(t, 'p1')];
  const decodes = [await startWorker(t, 'd0'), await startWorker(t, 'd1')];
  const named = [...prefills.flatMap(({ url }) => ['--prefill', url]), ...decodes.flatMap(({ url }) => ['--decode', url])];
  const policies = ['--prefill-policy', 'cache_aware', '--decode-policy', 'round_robin'];
  const router = await startTestRouter(t, [PD, ...policies, ...named], [...prefills, ...decodes], { named: 'by flags' });
  const text = 'the same prompt again and again, long enough to be remembered by its prefix '.repeat(8);
  const answers: string[] = [];
  for (let i = 0; i < 4; i++) answers.push((await ask(router, 'POST', '/generate', { text })).json.text);
  assert.deepEqual(answers.sort(), ['d0', 'd0', 'd1', 'd1']);
  assert.deepEqual(prefills.map((worker) => worker.calls.length).sort(), [0, 4]);
  const { text: page } = await ask({ ...router, url: metricsUrl(router) }, 'GET', '/metrics');
  const selections = new ScrapedMetrics(page)
    .find('smg_worker_selection_total')
    .map(({ labels, value }) => `${labels?.['worker_type']} ${labels?.['policy']} ${value}`);
  assert.deepEqual(selections.sort(), ['decode round_robin 4', 'prefill cache_aware 4']);
  assert.match(page, /^smg_pd_decode_duration_seconds_count\{backend_type="pd",model="unknown",runtime="sglang"\} 4$/m);
  assert.match(page, /^smg_router_requests_total\{router_type="http",backend_type="pd",.*endpoint="generate",streaming="false"\} 4$/m);
  await router.assertQuiet();
});

test('the mini load balancer ignores the policies', async (t) => {
  const prefills = [await startWorker(t, 'p0'), await startWorker(t, 'p1')];
  const decode = await startWorker(t, 'd');
  const named = [...prefills.flatMap(({ url }) => ['--prefill', url]), '--decode', decode.url];
  const flags = [PD, '--mini-lb', '--prefill-policy', 'cache_aware', ...named];
  const router = await startTestRouter(t, flags, [...prefills, decode], { named: 'by flags' });
  const text = 'the same prompt again and again, long enough to be remembered by its prefix '.repeat(8);
  // 40 choices of one of two fall on one of them once in 10^12.
  for (let i = 0; i < 40 && prefills.some((worker) => worker.calls.length === 0); i++) await ask(router, 'POST', '/generate', { text });
  assert.ok(prefills.every((worker) => worker.calls.length > 0));
  await router.assertQuiet();
});

test('/pd/pairs shows the pairs at work, the oldest first', async (t) => {
  const [prefill, decode] = [await startWorker(t, 'from prefill'), await startWorker(t, 'from decode')];
  const held = gate();
  for (const worker of [prefill, decode]) {
    const answer = worker.script;
    worker.script = async (call) => {
      await held.promise;
      await answer(call);
    };
  }
  const flags = [PD, '--prefill', prefill.url, '--decode', decode.url];
  const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags' });
  assert.deepEqual((await ask(router, 'GET', '/pd/pairs')).json, { pairs: [], total: 0 });
  const single = ask(router, 'POST', '/generate', { text: 'hi' });
  await until(() => decode.calls.length === 1, 'the first pair');
  const batch = ask(router, 'POST', '/generate', { text: ['hi', 'you'] });
  await until(() => prefill.calls.length === 2 && decode.calls.length === 2, 'the second pair');
  const { pairs, total } = (await ask(router, 'GET', '/pd/pairs')).json;
  assert.equal(total, 2);
  const room = /"bootstrap_room":(\d+)/.exec((await prefill.calls[0]!.body()).toString())?.[1];
  const { age_ms, phase_age_ms, ...rest } = pairs[0];
  assert.deepEqual(rest, { room, room_count: 1, prefill: prefill.url, decode: decode.url, phase: 'bootstrap' });
  assert.ok(age_ms >= phase_age_ms && phase_age_ms >= 0);
  assert.equal(pairs[1].room_count, 2);
  assert.equal((await ask(router, 'GET', '/pd/pairs?limit=1')).json.pairs.length, 1);
  for (const limit of ['0', '1001', 'x', '']) assert.equal((await ask(router, 'GET', `/pd/pairs?limit=${limit}`)).status, 400, limit);
  held.open();
  await Promise.all([single, batch]);
  await router.assertQuiet();
  assert.equal((await ask(router, 'GET', '/pd/pairs')).json.total, 0);
});

test('workers that have left the fleet are still told when the client of their pair goes', async (t) => {
  const [prefill, decode] = [await startWorker(t, 'from prefill'), await startWorker(t, 'from decode')];
  const aborted: string[] = [];
  for (const worker of [prefill, decode]) {
    worker.script = async (call) => {
      const body = await call.body();
      if (call.target !== '/abort_request') return call.forever();
      aborted.push(body.toString());
      await call.write(jsonAnswer({}));
    };
  }
  const flags = [PD, '--prefill', prefill.url, '--decode', decode.url];
  const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags' });
  const leaves = new AbortController();
  const headers = { 'content-type': 'application/json' };
  const body = '{"text":"hi","rid":"mine"}';
  const asked = fetch(`${router.url}/generate`, { method: 'POST', headers, body, signal: leaves.signal });
  await until(() => prefill.calls.length === 1 && decode.calls.length === 1, 'both legs');
  for (const { id } of (await ask(router, 'GET', '/workers')).json.workers) await ask(router, 'DELETE', `/workers/${id}`);
  const left = (await ask(router, 'GET', '/workers')).json.workers;
  assert.deepEqual(
    left.map(({ status }: { status: string }) => status),
    ['draining', 'draining'],
  );
  assert.equal((await ask(router, 'GET', '/pd/pairs')).json.total, 1);
  leaves.abort();
  await assert.rejects(asked);
  await until(() => aborted.length === 2, 'both engines to be told');
  assert.deepEqual(aborted, ['{"rid":"mine"}', '{"rid":"mine"}']);
  await router.assertQuiet();
});

test('models come from a prefill worker, and server info and health from both roles', async (t) => {
  const [prefill, decode] = [await startWorker(t, 'from prefill'), await startWorker(t, 'from decode')];
  for (const [worker, name] of [[prefill, 'prefill'] as const, [decode, 'decode'] as const]) {
    worker.probe = (target) => ({ status: 200, body: JSON.stringify({ target, name, internal_states: [{ name }] }) });
  }
  const router = await startTestRouter(t, [PD, '--prefill', prefill.url, '--decode', decode.url], [prefill, decode], { named: 'by flags' });
  for (const path of ['/v1/models', '/get_model_info', '/model_info']) {
    assert.deepEqual((await ask(router, 'GET', path)).json, { text: 'from prefill' }, path);
  }
  const info = (await ask(router, 'GET', '/get_server_info')).json;
  assert.deepEqual([info.name, info.internal_states, info.decode[0].name], ['prefill', [{ name: 'decode' }], 'decode']);
  const health = await ask(router, 'GET', '/health_generate');
  assert.deepEqual(
    [health.status, health.text],
    [200, `Health generate passed on selected pair: prefill=${prefill.url}, decode=${decode.url}`],
  );
  assert.equal((await ask(router, 'POST', '/flush_cache')).status, 200);
  await router.assertQuiet();
});

test('workers that do not fit the mode are refused with the reason', async (t) => {
  const paired = await startTestRouter(t, [PD], [], { wait: false });
  const regular = await startTestRouter(t, [], [], { wait: false });
  const add = async (router: TestRouter, worker: object): Promise<[number, string]> => {
    const { status, json } = await ask(router, 'POST', '/workers', { url: 'http://127.0.0.1:9', ...worker });
    return [status, json.error];
  };
  const [status, error] = await add(paired, {});
  assert.equal(status, 400);
  assert.match(error, /worker_type null: expected prefill or decode/);
  assert.match((await add(paired, { worker_type: 'regular' }))[1], /this router runs with --pd-disaggregation/);
  assert.match((await add(regular, { worker_type: 'prefill' }))[1], /need a router with --pd-disaggregation/);
  for (const query of ['', '&worker_type=regular', '&worker_type=prefill&bootstrap_port=x', '&worker_type=decode&bootstrap_port=1']) {
    assert.equal((await ask(paired, 'POST', `/add_worker?url=http://127.0.0.1:9${query}`)).status, 400, query);
  }
  assert.equal((await ask(regular, 'POST', '/add_worker?url=http://127.0.0.1:9&worker_type=decode')).status, 400);
  assert.equal(paired.fleet.current.total + regular.fleet.current.total, 0);
});

function metricsUrl({ running }: TestRouter): string {
  assert.ok(running.metricsAddress !== null);
  return `http://127.0.0.1:${running.metricsAddress.port}`;
}
