/** Clients that leave a pair of simulated engines, halves that die, and faults at the places of a pair. As recorded of SGLang 0.5.23, with shorter waits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { postJson } from './support/send-raw.ts';
import {
  abortedIn,
  answerOf,
  assertIdle,
  bodyFor,
  dataOf,
  engine,
  type Generated,
  messageOf,
  pairFor,
  send,
  sendBoth,
  untilAsking,
  untilMeeting,
  untilQueued,
} from './support/sim-pair.ts';
import { until, within } from './support/until.ts';

describe('clients of a pair that leave', () => {
  it('the decode stream: decode stops at once', async (t) => {
    const pair = await pairFor(t, { speedup: 1 });
    const body = bodyFor(pair, { stream: true, sampling_params: { max_new_tokens: 10_000, ignore_eos: true } });
    const decode = send(pair.decode, body);
    assert.equal((await send(pair.prefill, body).reply).status, 200);
    await until(() => !decode.isPending(), 'the first event');
    decode.leave();
    await until(() => abortedIn(pair.decode) === 1, 'decode to stop', 500);
    await assertIdle(pair.prefill, pair.decode);
  });

  it('the plain decode leg: decode continues until it checks its client', async (t) => {
    const pair = await pairFor(t, { speedup: 1, abortPollSecs: 0.3 });
    const body = bodyFor(pair, { sampling_params: { max_new_tokens: 10_000, ignore_eos: true } });
    const decode = send(pair.decode, body);
    await send(pair.prefill, body).reply;
    decode.leave();
    await until(() => pair.decode.engine.traffic.disconnects === 1, 'the departure');
    assert.equal(abortedIn(pair.decode), 0);
    await until(() => abortedIn(pair.decode) === 1, 'decode to look', 1000);
  });

  it('the plain prefill leg: a decode half that arrives soon is still served', async (t) => {
    const pair = await pairFor(t, { abortPollSecs: 50 * 5 });
    const body = bodyFor(pair);
    const prefill = send(pair.prefill, body);
    await untilMeeting(pair.prefill);
    prefill.leave();
    await until(() => pair.prefill.engine.traffic.disconnects === 1, 'the departure');
    assert.equal((await send(pair.decode, body).reply).status, 200);
  });

  it('the streaming prefill leg: aborted at once; a decode half that arrives later waits until its timeout', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 0.3 });
    const body = bodyFor(pair, { stream: true });
    const prefill = send(pair.prefill, body);
    await untilMeeting(pair.prefill);
    prefill.leave();
    await until(() => abortedIn(pair.prefill) === 1, 'prefill to stop', 500);
    const startMs = performance.now();
    const reply = await send(pair.decode, { ...body, stream: false }).reply;
    assert.equal(reply.status, 500);
    assert.ok(performance.now() - startMs >= 290);
    assert.match(messageOf(reply), /in KVPoll\.WaitingForInput$/);
  });

  it('the streaming decode leg: a prefill half that arrives later fails at once', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair);
    const decode = send(pair.decode, { ...body, stream: true });
    await until(() => !decode.isPending(), 'the head');
    await untilAsking(pair.decode);
    // The handshake is over when the engine has shaken the hand, which nobody outside sees.
    await new Promise((resolve) => setTimeout(resolve, 50));
    decode.leave();
    await until(() => abortedIn(pair.decode) === 1, 'decode to stop', 500);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const reply = await send(pair.prefill, body).reply;
    assert.equal(reply.status, 500);
    assert.match(messageOf(reply), /^Prefill bootstrap failed .* Failed due to an unknown reason from another rank$/);
    // The room is free again after that.
    for (const again of await sendBoth(pair, body)) assert.equal(again.status, 200);
  });

  it('a room whose plain prefill leg is aborted fails for all requests in it', async (t) => {
    const pair = await pairFor(t, { abortPollSecs: 50 * 0.3 });
    const body = bodyFor(pair);
    const prefill = send(pair.prefill, body);
    await untilMeeting(pair.prefill);
    prefill.leave();
    await until(() => pair.prefill.engine.traffic.disconnects === 1, 'the departure');
    const reply = await send(pair.prefill, body).reply;
    assert.equal(reply.status, 500);
    assert.match(messageOf(reply), /^Prefill bootstrap failed .* Failed due to an unknown reason from another rank$/);
  });

  it('/abort_request ends either leg wherever it waits', async (t) => {
    const pair = await pairFor(t);
    for (const sim of [pair.prefill, pair.decode]) {
      const waiting = send(sim, bodyFor(pair, { rid: 'mine' }));
      await (sim === pair.prefill ? untilMeeting(sim) : untilAsking(sim));
      await postJson(sim.port, '/abort_request', { rid: 'mine' });
      const reply = await waiting.reply;
      assert.equal(reply.status, 500);
      const phase = sim === pair.prefill ? 'Prefill bootstrap' : 'Decode (?:transfer|handshake)';
      assert.match(messageOf(reply), new RegExp(`^${phase} failed .* Aborted by AbortReq\\.$`));
    }
    await assertIdle(pair.prefill, pair.decode);
  });

  it('a decode leg that is aborted takes its prefill leg with it', async (t) => {
    const pair = await pairFor(t, { kvTransferLatencyMs: 1e6 });
    const body = bodyFor(pair, { rid: 'mine' });
    const legs = [send(pair.prefill, body), send(pair.decode, body)] as const;
    await untilQueued(pair.prefill, 'prefill_inflight_queue_reqs');
    await postJson(pair.decode.port, '/abort_request', { rid: 'mine' });
    const reply = await legs[0].reply;
    assert.equal(reply.status, 500);
    assert.match(messageOf(reply), /^Prefill transfer failed .* Failed due to an unknown reason from another rank$/);
    await legs[1].reply;
    await assertIdle(pair.prefill, pair.decode);
  });
});

describe('engines of a pair that die', () => {
  it('prefill, when decode streams: the stream continues to its end', async (t) => {
    const pair = await pairFor(t, { speedup: 5 });
    const body = bodyFor(pair, { stream: true, sampling_params: { max_new_tokens: 200, ignore_eos: true } });
    const decode = send(pair.decode, body);
    await send(pair.prefill, body).reply;
    await pair.prefill.stop();
    const datas = dataOf(await decode.reply);
    assert.equal(datas.at(-1), '[DONE]');
    assert.equal((JSON.parse(datas.at(-2) ?? '') as Generated).meta_info.completion_tokens, 200);
  });

  it('prefill, when decode waits: 500 when the heartbeat has failed often enough', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationHeartbeatIntervalSecs: 0.15 });
    const waiting = send(pair.decode, bodyFor(pair));
    await untilAsking(pair.decode);
    // Some heartbeats that succeed change nothing.
    await new Promise((resolve) => setTimeout(resolve, 350));
    assert.ok(waiting.isPending());
    const port = pair.prefill.bootstrapPort;
    const startMs = performance.now();
    await pair.prefill.stop();
    const reply = await within(waiting.reply, 'the heartbeat', 3000);
    assert.ok(performance.now() - startMs >= 140, 'one failure is not enough');
    assert.equal(reply.status, 500);
    assert.match(messageOf(reply), new RegExp(`Lost connection with prefill instance \\(bootstrap_addr: 127\\.0\\.0\\.1:${port}\\)$`));
    await assertIdle(pair.decode);
  });

  it('prefill, before: 500 after the handshake timeout; restarted on the same ports it works with the first request', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationHandshakeTimeoutSecs: 0.3 });
    const { port, bootstrapPort } = pair.prefill;
    const body = bodyFor(pair);
    await sendBoth(pair, bodyFor(pair));
    await pair.prefill.stop();
    assert.equal((await send(pair.decode, body).reply).status, 500);
    const prefill = await engine(t, 'prefill', { port, disaggregationBootstrapPort: bootstrapPort ?? 0 });
    for (const reply of await sendBoth({ ...pair, prefill }, bodyFor({ ...pair, prefill }))) assert.equal(reply.status, 200);
  });

  it('prefill, which hangs: decode waits, and both answer when prefill runs again', async (t) => {
    const pair = await pairFor(t, { disaggregationHeartbeatIntervalSecs: 0.05 });
    pair.prefill.engine.freeze();
    const body = bodyFor(pair);
    const legs = [send(pair.prefill, body), send(pair.decode, body)] as const;
    await untilAsking(pair.decode);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(legs.every((leg) => leg.isPending()));
    pair.prefill.engine.thaw();
    for (const leg of legs) assert.equal((await leg.reply).status, 200);
    await assertIdle(pair.prefill, pair.decode);
  });

  it('decode, before: prefill does not notice until its timeout; restarted it works with the first request', async (t) => {
    const pair = await pairFor(t, { disaggregationBootstrapTimeoutSecs: 0.4 });
    await pair.decode.stop();
    const startMs = performance.now();
    assert.equal((await send(pair.prefill, bodyFor(pair)).reply).status, 500);
    assert.ok(performance.now() - startMs >= 390);
    const decode = await engine(t, 'decode', { port: pair.decode.port });
    for (const reply of await sendBoth({ ...pair, decode }, bodyFor(pair))) assert.equal(reply.status, 200);
  });

  it('decode, when its KV is on the way: prefill fails when it is there', async (t) => {
    const pair = await pairFor(t, { kvTransferLatencyMs: 50 * 300 });
    const body = bodyFor(pair);
    const [prefill, decode] = [send(pair.prefill, body), send(pair.decode, body)];
    await untilQueued(pair.prefill, 'prefill_inflight_queue_reqs');
    await pair.decode.stop();
    await assert.rejects(decode.reply);
    const reply = await prefill.reply;
    assert.equal(reply.status, 500);
    assert.match(messageOf(reply), /^Prefill transfer failed .* Decode instance could be dead/);
    await assertIdle(pair.prefill);
  });

  it('SIGTERM of prefill: waiting and new requests are served, then it ends', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair);
    const waiting = send(pair.prefill, body);
    await untilMeeting(pair.prefill);
    const drained = pair.prefill.drain();
    assert.equal((await fetch(`${pair.prefill.url}/health`)).status, 503);
    for (const reply of await sendBoth(pair, bodyFor(pair))) assert.equal(reply.status, 200);
    assert.equal((await send(pair.decode, body).reply).status, 200);
    assert.equal((await waiting.reply).status, 200);
    await drained;
    assert.equal(await pair.prefill.gone, 'drained');
  });

  it('SIGTERM of prefill: a request without a decode half delays the end until its timeout', async (t) => {
    const pair = await pairFor(t, { disaggregationBootstrapTimeoutSecs: 0.4 });
    const waiting = send(pair.prefill, bodyFor(pair));
    await untilMeeting(pair.prefill);
    await pair.prefill.drain();
    assert.equal((await waiting.reply).status, 500);
  });
});

describe('faults at the places of a pair', () => {
  it('a share of all prefills fails, the same ones for the same seed', async (t) => {
    const failed = async (seed: number): Promise<string> => {
      const pair = await pairFor(t, { prefillFailRate: 0.3, seed });
      let marks = '';
      for (let i = 0; i < 12; i++) {
        const body = bodyFor(pair);
        const decode = send(pair.decode, body);
        const { status } = await send(pair.prefill, body).reply;
        marks += status === 500 ? 'x' : '.';
        if (status === 500) decode.leave();
        else assert.equal((await decode.reply).status, 200);
      }
      return marks;
    };
    const marks = await failed(7);
    assert.equal(await failed(7), marks);
    assert.ok(marks.includes('x') && marks.includes('.'), marks);
  });

  it('prefill dies before the KV is sent: decode is left waiting until the heartbeat fails', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationHeartbeatIntervalSecs: 0.1 });
    pair.prefill.addFault({ kind: 'die', at: 'before-kv' });
    const body = bodyFor(pair);
    const decode = send(pair.decode, body);
    await assert.rejects(send(pair.prefill, body).reply);
    assert.equal(await pair.prefill.gone, 'dead');
    assert.match(messageOf(await decode.reply), /Lost connection with prefill instance/);
  });

  it('prefill dies when decode has the KV: decode answers in full', async (t) => {
    const pair = await pairFor(t);
    pair.prefill.addFault({ kind: 'die', at: 'after-kv' });
    const body = bodyFor(pair);
    const decode = send(pair.decode, body);
    await assert.rejects(send(pair.prefill, body).reply);
    assert.equal(answerOf(await decode.reply).meta_info.completion_tokens, 8);
  });

  it('decode dies with the KV in its hands: prefill has answered', async (t) => {
    const pair = await pairFor(t);
    pair.decode.addFault({ kind: 'die', at: 'after-kv' });
    const body = bodyFor(pair);
    const decode = send(pair.decode, body);
    assert.equal((await send(pair.prefill, body).reply).status, 200);
    await assert.rejects(decode.reply);
  });

  it('a hang before the KV leaves both legs waiting; a delay does not', async (t) => {
    const pair = await pairFor(t);
    for (const sim of [pair.prefill, pair.decode]) {
      sim.addFault({ kind: 'hang', at: 'before-kv', count: 1 });
      const body = bodyFor(pair, { stream: true });
      const decode = send(pair.decode, body);
      const prefill = send(pair.prefill, body);
      await untilQueued(pair.prefill, 'prefill_inflight_queue_reqs', sim === pair.prefill ? 1 : 0);
      await untilAsking(pair.decode);
      decode.leave();
      prefill.leave();
      await until(() => pair.decode.engine.jobs.size === 0 && pair.prefill.engine.jobs.size === 0, 'both legs to end');
      sim.addFault({ kind: 'delay', at: 'before-kv', delayMs: 20, count: 1 });
      for (const reply of await sendBoth(pair, bodyFor(pair))) assert.equal(reply.status, 200);
    }
    await assertIdle(pair.prefill, pair.decode);
  });

  it('an abort at a place ends that leg with 500', async (t) => {
    const pair = await pairFor(t);
    for (const at of ['before-kv', 'after-kv'] as const) {
      pair.decode.addFault({ kind: 'abort', at, count: 1 });
      const body = bodyFor(pair);
      const [, decode] = [send(pair.prefill, body), send(pair.decode, body)];
      assert.equal((await decode.reply).status, 500);
    }
  });

  it('a place is refused for faults that cannot act there', async (t) => {
    const prefill = await engine(t, 'prefill');
    const add = async (rule: object): Promise<string> =>
      (await fetch(`${prefill.url}/sim/faults`, { method: 'POST', body: JSON.stringify(rule) })).text();
    assert.match(await add({ kind: 'cut', at: 'after-kv' }), /at: after-kv goes with delay, hang, abort, die/);
    assert.match(await add({ kind: 'die', at: 'later' }), /at: expected one of request, before-kv, after-kv/);
  });
});
