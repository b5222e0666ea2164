/** Requests beyond --max-concurrent-requests and --rate-limit-tokens-per-second: who waits, for how long, and what each is told. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ScrapedMetrics } from './support/prometheus.ts';
import { ask, type RawClient, type RawResponse, requestBytes } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { type Call, LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { type Gate, gate, until } from './support/until.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';

const answered = new WeakMap<Call, Gate>();

/** A worker that answers when the test calls `end`. */
async function holdingWorker(t: TestContext): Promise<ScriptedWorker> {
  return ScriptedWorker.start(t, async (call) => {
    const end = gate();
    answered.set(call, end);
    await call.body();
    await Promise.race([end.promise, call.forever()]);
  });
}

/** The last bytes of an answer: the worker's connection takes the next request. */
async function end(call: Call, bytes = ANSWER): Promise<void> {
  await call.write(bytes);
  answered.get(call)?.open();
}

interface Rig {
  readonly router: TestRouter;
  readonly worker: ScriptedWorker;
  readonly log: RecordingLogger;
  /** Sends a request on a connection of its own. */
  send(path?: string, body?: string): Promise<RawClient>;
  /** A request that has reached the worker and is held there. */
  hold(): Promise<{ readonly client: RawClient; readonly call: Call }>;
  scrape(): Promise<ScrapedMetrics>;
  /** Requests that wait behind the limit now. */
  untilWaiting(count: number): Promise<void>;
}

async function rig(t: TestContext, flags: readonly string[]): Promise<Rig> {
  const worker = await holdingWorker(t);
  const log = new RecordingLogger();
  const router = await startTestRouter(t, ['--access-log', 'on', ...flags], [worker], { logger: log });
  const send = async (path = '/generate', body = '{"text":"x"}'): Promise<RawClient> => {
    const client = await router.connect();
    await client.send(requestBytes({ path, body }));
    return client;
  };
  const scrape = async (): Promise<ScrapedMetrics> => {
    const { host, port } = router.running.metricsAddress ?? assert.fail();
    return new ScrapedMetrics(await (await fetch(`http://${host}:${port}/metrics`)).text());
  };
  return {
    router,
    worker,
    log,
    send,
    hold: async () => {
      const client = await send();
      return { client, call: await worker.next() };
    },
    scrape,
    untilWaiting: async (count) => {
      let waiting = -1;
      for (let tries = 0; waiting !== count; tries++) {
        assert.ok(tries < 500, `${waiting} requests wait, not ${count}`);
        waiting = (await scrape()).value('smg_admission_queue_depth');
      }
    },
  };
}

function assertRefused(answer: RawResponse, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.get('x-smg-error-code'), code);
  assert.match(answer.get('retry-after') ?? '', /^[1-9]\d*$/);
  const { error } = answer.json() as { error: { code: string; type: string; message: string } };
  assert.deepEqual([error.code, error.type], [code, 'rate_limit_error']);
}

