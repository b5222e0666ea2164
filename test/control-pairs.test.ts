// What the control plane of a router of prefill-decode pairs says of itself and asks of its workers.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LocalResponse } from '../src/base/core/local-route.ts';
import { startControl } from './support/control-rig.ts';
import { type Answer, ProbedWorker } from './support/probed-worker.ts';

type Rig = ReturnType<typeof startControl>;

// biome-ignore lint/suspicious/noExplicitAny: any JSON
const json = (response: LocalResponse): any => JSON.parse(String(response.body));

async function startWorker(t: TestContext, answers: readonly (readonly [string, Answer])[] = []): Promise<ProbedWorker> {
  const worker = await new ProbedWorker([['/ready', 200], ...answers]).listen();
  t.after(() => worker.kill());
  return worker;
}

/** With all workers ready. */
async function startPairs(t: TestContext, prefill: readonly ProbedWorker[], decode: readonly ProbedWorker[]): Promise<Rig> {
  const rig = startControl(t, { isPaired: true });
  rig.start({
    prefill: prefill.map(({ address }, at) => ({ address, bootstrapPort: at === 0 ? 8998 : null })),
    decode: decode.map(({ address }) => address),
  });
  for (const { address } of [...prefill, ...decode]) await rig.untilEligible(address.url);
  return rig;
}

test('workers named at the start have their role, and their counts include only those that have come up', async (t) => {
  const [prefill, decode] = [await startWorker(t), await startWorker(t, [['/ready', 503]])];
  const rig = startControl(t, { isPaired: true });
  rig.start({ prefill: [{ address: prefill.address, bootstrapPort: 8998 }], decode: [decode.address] });
  await rig.untilEligible(prefill.address.url);
  const early = json(await rig.call('GET', '/workers'));
  assert.deepEqual([early.total, early.stats], [2, { prefill_count: 1, decode_count: 0, regular_count: 0 }]);
  decode.answers.set('/ready', 200);
  await rig.untilEligible(decode.address.url);
  const { workers, stats } = json(await rig.call('GET', '/workers'));
  assert.deepEqual(stats, { prefill_count: 1, decode_count: 1, regular_count: 0 });
  assert.deepEqual([workers[0].worker_type, workers[0].bootstrap_port], ['prefill', 8998]);
  assert.deepEqual([workers[1].worker_type, 'bootstrap_port' in workers[1]], ['decode', false]);
  const { eligible } = rig.cell.current;
  assert.deepEqual([eligible.regular.length, eligible.prefill.length, eligible.decode.length], [0, 1, 1]);
});

test('a URL cannot become a worker of another role or bootstrap port while it is registered', async (t) => {
  const rig = startControl(t, { isPaired: true });
  const url = 'http://127.0.0.1:9';
  const add = (worker: object) => rig.call('POST', '/workers', { url, ...worker });
  assert.equal((await add({ worker_type: 'prefill', bootstrap_port: 8998 })).status, 202);
  for (const same of [{ bootstrap_port: 8998 }, {}]) assert.equal((await add({ worker_type: 'prefill', ...same })).status, 202);
  for (const other of [{ worker_type: 'decode' }, { worker_type: 'prefill', bootstrap_port: 8999 }]) {
    const refused = await add(other);
    assert.deepEqual([refused.status, json(refused).code], [409, 'WORKER_CONFLICT']);
    assert.match(json(refused).error, /is registered as a prefill worker with the bootstrap port 8998; DELETE it/);
  }
  assert.equal(rig.find(url).bootstrapPort, 8998);
});

test('readiness needs one worker of each role and names the one that is missing', async (t) => {
  const [prefill, decode] = [await startWorker(t), await startWorker(t)];
  const rig = await startPairs(t, [prefill], [decode]);
  assert.deepEqual(json(await rig.call('GET', '/readiness')), { status: 'ready', healthy_workers: 2, total_workers: 2 });
  await rig.call('DELETE', `/workers/${rig.find(prefill.address.url).id}`);
  const missing = await rig.call('GET', '/readiness');
  assert.equal(missing.status, 503);
  assert.deepEqual(json(missing), { status: 'not ready', reason: 'insufficient healthy workers', missing: ['prefill'] });
  rig.control.beginDrain();
  assert.deepEqual(json(await rig.call('GET', '/readiness')), { status: 'not ready', reason: 'shutting down' });
});

test('/health_generate asks both workers of a pair and says which pair it was', async (t) => {
  const [prefill, decode] = [await startWorker(t, [['/health_generate', 200]]), await startWorker(t, [['/health_generate', 200]])];
  const rig = await startPairs(t, [prefill], [decode]);
  const passed = await rig.call('GET', '/health_generate');
  const pair = `prefill=${prefill.address.url}, decode=${decode.address.url}`;
  assert.deepEqual([passed.status, passed.body], [200, `Health generate passed on selected pair: ${pair}`]);
  decode.answers.set('/health_generate', 503);
  const failed = await rig.call('GET', '/health_generate');
  assert.deepEqual([failed.status, failed.headers?.['x-smg-error-code']], [503, 'health_generate_failed']);
  assert.match(json(failed).error.message, new RegExp(`decode=${decode.address.url} answered 503$`));
  decode.answers.set('/health_generate', 'reset');
  assert.match(json(await rig.call('GET', '/health_generate')).error.message, /did not answer \(broken\)$/);
});

