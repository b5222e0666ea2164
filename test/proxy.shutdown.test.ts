/** What a router does that is told to stop: with idle connections, with requests under way, and when its patience is over. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answerJson, jsonAnswer, LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { gate, until, within } from './support/until.ts';

/** More than the buffers of a connection take. */
const LARGE = 20_000_000;
const BODY = '{"model":"m","messages":[]}';

/** Resolves with the error code of a connection attempt, or 'connected'. */
function tryConnect(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

test('idle connections are closed at once and nobody can connect any more', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '20'], [worker]);
  const used = await router.connect();
  await used.send(requestBytes({ body: BODY }));
  await used.response();
  const fresh = await router.connect();
  await until(() => router.running.connections() === 2, 'both connections');
  const startMs = performance.now();
  const stopped = router.running.stop();
  assert.equal(await used.closed(), 'fin');
  assert.equal(await fresh.closed(), 'fin');
  assert.equal(await within(stopped, 'the stop'), 0);
  assert.ok(performance.now() - startMs < 3000);
  assert.equal(await tryConnect(router.port), 'ECONNREFUSED');
  await until(() => worker.openSockets === 0, 'the connections to the worker to be closed');
});

test('clients that keep their side open do not hold the end up: idle ones, those that are answered, and slow readers', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '20'], [worker]);
  const answers = gate();
  worker.script = async (call) => {
    await call.body();
    await answers.promise;
    await call.write(`HTTP/1.1 200 OK\r\ncontent-length: ${call.target === '/large' ? LARGE : 2}\r\n\r\n`);
    await call.write(call.target === '/large' ? Buffer.alloc(LARGE) : 'ok');
  };
  const [fresh, idle, answered, slow] = [await router.connect(), await router.connect(), await router.connect(), await router.connect()];
  for (const client of [fresh, idle, answered, slow]) client.endsInTurn = false;
  await idle.send(requestBytes({ path: '/liveness' }));
  await idle.response();
  await answered.send(requestBytes({ body: BODY }));
  await slow.send(requestBytes({ path: '/large', body: BODY }));
  await until(() => worker.calls.length === 2, 'both requests');
  slow.socket.pause();
  // A connection that waits for the FIN of its client waits 2 s.
  const isSoon = async (isSo: () => boolean): Promise<void> => {
    const startMs = performance.now();
    await until(isSo, 'connections to be given up');
    assert.ok(performance.now() - startMs < 1500);
  };
  const stopped = router.running.stop();
  await isSoon(() => router.running.connections() === 2);
  answers.open();
  assert.equal((await answered.response()).get('connection'), 'close');
  await isSoon(() => router.running.connections() === 1);
  slow.socket.resume();
  assert.equal((await slow.response()).body.length, LARGE);
  await isSoon(() => router.running.connections() === 0);
  assert.equal(await within(stopped, 'the stop'), 0);
  for (const client of [fresh, idle, answered, slow]) client.destroy();
});

test('streams come to their end, and their connections are closed after it though they could persist', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const goOn = gate();
  worker.script = async (call) => {
    await call.write(sseHead());
    await call.chunk('data: 1\n\n');
    await goOn.promise;
    await call.chunk('data: [DONE]\n\n');
    await call.write(LAST_CHUNK);
  };
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '20'], [worker]);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  await client.untilText('data: 1');
  const stopped = router.running.stop();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(client.end, null);
  goOn.open();
  assert.equal((await client.response()).text, 'data: 1\n\ndata: [DONE]\n\n');
  assert.equal(await client.closed(), 'fin');
  assert.equal(await within(stopped, 'the stop', 3000), 0);
});

test('a request on a connection that is just being read is still answered, with connection: close', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '20'], [worker]);
  const client = await router.connect();
  const bytes = requestBytes({ body: BODY });
  await client.send(bytes.subarray(0, 30));
  // The router must have seen the beginning of the head.
  await ask(router.port, { body: BODY });
  const stopped = router.running.stop();
  await client.send(bytes.subarray(30));
  const response = await client.response();
  assert.equal(response.status, 200);
  assert.equal(response.get('connection'), 'close');
  assert.equal(await client.closed(), 'fin');
  assert.equal(await within(stopped, 'the stop', 3000), 0);
});