suite('--max-concurrent-requests', () => {
  test('lets that many requests reach workers, and the next ones in their order as others end', async (t) => {
    const { router, worker, hold, send, scrape, untilWaiting, log } = await rig(t, ['--max-concurrent-requests', '2']);
    const held = [await hold(), await hold()];
    const waiting: RawClient[] = [];
    for (const name of ['a', 'b', 'c']) {
      waiting.push(await send(`/generate?${name}`));
      await untilWaiting(waiting.length);
    }
    assert.equal(worker.calls.length, 2);
    assert.equal((await scrape()).value('smg_admission_inflight'), 2);
    for (const { call } of held) await end(call);
    for (const { client } of held) assert.equal((await client.response()).status, 200);
    const calls = [await worker.next(), await worker.next()];
    assert.deepEqual(
      calls.map(({ target }) => target),
      ['/generate?a', '/generate?b'],
    );
    await end(calls[0]!);
    const last = await worker.next();
    assert.equal(last.target, '/generate?c');
    for (const call of [calls[1]!, last]) await end(call);
    for (const client of waiting) {
      assert.equal((await client.response()).status, 200);
      client.destroy();
    }
    for (const { client } of held) client.destroy();
    await router.assertQuiet();

    const metrics = await scrape();
    assert.deepEqual([metrics.value('smg_admission_inflight'), metrics.value('smg_admission_queue_depth')], [0, 0]);
    assert.equal(metrics.value('smg_http_rate_limit_total', { result: 'allowed' }), 5);
    assert.equal(metrics.value('smg_http_rate_limit_total', { result: 'rejected' }), 0);
    assert.equal(metrics.count('smg_admission_queue_wait_seconds'), 3);
    const queued = log.records.filter(({ message }) => message === 'request').map(({ fields }) => typeof fields['queued_ms']);
    assert.deepEqual(queued.sort(), ['number', 'number', 'number', 'undefined', 'undefined']);
  });

  test('counts a stream until its last byte, or until its client leaves', async (t) => {
    const { worker, send } = await rig(t, ['--max-concurrent-requests', '1']);
    const first = await send();
    const stream = await worker.next();
    await stream.write(sseHead());
    await stream.chunk('data: {}\n\n');
    await first.untilText('data: {}');
    const second = await send();
    const third = await send();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(worker.calls.length, 1);
    await end(stream, LAST_CHUNK);
    assert.equal((await first.response()).status, 200);
    const other = await worker.next();
    second.destroy();
    await other.closed;
    await end(await worker.next());
    assert.equal((await third.response()).status, 200);
  });

  test('answers 429 at once when the queue is full, and the connection goes on', async (t) => {
    const { router, hold, send, scrape, untilWaiting } = await rig(t, ['--max-concurrent-requests', '1', '--queue-size', '1']);
    const { call, client } = await hold();
    const waiting = await send();
    await untilWaiting(1);
    const refused = await router.connect();
    for (let i = 0; i < 3; i++) {
      await refused.send(requestBytes({ path: '/generate', body: '{"text":"x"}' }));
      const answer = await refused.response();
      assertRefused(answer, 429, 'admission_queue_full');
      assert.equal(answer.get('connection'), undefined);
    }
    assert.equal((await scrape()).value('smg_admission_queue_rejected_total', { reason: 'full' }), 3);
    assert.equal((await scrape()).value('smg_http_responses_total', { status_code: '429', error_code: 'admission_queue_full' }), 3);
    await end(call);
    await client.response();
    waiting.destroy();
  });

  test('lets nobody wait with --queue-size 0', async (t) => {
    const { hold, send, worker } = await rig(t, ['--max-concurrent-requests', '1', '--queue-size', '0', '--queue-timeout-secs', '0']);
    const { call, client } = await hold();
    assertRefused(await (await send()).response(), 429, 'admission_queue_full');
    await end(call);
    await client.response();
    const next = await send();
    await end(await worker.next());
    assert.equal((await next.response()).status, 200);
  });

  test('answers 408 to a request that has waited for --queue-timeout-secs', async (t) => {
    const { hold, send, scrape, worker, log } = await rig(t, ['--max-concurrent-requests', '1', '--queue-timeout-secs', '1']);
    const { call, client } = await hold();
    const startMs = performance.now();
    const late = await send();
    assertRefused(await late.response(), 408, 'admission_queue_timeout');
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 990 && tookMs < 3000, `${tookMs} ms`);
    assert.equal((await scrape()).value('smg_admission_queue_rejected_total', { reason: 'timeout' }), 1);
    const record = log.records.find(({ fields }) => fields['outcome'] === 'admission_queue_timeout');
    assert.ok(Number(record?.fields['queued_ms']) >= 990);
    assert.equal(record?.fields['worker'], null);
    await late.send(requestBytes({ path: '/generate', body: '{"text":"x"}' }));
    await end(call);
    await client.response();
    await end(await worker.next());
    assert.equal((await late.response()).status, 200);
  });

  test('says that a request waited, not that a worker was late, when --request-timeout-secs is the shorter time', async (t) => {
    const { hold, send } = await rig(t, ['--max-concurrent-requests', '1', '--request-timeout-secs', '1']);
    await hold();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [first, second] = [await send(), await send()];
    assert.equal(
      (await first.response()).get('x-smg-error-code'),
      'call_upstream_timeout',
      'it got the slot, for what was left of its time',
    );
    assertRefused(await second.response(), 408, 'admission_queue_timeout');
  });

  test('frees the place of a client that leaves while it waits, at once', async (t) => {
    const { router, hold, send, untilWaiting, scrape, worker, log } = await rig(t, ['--max-concurrent-requests', '1', '--queue-size', '1']);
    const { call, client } = await hold();
    for (const how of ['finish', 'reset'] as const) {
      const gone = await send();
      await untilWaiting(1);
      gone[how]();
      await untilWaiting(0);
    }
    const next = await send();
    await untilWaiting(1);
    await end(call);
    await client.response();
    await end(await worker.next());
    assert.equal((await next.response()).status, 200);
    assert.equal(worker.calls.length, 2);
    assert.equal((await scrape()).value('smg_admission_queue_rejected_total', { reason: 'client_gone' }), 2);
    client.destroy();
    next.destroy();
    await router.assertQuiet();
    assert.equal(log.records.filter(({ fields }) => fields['outcome'] === 'client-gone').length, 2);
  });

  test('keeps what the router answers itself, and what any worker knows, out of the queue', async (t) => {
    const { router, hold, worker } = await rig(t, ['--max-concurrent-requests', '1', '--queue-size', '0', '--metrics-path', '/metrics']);
    const { call, client } = await hold();
    worker.script = (other) => other.write(ANSWER);
    for (const path of ['/health', '/readiness', '/workers', '/metrics', '/v1/models', '/get_model_info']) {
      assert.equal((await ask(router.port, { path })).status, 200, path);
    }
    assertRefused(await ask(router.port, { path: '/v1/responses/r1' }), 429, 'admission_queue_full');
    await end(call);
    await client.response();
    assert.equal((await ask(router.port, { path: '/v1/responses/r1' })).status, 200);
  });

  test('gives every slot of a worker that dies back, once, and the waiting requests go to others', async (t) => {
    const { router, worker, send, scrape, untilWaiting } = await rig(t, ['--max-concurrent-requests', '4', '--disable-retries']);
    const clients: RawClient[] = [];
    for (let i = 0; i < 12; i++) clients.push(await send());
    await until(() => worker.calls.length === 4, 'four requests at the worker');
    await untilWaiting(8);
    const other = await ScriptedWorker.start(t);
    await ask(router.port, { path: '/workers', body: JSON.stringify({ url: other.url }) });
    await router.untilEligible([other]);
    await worker.kill();
    const statuses = await Promise.all(clients.map(async (client) => (await client.response()).status));
    assert.equal(statuses.filter((status) => status === 502).length, 4, String(statuses));
    assert.equal(statuses.filter((status) => status === 200).length, 8, String(statuses));
    for (const client of clients) client.destroy();
    await router.assertQuiet();
    const metrics = await scrape();
    assert.deepEqual([metrics.value('smg_admission_inflight'), metrics.value('smg_admission_queue_depth')], [0, 0]);
    assert.equal(metrics.value('smg_http_rate_limit_total', { result: 'allowed' }), 12);
  });

  test('lets requests that wait when the router stops end within the grace period, and cuts the others', async (t) => {
    const { router, worker, hold, send, untilWaiting } = await rig(t, ['--max-concurrent-requests', '1']);
    const { call, client } = await hold();
    const first = await send();
    const second = await send();
    await untilWaiting(2);
    const stopped = router.running.stop();
    await end(call);
    assert.equal((await client.response()).status, 200);
    await end(await worker.next());
    assert.equal((await first.response()).status, 200);
    const answer = await second.response();
    assert.deepEqual([answer.status, answer.get('x-smg-error-code')], [503, 'shutting_down']);
    await stopped;
  });
});

