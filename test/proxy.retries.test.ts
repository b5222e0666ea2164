/** Requests that are sent again, and those that are not, seen from clients and workers on sockets. Rules: docs/retries.md. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ask, type RawResponse, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, type Call, jsonAnswer, ScriptedWorker, sseAnswer, sseHead } from './support/scripted-worker.ts';

const BODY = '{"model":"m","messages":[{"role":"user","content":"hello"}]}';
const STREAM = '{"model":"m","stream":true,"messages":[]}';
/** Pauses short enough for tests, and their length known. */
const PAUSES = ['--retry-initial-backoff-ms', '20', '--retry-jitter-factor', '0'];

type Script = (call: Call) => Promise<void>;

const says =
  (status: number, fields: Record<string, string> = {}): Script =>
  async (call) => {
    await call.body();
    await call.write(answer(status, { 'content-type': 'application/json', ...fields }, JSON.stringify({ status })));
  };
const resets: Script = async (call) => {
  await call.body();
  call.reset();
};

async function fleet(t: TestContext, scripts: readonly Script[], args: readonly string[] = []) {
  const workers = await Promise.all(scripts.map((script) => ScriptedWorker.start(t, script)));
  const router = await startTestRouter(t, ['--policy', 'round_robin', ...PAUSES, ...args], workers);
  return { router, workers, calls: () => workers.map((worker) => worker.calls.length) };
}

const send = (port: number, body = BODY): Promise<RawResponse> => ask(port, { body });

describe('a worker that answers with an error', () => {
  for (const status of [408, 429, 500, 502, 503, 504]) {
    test(`${status}: the client gets the answer of another worker, and the body arrives there whole`, async (t) => {
      const { router, workers, calls } = await fleet(t, [says(status), says(200)]);
      for (const body of [BODY, STREAM]) assert.equal((await send(router.port, body)).status, 200);
      assert.equal(calls()[1], 2);
      assert.ok(calls()[0]! >= 1, 'the other worker was asked first');
      for (const call of workers[1]!.calls) assert.ok([BODY, STREAM].includes((await call.body()).toString()));
    });
  }

  for (const status of [400, 401, 404, 422, 501]) {
    test(`${status}: is what the client gets, and no other worker is asked`, async (t) => {
      const { router, calls } = await fleet(t, [says(status), says(status)]);
      assert.equal((await send(router.port)).status, status);
      assert.deepEqual(calls(), [1, 0]);
    });
  }

  test('429 or 503 everywhere: each worker is asked once, without a pause, and the last answer goes out with its Retry-After', async (t) => {
    const { router, calls } = await fleet(
      t,
      [says(503), says(429, { 'retry-after': '3' }), says(503, { 'retry-after': '9' })],
      ['--retry-initial-backoff-ms', '5000'],
    );
    const begunMs = performance.now();
    const response = await send(router.port);
    assert.ok(performance.now() - begunMs < 4000, 'no pause was made');
    assert.deepEqual([response.status, response.get('retry-after')], [503, '9']);
    assert.deepEqual(calls(), [1, 1, 1]);
  });

  test('500 from two workers: no third one is asked, and the answer of the second is what the client gets', async (t) => {
    const { router, calls } = await fleet(t, [says(500), says(500), says(200)]);
    const response = await send(router.port);
    assert.deepEqual([response.status, response.text], [500, '{"status":500}']);
    assert.deepEqual(calls(), [1, 1, 0]);
  });

  test('502 from the only worker: it is asked again after pauses, as often as allowed', async (t) => {
    const { router, calls } = await fleet(t, [says(502)], ['--retry-max-retries', '3']);
    const begunMs = performance.now();
    assert.equal((await send(router.port)).status, 502);
    assert.deepEqual(calls(), [3]);
    assert.ok(performance.now() - begunMs >= 49, 'pauses of 20 and 30 ms');
  });

  test('a status that is not in --retry-status-codes goes to the client', async (t) => {
    const { router, calls } = await fleet(t, [says(500), says(200)], ['--retry-status-codes', '503']);
    assert.equal((await send(router.port)).status, 500);
    assert.deepEqual(calls(), [1, 0]);
  });

  test('the connection of the client carries further requests after a retry', async (t) => {
    const { router } = await fleet(t, [says(503), says(200)]);
    const client = await router.connect();
    for (let i = 0; i < 3; i++) {
      await client.send(requestBytes({ body: BODY }));
      assert.equal((await client.response()).status, 200);
    }
  });
});

