// A router with --dp-aware: every data-parallel rank of an engine is a worker, and requests name the rank that they go to.
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ScrapedMetrics } from './support/prometheus.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { answerJson, jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

type Info = Readonly<Record<string, unknown>>;

/** An engine that says `info` of itself, or nothing. */
async function startEngine(t: TestContext, info: Info | null): Promise<ScriptedWorker> {
  const engine = await ScriptedWorker.start(t);
  tell(engine, info);
  return engine;
}

function tell(engine: ScriptedWorker, info: Info | null): void {
  engine.probe = (path) => {
    if (path === '/ready') return { status: 200 };
    return path === '/server_info' && info !== null ? { status: 200, body: JSON.stringify(info) } : { status: 404 };
  };
}

const ranksOf = ({ url }: ScriptedWorker, count: number) => Array.from({ length: count }, (_, rank) => ({ url: `${url}@${rank}` }));

async function startRouter(t: TestContext, engine: ScriptedWorker, ranks: number, flags: readonly string[] = []): Promise<TestRouter> {
  const router = await startTestRouter(t, ['--dp-aware', ...flags], [engine], { wait: false });
  await router.untilEligible(ranksOf(engine, ranks));
  return router;
}

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

async function ask(router: TestRouter, method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const fields = { connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers };
  const answer = await fetch(router.url + path, { method, headers: fields, ...(body === undefined ? {} : { body }) });
  const text = await answer.text();
  return { status: answer.status, text, json: (/^[[{]/.test(text) ? JSON.parse(text) : null) as Json };
}

/** For what only an answer of the router tells. */
async function untilAsync(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const startMs = performance.now(); !(await condition()); ) {
    assert.ok(performance.now() - startMs < 20_000, `waited in vain: ${what}`);
  }
}

const bodyOf = async (engine: ScriptedWorker): Promise<string> => (await (await engine.next()).body()).toString('latin1');

suite('requests', { concurrency: 4 }, () => {
  test('go to the ranks in turn, name theirs at the top level, and stay as they are otherwise', async (t) => {
    const engine = await startEngine(t, { dp_size: 2, version: '0.5.23' });
    const router = await startRouter(t, engine, 2);
    for (const [path, body] of [
      ['/generate', '{ "text":"a\\u00e9" , "sampling_params": {"temperature":0.70, "routed_dp_rank": 9}}'],
      ['/v1/chat/completions', '{"messages":[{"role":"user","content":"1e400 {\\"data_parallel_rank\\":1}"}],"seed":12345678901234567890}'],
      ['/v1/completions', '{}'],
    ] as const) {
      for (const rank of [0, 1]) {
        assert.equal((await ask(router, 'POST', path, body)).status, 200);
        const members = `"data_parallel_rank":${rank},"routed_dp_rank":${rank}${body === '{}' ? '' : ','}`;
        assert.equal(await bodyOf(engine), `{${members}${body.slice(1)}`);
      }
    }
    await router.assertQuiet();
  });

  test('lose the ranks that the client named, however often and however it spelt them', async (t) => {
    const engine = await startEngine(t, { dp_size: 1 });
    const router = await startRouter(t, engine, 1);
    const body =
      '{"routed_dp_rank":7,"text":"x", "data_p\\u0061rallel_rank" : null ,"disagg_prefill_dp_rank":1,"n":1,"routed_dp_rank":"8"}';
    assert.equal((await ask(router, 'POST', '/generate', body)).status, 200);
    assert.equal(await bodyOf(engine), '{"data_parallel_rank":0,"routed_dp_rank":0,"text":"x" ,"n":1}');
  });

  test('are held whole, so that a rank can be put into a body of any length', async (t) => {
    const engine = await startEngine(t, { dp_size: 1 });
    const router = await startRouter(t, engine, 1, ['--max-replay-bytes', '1000']);
    const text = 'x'.repeat(200_000);
    const client = await router.connect();
    const head = 'POST /generate HTTP/1.1\r\nhost: r\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    await client.send(head);
    const body = `{"text":"${text}","routed_dp_rank":3}`;
    for (let at = 0; at < body.length; at += 40_000) {
      const part = body.slice(at, at + 40_000);
      await client.send(`${part.length.toString(16)}\r\n${part}\r\n`);
    }
    await client.send('0\r\n\r\n');
    assert.equal((await client.response()).status, 200);
    assert.equal(await bodyOf(engine), `{"data_parallel_rank":0,"routed_dp_rank":0,"text":"${text}"}`);
  });

  test('that no rank can be put into are refused, or left to the engine to refuse', async (t) => {
    const engine = await startEngine(t, { dp_size: 1 });
    const router = await startRouter(t, engine, 1);
    const broken = await ask(router, 'POST', '/generate', '{"text":');
    assert.deepEqual([broken.status, broken.json.error.code], [400, 'json_parse_error']);
    const repeated = await ask(router, 'POST', '/generate', `{${'"n":1,'.repeat(2000)}"text":"x"}`);
    assert.deepEqual([repeated.status, repeated.json.error.code], [400, 'invalid_request']);
    assert.equal(engine.calls.length, 0);
    assert.equal((await ask(router, 'POST', '/generate', '[1]')).status, 200);
    assert.equal(await bodyOf(engine), '[1]');
    await router.assertQuiet();
  });

  test('without a body, or of routes that the router does not read, pass as they are', async (t) => {
    const engine = await startEngine(t, { dp_size: 2 });
    const router = await startRouter(t, engine, 2);
    assert.equal((await ask(router, 'GET', '/v1/models', undefined, { 'x-request-id': 'a' })).status, 200);
    assert.equal(await bodyOf(engine), '');
    assert.equal((await ask(router, 'POST', '/v1/score', '{"items":[]}')).status, 200);
    assert.equal(await bodyOf(engine), '{"items":[]}');
  });

  test('cannot be led elsewhere by header fields, even where all of them are forwarded', async (t) => {
    const [engine, decode] = [await startEngine(t, { dp_size: 2 }), await startEngine(t, { dp_size: 1 })];
    const steering = {
      'x-data-parallel-rank': '1',
      'x-override-routed-dp-rank': '1',
      'x-override-bootstrap-room': '5',
      'x-override-rid': 'a',
    };
    const namesAt = async (worker: ScriptedWorker): Promise<string[]> => {
      const call = await worker.next();
      return ['x-other', ...Object.keys(steering)].filter((name) => call.header(name) !== undefined);
    };
    const alone = await startRouter(t, engine, 2, ['--forward-headers', '*']);
    assert.equal((await ask(alone, 'POST', '/generate', '{"text":"x"}', { ...steering, 'x-other': 'b' })).status, 200);
    assert.deepEqual(await namesAt(engine), ['x-other']);
    const flags = ['--dp-aware', '--pd-disaggregation', '--prefill', engine.url, '--decode', decode.url, '--forward-headers', '*'];
    const paired = await startTestRouter(t, flags, [], { wait: false });
    await paired.untilEligible([...ranksOf(engine, 2), ...ranksOf(decode, 1)]);
    assert.equal((await ask(paired, 'POST', '/generate', '{"text":"x"}', { ...steering, 'x-other': 'b' })).status, 200);
    assert.deepEqual([await namesAt(engine), await namesAt(decode)], [['x-other'], ['x-other']]);
  });

  test('to an engine that is gone go to the other one, under the rank that is chosen there', async (t) => {
    const [gone, other] = [await startEngine(t, { dp_size: 2 }), await startEngine(t, { dp_size: 3 })];
    const router = await startTestRouter(t, ['--dp-aware'], [gone, other], { wait: false });
    await router.untilEligible([...ranksOf(gone, 2), ...ranksOf(other, 3)]);
    await gone.kill();
    for (let i = 0; i < 5; i++) assert.equal((await ask(router, 'POST', '/generate', '{"text":"x"}')).status, 200);
    assert.equal(router.fleet.current.eligible.regular.length, 3, 'both ranks of the dead engine left together');
    for (let i = 0; i < 5; i++) assert.match(await bodyOf(other), /^\{"data_parallel_rank":[012],"routed_dp_rank":[012],"text":"x"\}$/);
    await router.assertQuiet();
  });

  test('count as load of their rank, and use the connections of the engine', async (t) => {
    const engine = await startEngine(t, { dp_size: 2 });
    const router = await startRouter(t, engine, 2);
    const open: (() => void)[] = [];
    engine.script = async (call) => {
      await call.body();
      await new Promise<void>((resolve) => open.push(resolve));
      await call.write(jsonAnswer({}));
    };
    const answers = [0, 1, 2].map(() => ask(router, 'POST', '/generate', '{"text":"x"}'));
    await until(() => open.length === 3, 'three requests at the engine');
    const loads = async (): Promise<Json> =>
      (await ask(router, 'GET', '/workers')).json.workers.map((worker: Json) => [worker.url, worker.load]);
    assert.deepEqual(await loads(), [
      [`${engine.url}@0`, 2],
      [`${engine.url}@1`, 1],
    ]);
    assert.equal(router.running.workerConnections(), 3);
    for (const end of open) end();
    engine.script = answerJson;
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
    assert.deepEqual(
      (await loads()).flat().filter((value: unknown) => typeof value === 'number'),
      [0, 0],
    );
    assert.equal((await ask(router, 'GET', '/v1/responses/x', undefined, { 'x-request-id': 'every' })).status, 200);
    assert.equal(engine.calls.length, 4, 'what only one engine knows is asked once of each engine');
    const scraped = await fetch(`http://127.0.0.1:${router.running.metricsAddress?.port}/metrics`, { headers: { connection: 'close' } });
    const metrics = new ScrapedMetrics(await scraped.text());
    assert.equal(metrics.value('smg_worker_requests_active', { worker: `${engine.url}@1` }), 0);
  });
});

suite('workers', { concurrency: 4 }, () => {
  test('are shown by rank; the engine is found under the id that it was added with', async (t) => {
    const engine = await startEngine(t, { dp_size: 2, served_model_name: 'm' });
    const router = await startTestRouter(t, ['--dp-aware'], []);
    const added = (await ask(router, 'POST', '/workers', JSON.stringify({ url: engine.url, dp_aware: true }))).json;
    await router.untilEligible(ranksOf(engine, 2));
    const { workers, total, stats } = (await ask(router, 'GET', '/workers')).json;
    assert.deepEqual([total, stats.regular_count], [2, 2]);
    for (const [at, worker] of workers.entries()) {
      assert.deepEqual(
        [worker.url, worker.dp_rank, worker.dp_size, worker.dp_base_url, worker.is_healthy, worker.model_id],
        [`${engine.url}@${at}`, at, 2, engine.url, true, 'm'],
      );
      const one = (await ask(router, 'GET', `/workers/${worker.id}`)).json;
      assert.deepEqual(one, worker);
    }
    const { dp_ranks, url, load } = (await ask(router, 'GET', `/workers/${added.worker_id}`)).json;
    assert.deepEqual([url, load, dp_ranks.map((rank: Json) => rank.id)], [engine.url, 0, workers.map((worker: Json) => worker.id)]);
    assert.deepEqual((await ask(router, 'GET', '/list_workers')).json.urls, [`${engine.url}@0`, `${engine.url}@1`]);
    assert.deepEqual((await ask(router, 'GET', '/readiness')).json, { status: 'ready', healthy_workers: 2, total_workers: 2 });
  });

  test('leave with all ranks; one rank cannot be changed or removed alone', async (t) => {
    const engine = await startEngine(t, { dp_size: 2 });
    const router = await startRouter(t, engine, 2);
    const [{ id }] = (await ask(router, 'GET', '/workers')).json.workers;
    for (const name of [id, `${engine.url}@1`]) {
      for (const method of ['DELETE', 'PUT']) {
        const refused = await ask(router, method, `/workers/${name}`, method === 'PUT' ? '{"priority":1}' : undefined);
        assert.deepEqual([refused.status, refused.json.code], [409, 'RANK_OF_WORKER']);
        assert.match(refused.json.error, /is one of the 2 data-parallel ranks of http:.*, which change and leave together: name http:/);
      }
    }
    const legacy = await ask(router, 'POST', `/remove_worker?url=${engine.url}@0`);
    assert.deepEqual([legacy.status, legacy.text.includes('data-parallel ranks')], [400, true]);
    assert.equal((await ask(router, 'GET', `/workers/${engine.url}@2`)).status, 404);
    assert.equal((await ask(router, 'PUT', `/workers/${engine.url}`, '{"priority":7}')).status, 202);
    const changed = (await ask(router, 'GET', '/workers')).json.workers;
    assert.deepEqual(
      changed.map((worker: Json) => [worker.priority, worker.dp_rank]),
      [
        [7, 0],
        [7, 1],
      ],
    ); // prettier-ignore
    assert.equal(changed[0].id, id);
    assert.equal((await ask(router, 'DELETE', `/workers/${engine.url}`)).status, 202);
    assert.equal((await ask(router, 'GET', '/workers')).json.total, 0);
    assert.equal(router.fleet.current.total, 0);
  });

  test('send every rank the key that the engine was given last, over connections of its own', async (t) => {
    const engine = await startEngine(t, { dp_size: 2 });
    const router = await startRouter(t, engine, 2);
    const keys = async (): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for (let i = 0; i < 2; i++) {
        assert.equal((await ask(router, 'POST', '/generate', '{"text":"x"}')).status, 200);
        const call = await engine.next();
        seen.push(call.header('authorization'), /rank":(\d)/.exec((await call.body()).toString())?.[1]);
      }
      return seen;
    };
    assert.deepEqual(await keys(), [undefined, '0', undefined, '1']);
    assert.equal(router.running.workerConnections(), 1);
    assert.equal((await ask(router, 'PUT', `/workers/${engine.url}`, '{"api_key":"secret"}')).status, 202);
    assert.deepEqual(await keys(), ['Bearer secret', '0', 'Bearer secret', '1']);
    await until(() => router.running.workerConnections() === 1, 'the connections without the key to be closed');
  });

  test('take no requests before they have said how many ranks they have, and are asked again', async (t) => {
    const engine = await startEngine(t, null);
    const router = await startTestRouter(t, ['--dp-aware'], [engine], { wait: false });
    const status = async (): Promise<Json> => (await ask(router, 'GET', '/workers')).json.workers[0].job_status;
    await untilAsync(async () => (await status())?.message?.includes('/server_info') === true, 'the reason to be told');
    assert.match((await status()).message, /\/server_info describes nothing/);
    assert.equal((await ask(router, 'POST', '/generate', '{"text":"x"}')).status, 503);
    tell(engine, { dp_size: 'two' });
    await untilAsync(async () => (await status())?.message?.includes('dp_size') === true, 'the new reason to be told');
    assert.equal((await ask(router, 'GET', '/readiness')).status, 503);
    tell(engine, { dp_size: 2 });
    await router.untilEligible(ranksOf(engine, 2));
    assert.equal(await status(), undefined);
  });

  test('that come back with another number of ranks have as many', async (t) => {
    const engine = await startEngine(t, { dp_size: 3 });
    const router = await startRouter(t, engine, 3);
    const before = (await ask(router, 'GET', '/workers')).json.workers;
    await engine.kill();
    await untilAsync(async () => {
      await ask(router, 'POST', '/generate', '{"text":"x"}');
      return router.fleet.current.eligible.regular.length === 0;
    }, 'the engine to be missed');
    tell(engine, { dp_size: 2 });
    await engine.listen();
    await until(() => router.fleet.current.total === 2, 'the third rank to leave');
    await router.untilEligible(ranksOf(engine, 2));
    const after = (await ask(router, 'GET', '/workers')).json.workers;
    assert.deepEqual(
      after.map((worker: Json) => worker.id),
      before.slice(0, 2).map((worker: Json) => worker.id),
    ); // prettier-ignore
  });
});

suite('pairs', { concurrency: 4 }, () => {
  test('tell each leg its rank, decode that of prefill too, and rooms belong to the rank of prefill', async (t) => {
    const [prefill, decode] = [await startEngine(t, { dp_size: 4 }), await startEngine(t, { dp_size: 2 })];
    const flags = ['--dp-aware', '--pd-disaggregation', '--prefill', prefill.url, '8998', '--decode', decode.url];
    const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags', wait: false });
    await router.untilEligible([...ranksOf(prefill, 4), ...ranksOf(decode, 2)]);
    const rest = '"text":"a" ,"sampling_params":{"temperature":0.70}}';
    for (let i = 0; i < 8; i++) {
      const body = `{"routed_dp_rank":99,${rest.slice(0, -1)},"disagg_prefill_dp_rank":5}`;
      assert.equal((await ask(router, 'POST', '/generate', body)).status, 200);
      const [toPrefill, toDecode] = [await bodyOf(prefill), await bodyOf(decode)];
      const room = /"bootstrap_room":(\d+)/.exec(toPrefill)?.[1] ?? '';
      const [own, other] = [i % 4, i % 2];
      assert.equal(BigInt(room) % 4n, BigInt(own));
      const pair = `{"bootstrap_host":"127.0.0.1","bootstrap_port":8998,"bootstrap_room":${room},"rid":"pair-${room.padStart(19, '0')}"`;
      assert.equal(toPrefill, `${pair},"data_parallel_rank":${own},"routed_dp_rank":${own},${rest}`);
      assert.equal(toDecode, `${pair},"data_parallel_rank":${other},"routed_dp_rank":${other},"disagg_prefill_dp_rank":${own},${rest}`);
    }
    const shown = (await ask(router, 'GET', '/workers')).json;
    assert.deepEqual(shown.stats, { prefill_count: 4, decode_count: 2, regular_count: 0 });
    assert.equal(shown.workers[3].bootstrap_port, 8998);
    await router.assertQuiet();
  });

  test('are shown by rank while they live, and in the log', async (t) => {
    const [prefill, decode] = [await startEngine(t, { dp_size: 2 }), await startEngine(t, { dp_size: 2 })];
    const logger = new RecordingLogger();
    const flags = ['--dp-aware', '--pd-disaggregation', '--prefill', prefill.url, '--decode', decode.url];
    const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags', wait: false, logger });
    await router.untilEligible([...ranksOf(prefill, 2), ...ranksOf(decode, 2)]);
    const mayAnswer = gate();
    decode.script = async (call) => {
      await call.body();
      await mayAnswer.promise;
      await call.write(jsonAnswer({}));
    };
    const answer = ask(router, 'POST', '/generate', '{"text":"x"}');
    await until(() => decode.calls.length === 1, 'the request at decode');
    const { pairs } = (await ask(router, 'GET', '/pd/pairs')).json;
    assert.deepEqual([pairs[0].prefill, pairs[0].decode], [`${prefill.url}@0`, `${decode.url}@0`]);
    mayAnswer.open();
    assert.equal((await answer).status, 200);
    const logged = logger.records.filter(({ message, fields }) => message === 'request' && fields['path'] === '/generate');
    assert.deepEqual(
      logged.map(({ fields }) => [fields['prefill_worker'], fields['worker']]),
      [[`${prefill.url}@0`, `${decode.url}@0`]],
    );
    const told = logger.records.filter(({ message }) => message === 'worker has told its data-parallel ranks');
    assert.deepEqual(
      new Set(told.map(({ fields }) => `${fields['worker']} ${fields['ranks']}`)),
      new Set([`${prefill.url} 2`, `${decode.url} 2`]),
    );
  });

  test('are tried at another engine, not at another rank of the one that failed, as long as there is one', async (t) => {
    const decode = await startEngine(t, { dp_size: 1 });
    const prefills = [await startEngine(t, { dp_size: 3 }), await startEngine(t, { dp_size: 3 })];
    for (const engine of prefills) {
      engine.script = async (call) => {
        await call.body();
        await call.write(jsonAnswer({ error: 'a rank of it fails' }, 500));
      };
    }
    const flags = ['--dp-aware', '--pd-disaggregation', ...prefills.flatMap(({ url }) => ['--prefill', url]), '--decode', decode.url];
    decode.script = (call) => (call.target === '/abort_request' ? answerJson(call) : call.forever());
    const router = await startTestRouter(t, flags, [...prefills, decode], { named: 'by flags', wait: false });
    await router.untilEligible([...prefills.flatMap((engine) => ranksOf(engine, 3)), ...ranksOf(decode, 1)]);
    assert.equal((await ask(router, 'POST', '/generate', '{"text":"x"}')).status, 500);
    assert.deepEqual(
      prefills.map(({ calls }) => calls.length),
      [1, 1],
      'after 500 from two engines the request is to blame',
    );
    await router.assertQuiet();
  });

  test('whose only prefill engine is gone are answered at once with what is wrong, however many ranks it had', async (t) => {
    const [prefill, decode] = [await startEngine(t, { dp_size: 3 }), await startEngine(t, { dp_size: 1 })];
    const flags = ['--dp-aware', '--pd-disaggregation', '--prefill', prefill.url, '--decode', decode.url];
    const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags', wait: false });
    await router.untilEligible([...ranksOf(prefill, 3), ...ranksOf(decode, 1)]);
    await prefill.kill();
    const failed = await ask(router, 'POST', '/generate', '{"text":"x"}');
    assert.deepEqual([failed.status, failed.json.error.code], [502, 'call_upstream_connection_failed'], failed.text);
    assert.match((await ask(router, 'POST', '/generate', '{"text":"x"}')).json.error.message, /^no prefill worker can take requests now/);
    await router.assertQuiet();
  });

  test('without --dp-aware keep the ranks that the client named', async (t) => {
    const [prefill, decode] = [await startEngine(t, { dp_size: 4 }), await startEngine(t, { dp_size: 2 })];
    const flags = ['--pd-disaggregation', '--prefill', prefill.url, '8998', '--decode', decode.url];
    const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags' });
    assert.equal((await ask(router, 'POST', '/generate', '{"text":"a","routed_dp_rank":1}')).status, 200);
    assert.match(await bodyOf(prefill), /"text":"a","routed_dp_rank":1\}$/);
  });
});