test('a pair holds one slot, from both of its legs on to the end of the answer', async (t) => {
  const [prefill, decode] = [await holdingWorker(t), await holdingWorker(t)];
  const flags = ['--pd-disaggregation', '--prefill', prefill.url, '--decode', decode.url, '--max-concurrent-requests', '1'];
  const router = await startTestRouter(t, flags, [prefill, decode], { named: 'by flags' });
  const clients: RawClient[] = [];
  for (let i = 0; i < 3; i++) {
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body: `{"text":"${i}"}` }));
    clients.push(client);
  }
  for (const [i, client] of clients.entries()) {
    const legs = [await prefill.next(), await decode.next()];
    assert.ok((await legs[0]!.body()).includes(`"text":"${i}"`));
    assert.deepEqual([prefill.calls.length, decode.calls.length], [i + 1, i + 1]);
    for (const leg of legs) await end(leg);
    assert.equal((await client.response()).status, 200);
  }
});

suite('bodies of requests that wait', () => {
  test('are read up to --max-replay-bytes, and the rest when the request goes on', async (t) => {
    const flags = ['--max-concurrent-requests', '1', '--max-replay-bytes', '100000'];
    const { hold, router, worker, untilWaiting } = await rig(t, flags);
    const { call, client } = await hold();
    const large = await router.connect();
    const body = Buffer.alloc(40_000_000, 'x');
    let isSent = false;
    const sent = large.send(requestBytes({ path: '/v1/x', body })).then(() => {
      isSent = true;
    });
    await untilWaiting(1);
    const before = large.socket.bytesWritten - large.socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(large.socket.bytesWritten - large.socket.writableLength, before, 'nothing more is read');
    assert.equal(isSent, false);
    await end(call);
    await client.response();
    const whole = await worker.next();
    assert.equal((await whole.body()).length, body.length);
    await end(whole);
    assert.equal((await large.response()).status, 200);
    await sent;
  });

  test('that are refused unread end with their connection', async (t) => {
    const flags = ['--max-concurrent-requests', '1', '--max-replay-bytes', '1000', '--queue-size', '0'];
    const { hold, router } = await rig(t, flags);
    await hold();
    const large = await router.connect();
    void large.send(requestBytes({ path: '/v1/x', body: Buffer.alloc(10_000_000) }));
    const answer = await large.response();
    assertRefused(answer, 429, 'admission_queue_full');
    assert.equal(answer.get('connection'), 'close');
    large.destroy();
  });

  test('that come slowly take neither a slot nor a place', async (t) => {
    const { router, worker, send, scrape } = await rig(t, ['--max-concurrent-requests', '1', '--queue-size', '0']);
    const slow: RawClient[] = [];
    const bytes = requestBytes({ path: '/generate', body: '{"text":"slow"}' });
    for (let i = 0; i < 5; i++) {
      const client = await router.connect();
      await client.send(bytes.subarray(0, bytes.length - 3));
      slow.push(client);
    }
    const quick = await send();
    const call = await worker.next();
    assert.equal((await scrape()).value('smg_admission_inflight'), 1);
    await end(call);
    assert.equal((await quick.response()).status, 200);
    await slow[0]!.send(bytes.subarray(bytes.length - 3));
    const whole = await worker.next();
    assert.equal((await whole.body()).toString(), '{"text":"slow"}');
    await end(whole);
    assert.equal((await slow[0]!.response()).status, 200);
  });
});