test('/health_generate and /get_server_info name the role that is missing', async (t) => {
  const rig = startControl(t, { isPaired: true });
  for (const path of ['/health_generate', '/get_server_info']) {
    const none = await rig.call('GET', path);
    assert.deepEqual([none.status, json(none).error.message], [503, 'no prefill and no decode worker can take requests now']);
  }
  const prefill = await startWorker(t);
  rig.start({ prefill: [{ address: prefill.address, bootstrapPort: null }], decode: [] });
  await rig.untilEligible(prefill.address.url);
  assert.equal(json(await rig.call('GET', '/health_generate')).error.message, 'no decode worker can take requests now');
});

test('callers that ask at the same time share one question', async (t) => {
  const [prefill, decode] = [await startWorker(t, [['/health_generate', 200]]), await startWorker(t, [['/health_generate', 200]])];
  for (const worker of [prefill, decode]) worker.delaysMs.set('/health_generate', 50);
  const rig = await startPairs(t, [prefill], [decode]);
  const answers = await Promise.all(Array.from({ length: 50 }, () => rig.call('GET', '/health_generate')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(prefill.requests.filter(({ path }) => path === '/health_generate').length, 1);
});

test('/get_server_info has the first prefill worker at the top and all workers as the MiniLB gives them, without keys', async (t) => {
  const info = (name: string, state?: object): [string, Answer] => [
    '/server_info',
    { model_path: name, tp_size: 2, api_key: 'hush', admin_api_key: 'hush', ...(state === undefined ? {} : { internal_states: [state] }) },
  ];
  const [p0, p1] = [await startWorker(t, [info('p0', { side: 'prefill' })]), await startWorker(t, [info('p1')])];
  // An engine of another version, which only has the older path.
  const old = await startWorker(t, [['/get_server_info', { model_path: 'd1', internal_states: [{ last_gen_throughput: 2 }] }]]);
  const d0 = await startWorker(t, [info('d0', { last_gen_throughput: 1, api_key: 'hush' })]);
  const rig = await startPairs(t, [p0, p1], [d0, old]);
  for (const path of ['/get_server_info', '/server_info']) {
    const answer = await rig.call('GET', path);
    assert.equal(answer.status, 200);
    const described = json(answer);
    assert.deepEqual([described.model_path, described.tp_size, described.api_key], ['p0', 2, null]);
    assert.deepEqual(described.internal_states, [{ last_gen_throughput: 1, api_key: null }, { last_gen_throughput: 2 }]);
    assert.deepEqual(
      [...described.prefill, ...described.decode].map(({ model_path }) => model_path),
      ['p0', 'p1', 'd0', 'd1'],
    );
    assert.doesNotMatch(String(answer.body), /hush/);
  }
});

test('/get_server_info has a state even when no decode worker tells one', async (t) => {
  const [prefill, decode] = [await startWorker(t, [['/server_info', { model_path: 'p' }]]), await startWorker(t, [['/server_info', []]])];
  const rig = await startPairs(t, [prefill], [decode]);
  const described = json(await rig.call('GET', '/get_server_info'));
  assert.deepEqual(described.internal_states, [{ last_gen_throughput: 0, avg_spec_accept_length: null }]);
  assert.deepEqual([described.prefill.length, described.decode.length], [1, 0]);
});

test('/get_loads sums the tokens of the ranks of every worker, by the newer route or the older one', async (t) => {
  const ranks = { loads: [{ num_total_tokens: 10 }, { num_total_tokens: 5 }] };
  const prefill = await startWorker(t, [['/v1/loads?include=core', ranks]]);
  const old = await startWorker(t, [['/get_load', [{ num_tokens: 7 }]]]);
  const silent = await startWorker(t, [['/v1/loads?include=core', { loads: [{}] }]]);
  const rig = await startPairs(t, [prefill], [old, silent]);
  const { workers } = json(await rig.call('GET', '/get_loads'));
  assert.deepEqual(workers, [
    { worker: prefill.address.url, worker_type: 'prefill', load: 15 },
    { worker: old.address.url, worker_type: 'decode', load: 7 },
    { worker: silent.address.url, worker_type: 'decode', load: -1 },
  ]);
});

test('/flush_cache flushes every worker, and tells which ones did not', async (t) => {
  const workers = [await startWorker(t, [['/flush_cache', 200]]), await startWorker(t, [['/flush_cache', 200]])];
  const rig = await startPairs(t, [workers[0]!], [workers[1]!]);
  const emptied: string[] = [];
  rig.cell.subscribe({ cacheEmptied: ({ url }) => emptied.push(url) });
  const all = await rig.call('POST', '/flush_cache');
  assert.deepEqual(emptied.splice(0).sort(), workers.map(({ address }) => address.url).sort(), 'policies hear of it');
  assert.equal(all.status, 200);
  assert.deepEqual(json(all), {
    status: 'success',
    message: 'Successfully flushed the cache of 2 workers',
    workers_flushed: 2,
    total_http_workers: 2,
    total_workers: 2,
  });
  workers[0]!.answers.set('/flush_cache', 400);
  const some = await rig.call('POST', '/flush_cache');
  assert.equal(some.status, 206);
  assert.deepEqual(emptied, [workers[1]!.address.url]);
  const { status, successful, failed } = json(some);
  assert.deepEqual(
    [status, successful, failed],
    ['partial_success', [workers[1]!.address.url], [{ worker: workers[0]!.address.url, error: 'status 400' }]],
  );
  // Not joined with one under way: what was cached since must go too.
  const flushes = () => workers[1]!.requests.filter(({ path }) => path === '/flush_cache').length;
  const before = flushes();
  await Promise.all([rig.call('POST', '/flush_cache'), rig.call('POST', '/flush_cache')]);
  assert.equal(flushes() - before, 2);
});

test('/flush_cache passes its query on, and waits as long as the query asks the engines to wait', async (t) => {
  const rig = startControl(t);
  const asked = '/flush_cache?timeout=30&empty_cache=true';
  const worker = await rig.worker([
    ['/ready', 200],
    [asked, 200],
    ['/flush_cache?timeout=soon', 422],
    ['/flush_cache?timeout=inf', 'hang'],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  worker.delaysMs.set(asked, 29_000);
  const flushed = await rig.run(rig.call('POST', asked));
  assert.deepEqual([flushed.status, json(flushed).workers_flushed], [200, 1]);
  worker.delaysMs.set(asked, 36_000);
  assert.match(json(await rig.run(rig.call('POST', asked))).failed[0].error, /^slow/, 'the time of the query and 5 s more');
  assert.match(json(await rig.run(rig.call('POST', '/flush_cache?timeout=soon'))).failed[0].error, /status 422/, 'the engine judges it');
  const before = rig.clock.nowMs();
  assert.equal((await rig.run(rig.call('POST', '/flush_cache?timeout=inf'))).status, 206);
  assert.ok(rig.clock.nowMs() - before < 10_000);
});

test('no more than 16 rounds of questions run at once', async (t) => {
  const [prefill, decode] = [await startWorker(t, [['/flush_cache', 'hang']]), await startWorker(t, [['/flush_cache', 200]])];
  const rig = await startPairs(t, [prefill], [decode]);
  const flushes = Array.from({ length: 16 }, () => rig.call('POST', '/flush_cache'));
  for (const [method, path] of [
    ['POST', '/flush_cache'],
    ['GET', '/get_loads'],
    ['GET', '/health_generate'],
    ['GET', '/server_info'],
  ] as const) {
    const refused = await rig.call(method, path);
    assert.deepEqual([refused.status, refused.headers?.['x-smg-error-code']], [503, 'router_busy'], path);
  }
  await rig.control.stop();
  for (const { status } of await Promise.all(flushes)) assert.equal(status, 206);
  await rig.until(() => prefill.openSockets === 0);
});

test('a worker is asked with its own key, or else with that of the client', async (t) => {
  const [prefill, decode] = [await startWorker(t, [['/flush_cache', 200]]), await startWorker(t, [['/flush_cache', 200]])];
  const rig = await startPairs(t, [prefill], [decode]);
  await rig.call('PUT', `/workers/${rig.find(prefill.address.url).id}`, { api_key: 'own' });
  await rig.call('POST', '/flush_cache', undefined, 'Bearer theirs');
  const keyAt = ({ requests }: ProbedWorker) => requests.find(({ path }) => path === '/flush_cache')?.headers.authorization;
  assert.deepEqual([keyAt(prefill), keyAt(decode)], ['Bearer own', 'Bearer theirs']);
});

test('a router of regular workers leaves to one of them what only makes sense for pairs, and asks all of them for the rest', async (t) => {
  const first = await startWorker(t, [
    ['/flush_cache', 200],
    ['/v1/loads?include=core', { loads: [{ num_total_tokens: 3 }] }],
  ]);
  const second = await startWorker(t, [['/flush_cache', 200]]);
  const rig = startControl(t);
  for (const path of ['/health_generate', '/get_server_info', '/server_info', '/pd/pairs']) {
    await assert.rejects(rig.call('GET', path), /no route/);
  }
  const none = await rig.call('POST', '/flush_cache');
  assert.deepEqual([none.status, json(none).workers_flushed], [200, 0]);
  rig.start({ workerUrls: [first.address, second.address] });
  const all = await rig.call('POST', '/flush_cache');
  assert.deepEqual([all.status, json(all).workers_flushed, json(all).total_workers], [200, 2, 2]);
  assert.deepEqual(json(await rig.call('GET', '/get_loads')).workers, [
    { worker: first.address.url, worker_type: 'regular', load: 3 },
    { worker: second.address.url, worker_type: 'regular', load: -1 },
  ]);
});
