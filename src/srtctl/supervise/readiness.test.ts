import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { planned } from '../../../test/support/small-plan.ts';
import { realClock } from '../../base/runtime/clock.ts';
import type { ReadyRule } from '../plan/plan.ts';
import { Asker } from './ask.ts';
import { askReady, missingWorkers } from './readiness.ts';

const URLS = ['http://10.0.0.1:30000', 'http://10.0.0.2:30000'];
const listed = (entries: readonly (readonly [url: string, healthy: unknown])[]): string =>
  JSON.stringify({ workers: entries.map(([url, is_healthy]) => ({ url, is_healthy })) });

describe('the workers that a router lists', () => {
  test('are complete in any order, with a slash or without', () => {
    assert.equal(
      missingWorkers(
        listed([
          ['http://10.0.0.2:30000/', true],
          ['http://10.0.0.1:30000', true],
        ]),
        URLS,
      ),
      null,
    );
  });

  test('are complete when every rank of each is well', () => {
    const ranks = [0, 1].flatMap((rank) => URLS.map((url) => [`${url}@${rank}`, true] as const));
    assert.equal(missingWorkers(listed(ranks), URLS), null);
    assert.match(
      missingWorkers(listed([...ranks.slice(1), [`${URLS[0]}@0`, false]]), URLS) ?? '',
      /^1 of 2 .*not healthy http:\/\/10\.0\.0\.1/,
    );
  });

  test('that are missing or not well are named', () => {
    assert.equal(
      missingWorkers(listed([['http://10.0.0.2:30000', false]]), URLS),
      '0 of 2 workers are healthy for it: it does not know http://10.0.0.1:30000 and lists as not healthy http://10.0.0.2:30000',
    );
  });

  test('must say that they are well in so many words', () => {
    for (const healthy of ['true', 1, null, undefined])
      assert.notEqual(missingWorkers(listed([[URLS[0] ?? '', healthy]]), URLS.slice(0, 1)), null);
    for (const text of ['', '[]', '{"workers":{}}', '{"workers":[null,7]}']) assert.notEqual(missingWorkers(text, URLS), null);
  });
});

/** What the rule says about a server that answers so. `argv`: of the process that is asked. */
async function ask(
  t: TestContext,
  rule: (url: string, port: number) => ReadyRule,
  answer: RequestListener,
  argv: string[] = [],
): Promise<string | null> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const asker = new Asker();
  t.after(async () => {
    await asker.close();
    server.close();
  });
  const process = planned('aggregated-0', { argv, ready: rule('http://<node0>', port) });
  return askReady(process, (text) => text.replace('<node0>', `127.0.0.1:${port}`), asker, realClock, new AbortController().signal);
}

const json =
  (answers: Readonly<Record<string, unknown>>): RequestListener =>
  ({ url = '' }, response) => {
    response.writeHead(url in answers ? 200 : 503);
    response.end(JSON.stringify(answers[url] ?? 'loading'));
  };