test('the answer under way says close, and pipelined requests behind it are not begun', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const goOn = gate();
  worker.script = async (call) => {
    await call.body();
    await goOn.promise;
    await call.write(jsonAnswer({ ok: true }));
  };
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '20'], [worker]);
  const client = await router.connect();
  await client.send(Buffer.concat([requestBytes({ body: BODY }), requestBytes({ body: BODY })]));
  await worker.next();
  const stopped = router.running.stop();
  goOn.open();
  assert.equal((await client.response()).get('connection'), 'close');
  assert.equal(await client.closed(), 'fin');
  assert.equal(client.rest.length, 0);
  assert.equal(await within(stopped, 'the stop', 3000), 0);
  assert.equal(worker.calls.length, 1);
});

test('when the grace period is over what is left is cut in a way that nobody takes for the end', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '1'], [worker]);
  worker.script = async (call) => {
    const { target } = call;
    if (target === '/stream') {
      await call.write(sseHead());
      await call.chunk('data: 1\n\n');
    } else if (target === '/length') await call.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    else if (target === '/close') await call.write('HTTP/1.1 200 OK\r\n\r\nhalf');
    await call.forever();
  };
  const send = async (text: string, wait: string) => {
    const client = await router.connect();
    await client.send(text);
    if (wait !== '') await client.untilText(wait);
    return client;
  };
  const stream = await send('GET /stream HTTP/1.1\r\nhost: r\r\n\r\n', 'data: 1');
  const length = await send('GET /length HTTP/1.1\r\nhost: r\r\n\r\n', 'half');
  const old = await send('GET /close HTTP/1.0\r\n\r\n', 'half');
  const oldStream = await send('GET /stream HTTP/1.0\r\n\r\n', 'data: 1');
  const waiting = await send('GET /wait HTTP/1.1\r\nhost: r\r\n\r\n', '');
  const uploading = await send('POST /upload HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n', '100 Continue');
  await until(() => router.inflight() === 5 && router.running.connections() === 6, 'all at the router');
  assert.equal(await router.running.stop(), 6);
  for (const client of [stream, length, old, oldStream, waiting, uploading]) await client.closed();
  assert.match(stream.received.toString(), /data: 1\n\n[\s\S]*"code":"shutting_down"/);
  assert.doesNotMatch(stream.received.toString(), /\r\n0\r\n|\[DONE\]/);
  assert.match(length.received.toString(), /content-length: 100[\s\S]*half$/);
  assert.equal(old.end, 'reset');
  assert.match(oldStream.received.toString(), /data: 1\n\n[\s\S]*"code":"shutting_down"/);
  assert.match(waiting.received.toString(), /^HTTP\/1.1 503 [\s\S]*"code":"shutting_down"/);
  assert.match(uploading.received.toString(), /HTTP\/1.1 503 [\s\S]*"code":"shutting_down"/);
  await until(() => worker.openSockets === 0, 'the connections to the worker to be closed');
});

test('a second signal ends the wait at once', async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => call.forever());
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '100'], [worker]);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  await worker.next();
  const stopped = router.running.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  router.running.hurry();
  assert.equal(await within(stopped, 'the stop', 3000), 1);
  assert.match((await client.response()).text, /shutting_down/);
});

test('a client that does not read its answer cannot hold the router up', async (t) => {
  const worker = await ScriptedWorker.start(t);
  worker.script = async (call) => {
    await call.write(`HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n`);
    await Promise.race([call.write(Buffer.alloc(50_000_000)), call.forever()]);
  };
  const router = await startTestRouter(t, ['--shutdown-grace-period-secs', '1'], [worker]);
  const client = await router.connect();
  client.socket.pause();
  await client.send(requestBytes({ body: BODY }));
  await worker.next();
  assert.equal(await within(router.running.stop(), 'the stop', 5000), 1);
  worker.script = answerJson;
  client.destroy();
});