suite('a greedy client', () => {
  test('does not keep another one waiting longer than those that came before it', async (t) => {
    const { router, worker, scrape } = await rig(t, ['--max-concurrent-requests', '2', '--queue-size', '100']);
    worker.script = async (call) => {
      await call.body();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await call.write(ANSWER);
    };
    const GREEDY = 20;
    let isOver = false;
    let answered = 0;
    const greedy = Array.from({ length: GREEDY }, async () => {
      const client = await router.connect();
      while (!isOver) {
        await client.send(requestBytes({ path: '/generate', body: '{"text":"greedy"}' }));
        assert.equal((await client.response()).status, 200);
        answered++;
      }
    });
    await until(() => answered > 50, 'the greedy client to be at work');
    const modest = await router.connect();
    for (let i = 0; i < 10; i++) {
      const before = answered;
      await modest.send(requestBytes({ path: '/generate', body: '{"text":"modest"}' }));
      assert.equal((await modest.response()).status, 200);
      // All that the greedy one had under way or in the queue, and one more round while the bytes travelled.
      assert.ok(answered - before <= 2 * GREEDY, `${answered - before} requests of the greedy client went first`);
    }
    isOver = true;
    await Promise.all(greedy);
    assert.equal((await scrape()).value('smg_http_rate_limit_total', { result: 'rejected' }), 0);
  });
});

suite('--rate-limit-tokens-per-second', () => {
  test('works alone: a burst of one second, then the rate, and 429 with the time of the next token', async (t) => {
    const { router, worker, scrape } = await rig(t, ['--rate-limit-tokens-per-second', '5', '--queue-size', '5']);
    worker.script = (call) => call.write(ANSWER);
    const startMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(router.port, { path: '/generate', body: '{"text":"x"}' })));
    const tookMs = performance.now() - startMs;
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(answers.filter(({ status }) => status === 200).length >= 10);
    for (const answer of refused) assert.equal(answer.get('retry-after'), '2');
    assert.ok(tookMs >= 900 && tookMs < 5000, `${tookMs} ms`);
    assert.equal((await scrape()).value('smg_http_rate_limit_total', { result: 'rejected' }), refused.length);
  });
});

test('nothing of the limits is in the metrics of a router without limits', async (t) => {
  const { scrape, router } = await rig(t, ['--max-concurrent-requests', '-1', '--rate-limit-tokens-per-second', '0', '--queue-size', '7']);
  assert.equal((await ask(router.port, { path: '/liveness' })).status, 200);
  const metrics = await scrape();
  for (const name of ['smg_admission_inflight', 'smg_admission_queue_depth', 'smg_http_rate_limit_total']) {
    assert.deepEqual(metrics.find(name), [], name);
  }
});