describe('a worker that is lost', () => {
  test('before its answer: another worker answers', async (t) => {
    const { router, calls } = await fleet(t, [resets, says(200)]);
    assert.equal((await send(router.port)).status, 200);
    assert.deepEqual(calls(), [1, 1]);
  });

  test('before its answer, and there is no other: 502 at once, it does not get the request twice', async (t) => {
    const { router, calls } = await fleet(t, [resets]);
    const response = await send(router.port);
    assert.deepEqual([response.status, response.get('x-smg-error-code')], [502, 'call_upstream_reset']);
    assert.deepEqual(calls(), [1]);
  });

  test('after its first byte: nothing is sent again', async (t) => {
    const begins: Script = async (call) => {
      await call.body();
      await call.write(`${sseHead()}9\r\ndata: 1\n\n\r\n`);
      call.reset();
    };
    const { router, calls } = await fleet(t, [begins, says(200)]);
    const client = await router.connect();
    await client.send(requestBytes({ body: STREAM }));
    await client.untilText('call_upstream_cut');
    assert.deepEqual(calls(), [1, 0]);
  });
});

/** Processes that die with a request: every connection is reset, and the port is closed. */
async function mortals(t: TestContext, count: number, args: readonly string[]) {
  const scene = await fleet(
    t,
    Array.from({ length: count }, () => says(200)),
    args,
  );
  for (const worker of scene.workers) {
    worker.script = async (call) => {
      await call.body();
      await worker.kill();
    };
  }
  return scene;
}

describe('a request that kills workers', () => {
  test('goes to no third one, however soon it is sent again', async (t) => {
    for (let i = 0; i < 10; i++) {
      const { router, workers, calls } = await mortals(t, 3, ['--retry-initial-backoff-ms', '0']);
      const response = await send(router.port);
      assert.deepEqual([response.status, response.get('x-smg-error-code')], [502, 'request_lost_workers']);
      assert.deepEqual(calls(), [1, 1, 0]);
      for (const worker of workers.slice(0, 2)) await worker.listen();
    }
  });

  test('and one whose connection is only reset: the others may have it', async (t) => {
    const { router, calls } = await fleet(t, [resets, resets, says(200)], ['--retry-initial-backoff-ms', '0']);
    assert.equal((await send(router.port)).status, 200);
    assert.deepEqual(calls(), [1, 1, 1]);
  });

  test('is not held up for longer than a second if the lost worker answers no probe', async (t) => {
    const { router, workers } = await fleet(t, [resets, says(200)]);
    workers[0]!.probe = () => null;
    const begunMs = performance.now();
    assert.equal((await send(router.port)).status, 200);
    const tookMs = performance.now() - begunMs;
    assert.ok(tookMs > 500 && tookMs < 2500, `${tookMs} ms`);
  });
});

test('with --disable-retries every request is sent once', async (t) => {
  const { router, calls } = await fleet(t, [says(503), resets], ['--disable-retries']);
  assert.equal((await send(router.port)).status, 503);
  assert.equal((await send(router.port)).status, 502);
  assert.deepEqual(calls(), [1, 1]);
});

test('a body larger than the replay limit is sent once, and its record says so', async (t) => {
  const { router, calls } = await fleet(t, [says(503), says(200)], ['--max-replay-bytes', '1000']);
  const response = await ask(router.port, { path: '/other', body: 'x'.repeat(5000) });
  assert.equal(response.status, 503);
  assert.deepEqual(calls(), [1, 0]);
});

test('one time limit covers all attempts together', async (t) => {
  const slow: Script = async (call) => {
    await call.body();
    await new Promise((resolve) => setTimeout(resolve, 700));
    if (call.connection.isOpen) await call.write(jsonAnswer({}, 503));
  };
  const { router } = await fleet(t, [slow, slow, slow], ['--request-timeout-secs', '1']);
  const begunMs = performance.now();
  const response = await send(router.port);
  const tookMs = performance.now() - begunMs;
  assert.equal(response.status, 504);
  assert.ok(tookMs > 900 && tookMs < 1900, `${tookMs} ms`);
});

test('a client that leaves while the request waits for its next attempt ends it', async (t) => {
  const { router, workers } = await fleet(t, [says(502)], ['--retry-initial-backoff-ms', '400']);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  while (workers[0]!.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.destroy();
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(workers[0]!.calls.length, 1);
});

test('a stream that another worker answers arrives whole', async (t) => {
  const streams: Script = async (call) => {
    await call.body();
    await call.write(sseAnswer(['1', '2', '[DONE]']));
  };
  const { router } = await fleet(t, [says(503), streams]);
  const response = await send(router.port, STREAM);
  assert.equal(response.text, 'data: 1\n\ndata: 2\n\ndata: [DONE]\n\n');
});
