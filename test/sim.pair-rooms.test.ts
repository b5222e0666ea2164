/** Rooms of a pair of simulated engines: odd ones, ones that do not meet, and the server where they meet. As recorded of SGLang 0.5.23, with shorter waits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startSim } from '../src/sim/program/start-sim.ts';
import {
  assertIdle,
  type Body,
  bodyFor,
  chatFor,
  dataOf,
  engine,
  type Generated,
  hangsBeyond,
  messageOf,
  type Pair,
  pairFor,
  pairOf,
  send,
  sendBoth,
  untilAsking,
  untilQueued,
} from './support/sim-pair.ts';

describe('rooms', () => {
  for (const room of [1n, 2n ** 63n - 1n, 2n ** 63n]) {
    it(`room ${room} works, and works again`, async (t) => {
      const pair = await pairFor(t);
      for (let i = 0; i < 2; i++)
        for (const reply of await sendBoth(pair, bodyFor(pair, { bootstrap_room: room }))) assert.equal(reply.status, 200);
    });
  }

  it('room 0: prefill answers, decode hangs without a timeout', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 0.2 });
    const body = bodyFor(pair, { bootstrap_room: 0, stream: true });
    const decode = send(pair.decode, body);
    assert.equal((await send(pair.prefill, body).reply).status, 200);
    await hangsBeyond(pair, decode, 400);
  });

  it('room -1 kills prefill with --deadly', async (t) => {
    const pair = await pairFor(t, { deadly: true, deadlySecs: 0.1 });
    const decode = send(pair.decode, bodyFor(pair, { bootstrap_room: -1 }));
    await assert.rejects(send(pair.prefill, bodyFor(pair, { bootstrap_room: -1 })).reply);
    assert.equal(await pair.prefill.gone, 'dead');
    assert.ok(decode.isPending());
  });

  it('a missing host kills decode with --deadly', async (t) => {
    const pair = await pairFor(t, { deadly: true, deadlySecs: 0.1 });
    const body = bodyFor(pair, { bootstrap_host: null });
    const prefill = send(pair.prefill, body);
    await assert.rejects(send(pair.decode, body).reply);
    assert.equal(await pair.decode.gone, 'dead');
    assert.ok(prefill.isPending());
  });

  it('what would kill is 400 otherwise', async (t) => {
    const pair = await pairFor(t);
    const negative = await send(pair.prefill, bodyFor(pair, { bootstrap_room: -1 })).reply;
    assert.equal(negative.status, 400);
    assert.match(negative.text, /bootstrap_room -1 is negative. With --deadly this kills the engine/);
    const nowhere = await send(pair.decode, bodyFor(pair, { bootstrap_host: null })).reply;
    assert.equal(nowhere.status, 400);
    assert.match(nowhere.text, /bootstrap_host is missing/);
  });

  for (const [name, room] of [
    ['2^64', 2n ** 64n],
    ['a fraction', 1.5],
    ['text', '123'],
  ] as const) {
    it(`a room that is ${name} is 400 on both legs, streams too`, async (t) => {
      const pair = await pairFor(t);
      for (const stream of [false, true])
        for (const reply of await sendBoth(pair, bodyFor(pair, { bootstrap_room: room, stream }))) {
          assert.equal(reply.status, 400);
          assert.match(reply.text, name === 'text' ? /^\{"error":"invalid type/ : /^\{"object":"error","message":"2 validation errors/);
        }
    });
  }

  it('no room is 400 on every path, and on /generate streams 200 with an event', async (t) => {
    const pair = await pairFor(t);
    for (const room of [null, undefined]) {
      for (const reply of await sendBoth(pair, bodyFor(pair, { bootstrap_room: room }))) {
        assert.equal(reply.status, 400);
        assert.match(reply.text, /without bootstrap room id/);
      }
      for (const reply of await sendBoth(pair, chatFor(pair, { bootstrap_room: room }), '/v1/chat/completions'))
        assert.equal(reply.status, 400);
      for (const reply of await sendBoth(pair, bodyFor(pair, { bootstrap_room: room, stream: true }))) {
        const [event = '', done] = dataOf(reply);
        assert.equal((JSON.parse(event) as Generated).meta_info.finish_reason?.type, 'abort');
        assert.equal(done, '[DONE]');
      }
    }
    await assertIdle(pair.prefill, pair.decode);
  });

  it('without a port decode takes its own', async (t) => {
    const prefill = await engine(t, 'prefill');
    const pair = pairOf(prefill, await engine(t, 'decode', { disaggregationBootstrapPort: prefill.bootstrapPort ?? 0 }));
    for (const reply of await sendBoth(pair, bodyFor(pair, { bootstrap_port: null }))) assert.equal(reply.status, 200);
  });

  it('a host may be a name; prefill does not care for host and port', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair, { bootstrap_host: 'localhost' });
    const replies = [send(pair.prefill, { ...body, bootstrap_host: 'nowhere.invalid', bootstrap_port: 9 }), send(pair.decode, body)];
    for (const { reply } of replies) assert.equal((await reply).status, 200);
  });

  it('of two requests in one room prefill answers both, decode only the later', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 0.2 });
    const body = bodyFor(pair);
    const hanging = send(pair.decode, { ...body, stream: true });
    await untilAsking(pair.decode);
    const later = send(pair.decode, body);
    await untilQueued(pair.decode, 'decode_transfer_queue_reqs', 2);
    for (const reply of [send(pair.prefill, body), send(pair.prefill, body), later]) assert.equal((await reply.reply).status, 200);
    await hangsBeyond(pair, hanging, 400);
  });
});

describe('a pair that does not meet', () => {
  const shown = { status: 500, timeout: 0.4 };

  for (const [what, change] of [
    ['port', (): Body => ({ bootstrap_port: 1 })],
    ['server at the port', (pair: Pair): Body => ({ bootstrap_port: pair.prefill.port })],
  ] as const) {
    it(`a wrong bootstrap ${what} for decode: 500 after the handshake timeout; prefill waits for its own`, async (t) => {
      const pair = await pairFor(t, { disaggregationBootstrapTimeoutSecs: 1.2, disaggregationHandshakeTimeoutSecs: shown.timeout });
      const body = bodyFor(pair);
      const prefill = send(pair.prefill, body);
      const startMs = performance.now();
      const reply = await send(pair.decode, { ...body, ...change(pair) }).reply;
      assert.ok(performance.now() - startMs >= 390);
      assert.equal(reply.status, 500);
      assert.match(messageOf(reply), /^Decode handshake failed .* Aborted by AbortReq\.$/);
      assert.ok(prefill.isPending());
      const late = await prefill.reply;
      assert.equal(late.status, 500);
      assert.match(messageOf(late), /^Prefill bootstrap failed .*: Request \d+ timed out after 1\.2s in KVPoll\.Bootstrapping$/);
      await assertIdle(pair.prefill, pair.decode);
    });
  }

  it('different rooms: each side waits for its own timeout', async (t) => {
    const pair = await pairFor(t, { disaggregationBootstrapTimeoutSecs: 0.3, disaggregationWaitingTimeoutSecs: 0.5 });
    const body = bodyFor(pair, { bootstrap_room: 2001 });
    const [prefill, decode] = await Promise.all([
      send(pair.prefill, body).reply,
      send(pair.decode, { ...body, bootstrap_room: 2002 }).reply,
    ]);
    assert.deepEqual([prefill.status, decode.status], [500, 500]);
    assert.match(messageOf(prefill), /Request 2001 timed out after 0\.3s in KVPoll\.Bootstrapping$/);
    assert.match(messageOf(decode), /^Decode transfer failed .*: Request 2002 timed out after 0\.5s in KVPoll\.WaitingForInput$/);
    await assertIdle(pair.prefill, pair.decode);
  });

  it('the same on streams: 200, an abort event, [DONE]', async (t) => {
    const pair = await pairFor(t, { disaggregationBootstrapTimeoutSecs: 0.1, disaggregationWaitingTimeoutSecs: 0.1 });
    for (const sim of [pair.prefill, pair.decode]) {
      const reply = await send(sim, bodyFor(pair, { stream: true })).reply;
      assert.equal(reply.status, 200);
      const [event = '', done] = dataOf(reply);
      const reason = (JSON.parse(event) as Generated).meta_info.finish_reason;
      assert.equal(reason?.type, 'abort');
      assert.match(reason?.message ?? '', /timed out after 0\.1s/);
      assert.equal(done, '[DONE]');
    }
  });

  it('the same on chat streams: 200, an error event, [DONE]', async (t) => {
    const pair = await pairFor(t, { disaggregationBootstrapTimeoutSecs: 0.1, disaggregationWaitingTimeoutSecs: 0.1 });
    for (const path of ['/v1/chat/completions', '/v1/completions'])
      for (const sim of [pair.prefill, pair.decode]) {
        const reply = await send(sim, chatFor(pair, { stream: true, prompt: 'x' }), path).reply;
        assert.equal(reply.status, 200);
        const datas = dataOf(reply);
        const { error } = JSON.parse(datas[0] ?? '{}') as { error: { type: string; code: number } };
        assert.deepEqual([error.type, error.code, datas[1], datas.length], ['INTERNAL_SERVER_ERROR', 500, '[DONE]', 2]);
      }
  });

  it('a prompt that is too long is refused by each leg at once', async (t) => {
    const pair = await pairFor(t, { contextLength: 64 });
    for (const reply of await sendBoth(pair, bodyFor(pair, { text: 'x'.repeat(100) }))) assert.equal(reply.status, 400);
    for (const reply of await sendBoth(pair, bodyFor(pair, { text: 'x'.repeat(100), stream: true }))) {
      assert.equal(reply.status, 200);
      assert.match(dataOf(reply)[0] ?? '', /longer than the model's context length/);
    }
  });
});

describe('the bootstrap server', () => {
  it('answers /health, and /route with the layout', async (t) => {
    const prefill = await engine(t, 'prefill', { pageSize: 4 });
    const at = `http://127.0.0.1:${prefill.bootstrapPort}`;
    const health = await fetch(`${at}/health`);
    assert.equal(await health.text(), 'OK');
    const route = await fetch(`${at}/route?prefill_dp_rank=-1&prefill_cp_rank=-1&target_tp_rank=-1&target_pp_rank=-1`);
    const layout = (await route.json()) as Record<string, unknown>;
    assert.deepEqual([layout['dp_size'], layout['page_size'], layout['prefill_http_port']], [1, 4, prefill.port]);
    assert.equal(layout['follow_bootstrap_room'], true);
    assert.equal((await fetch(`${at}/route`)).status, 400);
    const rank = (dp: number): Promise<Response> =>
      fetch(`${at}/route?prefill_dp_rank=${dp}&prefill_cp_rank=0&target_tp_rank=0&target_pp_rank=0`);
    assert.deepEqual([(await rank(0)).status, (await rank(1)).status], [200, 404]);
    assert.equal((await fetch(`${at}/other`)).status, 404);
  });

  it('a port that is taken ends the start, and nothing is left listening', async (t) => {
    const prefill = await engine(t, 'prefill');
    const taken = startSim({ disaggregationMode: 'prefill', disaggregationBootstrapPort: prefill.bootstrapPort ?? 0 });
    await assert.rejects(taken, { code: 'EADDRINUSE' });
  });

  it('two engines on two loopback addresses use the same ports', async (t) => {
    const one = await engine(t, 'prefill', { host: '127.0.0.10' });
    const two = await engine(t, 'prefill', { host: '127.0.0.11', port: one.port, disaggregationBootstrapPort: one.bootstrapPort ?? 0 });
    const decode = await engine(t, 'decode', { host: '127.0.0.12', port: one.port });
    for (const prefill of [one, two]) {
      const pair = pairOf(prefill, decode);
      const body = bodyFor(pair, { bootstrap_host: prefill.options.host });
      for (const reply of await sendBoth(pair, body)) assert.equal(reply.status, 200);
    }
  });
});
