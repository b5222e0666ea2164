/** How requests reach workers: names, addresses, connections. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { suite, test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

suite('addresses', () => {
  test('a worker named localhost is found on whichever of its addresses it listens', async (t) => {
    const found = await lookup('localhost', { all: true });
    for (const host of new Set(found.map(({ address }) => address))) {
      const worker = await ScriptedWorker.start(t, undefined, host);
      const named = { url: `http://localhost:${worker.port}` };
      const router = await startTestRouter(t, ['--worker-urls', named.url], []);
      await router.untilEligible([named]);
      const body = Buffer.alloc(700_000, 'x');
      assert.equal((await ask(router.port, { path: '/v1/x', body })).status, 200);
      const call = await worker.next();
      assert.equal(call.header('host'), `localhost:${worker.port}`);
      assert.ok((await call.body()).equals(body));
      await router.stop();
    }
  });

  test('a worker with an IPv6 address is asked under it', async (t) => {
    const worker = await ScriptedWorker.start(t, undefined, '::1');
    const router = await startTestRouter(t, [], [worker]);
    assert.equal((await ask(router.port, { body: '{}' })).status, 200);
    assert.equal((await worker.next()).header('host'), `[::1]:${worker.port}`);
  });
});

suite('connections to a worker', () => {
  test('are reused one after the other, and as many are opened as are needed at once', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    for (let i = 0; i < 20; i++) assert.equal((await ask(router.port, { body: '{}' })).status, 200);
    assert.equal(new Set(worker.calls.map((call) => call.connection)).size, 1);
    const go = gate();
    worker.script = async (call) => {
      await call.body();
      await go.promise;
      await call.write(jsonAnswer({ n: 1 }));
    };
    const answers = Array.from({ length: 5 }, () => ask(router.port, { body: '{}' }));
    await until(() => worker.calls.length === 25, 'five requests at once');
    go.open();
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
    assert.equal(new Set(worker.calls.map((call) => call.connection)).size, 5);
  });
});

suite('a request that goes to several workers', () => {
  test('reaches each under its own Host, path and key, with the whole body', async (t) => {
    const plain = await ScriptedWorker.start(t);
    const keyed = await ScriptedWorker.start(t);
    const based = await ScriptedWorker.start(t);
    based.probe = (path) => ({ status: path.startsWith('/a/longer/base/') ? 200 : 404 });
    const router = await startTestRouter(t, [], [plain]);
    for (const worker of [{ url: keyed.url, api_key: 'secret-key' }, { url: `${based.url}/a/longer/base` }]) {
      assert.equal((await ask(router.port, { path: '/workers', body: JSON.stringify(worker) })).status, 202);
    }
    await router.untilEligible([plain, keyed, { url: `${based.url}/a/longer/base` }]);
    for (const worker of [plain, keyed, based]) {
      worker.script = async (call) => {
        await call.body();
        await call.write(jsonAnswer({ error: 'not here' }, 404));
      };
    }
    // Fresh connections, then pooled ones.
    for (let round = 0; round < 2; round++) {
      const answer = await ask(router.port, { method: 'POST', path: '/v1/responses/x/cancel', body: `{"round":${round}}` });
      assert.equal(answer.status, 404);
      for (const [worker, target, key] of [
        [plain, '/v1/responses/x/cancel', undefined],
        [keyed, '/v1/responses/x/cancel', 'Bearer secret-key'],
        [based, '/a/longer/base/v1/responses/x/cancel', undefined],
      ] as const) {
        const call = await worker.next();
        assert.equal(call.message.firstLine, `POST ${target} HTTP/1.1`);
        assert.equal(call.header('host'), `127.0.0.1:${worker.port}`);
        assert.equal(call.header('authorization'), key);
        assert.equal((await call.body()).toString(), `{"round":${round}}`);
      }
    }
  });
});

test('a large body whose worker answers late leaves the connection fit for the next request', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  for (let i = 0; i < 3; i++) {
    const go = gate();
    worker.script = async (call) => {
      // Reads nothing for a while, so that the upload stops on its way.
      call.connection.socket.pause();
      await go.promise;
      call.connection.socket.resume();
      await call.body();
      await call.write(jsonAnswer({ i }));
    };
    const body = Buffer.alloc(6_000_000, 97 + i);
    const sent = client.send(requestBytes({ path: '/v1/x', body }));
    const call = await worker.next();
    go.open();
    await sent;
    assert.deepEqual((await client.response()).json(), { i });
    assert.ok((await call.body()).equals(body));
  }
});