describe('a rule', () => {
  const worker = (url: string): ReadyRule => ({ kind: 'worker', url, model: 'm' });

  test('for workers asks for health and for the model', async (t) => {
    assert.equal(await ask(t, worker, json({ '/health': {}, '/v1/models': { data: [{ id: 'm' }] } })), null);
    assert.match((await ask(t, worker, json({ '/v1/models': { data: [{ id: 'm' }] } }))) ?? '', /\/health answers 503 "loading"/);
    assert.match(
      (await ask(t, worker, json({ '/health': {}, '/v1/models': { data: [{ id: 'other' }] } }))) ?? '',
      /does not list m, but other/,
    );
  });

  test('brings the key that the worker was started with', async (t) => {
    const guarded: RequestListener = (request, response) => {
      response.writeHead(request.headers.authorization === 'Bearer k1' ? 200 : 401);
      response.end(JSON.stringify({ data: [{ id: 'm' }] }));
    };
    assert.equal(await ask(t, worker, guarded, ['engine', '--api-key', 'k1']), null);
    assert.match((await ask(t, worker, guarded)) ?? '', /answers 401/);
  });

  test('for frontends counts instances by component', async (t) => {
    const rule = (url: string): ReadyRule => ({ kind: 'frontend', url, model: 'm', namespace: 'd', prefill: 1, decode: 2 });
    const instance = (component: string, endpoint = 'generate'): object => ({ namespace: 'd', component, endpoint });
    const models = { data: [{ id: 'm' }] };
    const all = [instance('prefill'), instance('backend'), instance('decode')];
    assert.equal(await ask(t, rule, json({ '/health': { instances: all }, '/v1/models': models })), null);
    const some = [instance('prefill'), instance('backend'), instance('backend', 'clear_kv_blocks')];
    assert.equal(
      await ask(t, rule, json({ '/health': { instances: some }, '/v1/models': models })),
      'it lists 1 of 1 prefill and 1 of 2 other workers',
    );
  });

  test('for frontends is not met by more workers than the run has', async (t) => {
    const rule = (url: string): ReadyRule => ({ kind: 'frontend', url, model: 'm', namespace: 'd', prefill: 0, decode: 1 });
    const instance = (namespace: string): object => ({ namespace, component: 'backend', endpoint: 'generate' });
    const others = { data: [{ id: 'm' }] };
    const foreign = [instance('d'), instance('e')];
    assert.equal(await ask(t, rule, json({ '/health': { instances: foreign }, '/v1/models': others })), null);
    const twice = [instance('d'), instance('d')];
    assert.match(
      (await ask(t, rule, json({ '/health': { instances: twice }, '/v1/models': others }))) ?? '',
      /^it lists 0 of 0 prefill and 2 of 1 other workers, more than this run has: .*data of an earlier one$/,
    );
  });

  test('for Dynamo workers is what they say of their endpoints, whatever they say of the whole', async (t) => {
    const rule = (url: string): ReadyRule => ({ kind: 'dynamo-worker', url, endpoints: ['generate', 'worker_kv_query_source_'] });
    const answer =
      (endpoints: object): RequestListener =>
      (_, response) => {
        response.writeHead(503).end(JSON.stringify({ status: 'notready', endpoints }));
      };
    assert.equal(await ask(t, rule, answer({ generate: 'ready', worker_kv_query_source_1a: 'ready' })), null);
    assert.match((await ask(t, rule, answer({}))) ?? '', /does not name generate, worker_kv_query_source_\* as ready, but nothing$/);
    assert.match(
      (await ask(t, rule, answer({ generate: 'ready', worker_kv_query_source_1a: 'notready' }))) ?? '',
      /does not name worker_kv_query_source_\* as ready, but generate: it has registered and cannot serve \(is its bootstrap port taken\?/,
    );
    const other: RequestListener = (_, response) => response.writeHead(404).end('nothing here');
    assert.match((await ask(t, rule, other)) ?? '', /answers 404 nothing here$/);
  });

  test('for ports is a connection', async (t) => {
    const rule = (port: number): ReadyRule => ({ kind: 'tcp', host: '127.0.0.1', port });
    assert.equal(await ask(t, (_, port) => rule(port), json({})), null);
    assert.match((await ask(t, () => rule(1), json({}))) ?? '', /no connection to 127\.0\.0\.1:1 \(ECONNREFUSED\)/);
  });

  test('is not met by an answer without end', async (t) => {
    const endless: RequestListener = (_, response) => {
      const piece = Buffer.alloc(1 << 20);
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', more);
      more();
    };
    assert.match((await ask(t, worker, endless)) ?? '', /larger than 8 MiB/);
  });
});

test('a rule with the identity of a run is not fulfilled by a server of another run', async (t) => {
  const nginx = (url: string): ReadyRule => ({ kind: 'http', url: `${url}/health`, run: { url: `${url}/.srtctl/run`, says: '4711' } });
  const answerAs =
    (run: string): RequestListener =>
    ({ url }, response) =>
      response.end(url === '/.srtctl/run' ? run : 'ok');
  assert.equal(await ask(t, nginx, answerAs('4711')), null);
  assert.match((await ask(t, nginx, answerAs('4712'))) ?? '', /\/\.srtctl\/run belongs to run 4712, not to 4711$/);
  // An nginx without an identity passes the question on, and its router does not know it.
  assert.match((await ask(t, nginx, ({ url }, response) => response.writeHead(url === '/health' ? 200 : 404).end())) ?? '', /answers 404/);
});
