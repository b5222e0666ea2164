/** What two simulated engines answer as the halves of a pair, for one prompt and for several, on any rank. As recorded of SGLang 0.5.23. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startSim } from '../src/sim/program/start-sim.ts';
import {
  answerOf,
  answersOf,
  assertIdle,
  bodyFor,
  engine,
  hangsBeyond,
  type Lists,
  messageOf,
  pairFor,
  type Reply,
  send,
  sendBoth,
  untilAsking,
  untilMeeting,
  untilQueued,
} from './support/sim-pair.ts';

describe('a request of a pair', () => {
  it('prefill answers with the first token, decode with all of them', async (t) => {
    const pair = await pairFor(t);
    const [first, all] = (await sendBoth(pair, bodyFor(pair))).map(answerOf);
    assert.equal(first?.meta_info.completion_tokens, 1);
    assert.deepEqual(first?.meta_info.finish_reason, { type: 'length', length: 0 });
    assert.equal(all?.meta_info.completion_tokens, 8);
    assert.equal(all?.output_ids[0], first?.output_ids[0]);
    await assertIdle(pair.prefill, pair.decode);
  });

  it('a pair generates the text that one engine generates', async (t) => {
    const pair = await pairFor(t);
    const single = await startSim({ speedup: 50 });
    t.after(() => single.stop());
    const body = bodyFor(pair, { sampling_params: { max_new_tokens: 200 } });
    const [, all] = await sendBoth(pair, body);
    assert.equal(answerOf(all).text, answerOf(await send(single, body).reply).text);
  });

  it('prefill answers only when decode has the KV, whichever leg arrived first', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair);
    const early = send(pair.prefill, body);
    await untilMeeting(pair.prefill);
    assert.ok(early.isPending());
    assert.equal((await send(pair.decode, body).reply).status, 200);
    assert.equal((await early.reply).status, 200);

    const other = bodyFor(pair);
    const decode = send(pair.decode, other);
    await untilAsking(pair.decode);
    assert.ok(decode.isPending());
    assert.equal((await send(pair.prefill, other).reply).status, 200);
    assert.equal(answerOf(await decode.reply).meta_info.completion_tokens, 8);
  });

  it('decode reports the cached tokens of prefill', async (t) => {
    const pair = await pairFor(t);
    await sendBoth(pair, bodyFor(pair));
    for (const reply of await sendBoth(pair, bodyFor(pair))) assert.equal(answerOf(reply).meta_info.cached_tokens, 10);
  });

  it('only prefill has input log probabilities', async (t) => {
    const pair = await pairFor(t);
    const [first, all] = (await sendBoth(pair, bodyFor(pair, { return_logprob: true, logprob_start_len: 0 }))).map(answerOf);
    assert.equal(first?.meta_info.input_token_logprobs.length, 11);
    assert.equal(first?.meta_info.output_token_logprobs.length, 1);
    assert.deepEqual(all?.meta_info.input_token_logprobs, []);
    assert.equal(all?.meta_info.output_token_logprobs.length, 8);
    assert.deepEqual(all?.meta_info.output_token_logprobs[0], first?.meta_info.output_token_logprobs[0]);
  });

  it('only prefill has the likeliest and the chosen tokens of the prompt', async (t) => {
    const pair = await pairFor(t);
    const wish = { return_logprob: true, logprob_start_len: 0, top_logprobs_num: 2, token_ids_logprob: [5, 6, 7] };
    const [first, all] = (await sendBoth(pair, bodyFor(pair, wish))).map((reply) => answerOf(reply).meta_info as unknown as Lists);
    for (const [name, width] of [
      ['top_logprobs', 2],
      ['token_ids_logprobs', 3],
    ] as const) {
      assert.deepEqual(
        first?.[`input_${name}`]?.map((list) => list?.length ?? null),
        [null, ...new Array<number>(10).fill(width)],
      );
      assert.deepEqual(all?.[`input_${name}`], []);
      // What chosen tokens would have had at the first place does not come with the KV.
      assert.deepEqual(
        all?.[`output_${name}`]?.map((list) => list?.length ?? null),
        [name === 'top_logprobs' ? width : null, ...new Array<number>(7).fill(width)],
      );
    }
  });

  it('if only decode is asked for log probabilities, the first one is a dummy', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair);
    const [, all] = await Promise.all([send(pair.prefill, body).reply, send(pair.decode, { ...body, return_logprob: true }).reply]);
    const shown = answerOf(all).meta_info.output_token_logprobs;
    assert.deepEqual(shown[0], [0, 0, null]);
    assert.equal(shown.length, 8);
  });

  it('a stream on one leg only works either way', async (t) => {
    const pair = await pairFor(t);
    for (const streaming of [pair.prefill, pair.decode]) {
      const body = bodyFor(pair);
      const replies = [pair.prefill, pair.decode].map((sim) => send(sim, { ...body, stream: sim === streaming }).reply);
      for (const reply of await Promise.all(replies)) assert.equal(reply.status, 200);
    }
  });

  it('different prompts cause a wrong answer without an error', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair);
    const other = { ...body, text: 'something else entirely' };
    const [mine, foreign, mixed] = await Promise.all([
      sendBoth(pair, { ...other, bootstrap_room: 5 }).then(([, reply]) => answerOf(reply)),
      sendBoth(pair, { ...body, bootstrap_room: 6 }).then(([, reply]) => answerOf(reply)),
      Promise.all([send(pair.prefill, body).reply, send(pair.decode, other).reply]).then(([, reply]) => answerOf(reply)),
    ]);
    assert.equal(mixed.output_ids[0], foreign.output_ids[0]);
    assert.deepEqual(mixed.output_ids.slice(1), mine.output_ids.slice(1));
  });

  it('/health needs no partner', async (t) => {
    for (const mode of ['prefill', 'decode'] as const) assert.equal((await fetch(`${(await engine(t, mode)).url}/health`)).status, 200);
  });

  it('a request with the host for health checks needs no partner', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair, { bootstrap_host: '2.2.2.2' });
    for (const sim of [pair.prefill, pair.decode]) assert.equal((await send(sim, body).reply).status, 200);
  });

  it('40 pairs at once are all answered', async (t) => {
    const pair = await pairFor(t);
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, i) => sendBoth(pair, bodyFor(pair, { text: `prompt ${i}`, stream: i % 2 === 0 }))),
    );
    for (const [first, all] of replies) assert.deepEqual([first.status, all.status], [200, 200]);
    await assertIdle(pair.prefill, pair.decode);
  });
});

describe('batches of a pair', () => {
  it('a scalar room is numbered', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair, { text: ['one', 'two', 'three'], bootstrap_room: 100n });
    const first = send(pair.prefill, body);
    // The rooms of the batch, one by one.
    for (const [at, prompt] of ['one', 'two', 'three'].entries()) {
      const single = { ...body, text: prompt, bootstrap_room: 100 + at };
      assert.equal(answerOf(await send(pair.decode, single).reply).meta_info.completion_tokens, 8);
    }
    assert.equal(answersOf(await first.reply).length, 3);
  });

  it('hosts, ports and rooms may be lists', async (t) => {
    const pair = await pairFor(t);
    const port = pair.prefill.bootstrapPort;
    const lists = { bootstrap_host: ['127.0.0.1', 'localhost'], bootstrap_port: [port, port], bootstrap_room: [7n, 2n ** 63n - 1n] };
    for (const reply of await sendBoth(pair, bodyFor(pair, { ...lists, text: ['one', 'two'] }))) assert.equal(answersOf(reply).length, 2);
  });

  it('a batch of two from 2^63-1 works', async (t) => {
    const pair = await pairFor(t);
    const body = bodyFor(pair, { text: ['one', 'two'], bootstrap_room: 2n ** 63n - 1n });
    for (const reply of await sendBoth(pair, body)) assert.equal(answersOf(reply).length, 2);
  });

  for (const room of [50n, [50n]]) {
    it(`n: 2 is answered by prefill and hangs on decode for ever, room ${String(room)} ${Array.isArray(room) ? 'in a list' : 'alone'}`, async (t) => {
      const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 0.2 });
      const lists = Array.isArray(room) ? { text: ['x'] } : {};
      const body = bodyFor(pair, { ...lists, stream: true, bootstrap_room: room, sampling_params: { n: 2, max_new_tokens: 4 } });
      const decode = send(pair.decode, body);
      assert.equal(answersOf(await send(pair.prefill, { ...body, stream: false }).reply).length, 2);
      await hangsBeyond(pair, decode, 400);
    });
  }

  it('rooms that overlap with those of a batch leave one of the requests hanging', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 1 });
    const batch = bodyFor(pair, { text: ['one', 'two'], bootstrap_room: 70, stream: true });
    const hanging = send(pair.decode, batch);
    await untilQueued(pair.decode, 'decode_transfer_queue_reqs', 2);
    const single = bodyFor(pair, { bootstrap_room: 71 });
    const decode = send(pair.decode, single);
    await untilQueued(pair.decode, 'decode_transfer_queue_reqs', 3);
    for (const reply of [send(pair.prefill, batch), send(pair.prefill, single), decode]) assert.equal((await reply.reply).status, 200);
    await hangsBeyond(pair, hanging, 1200);
  });
});

describe('data-parallel ranks of a pair', () => {
  const rankOf = (reply: Reply): unknown => (answerOf(reply).meta_info as { readonly dp_rank?: unknown }).dp_rank;

  it('a room belongs to the rank that its number says, and both halves know', async (t) => {
    const pair = await pairFor(t, { dpSize: 4 });
    const [first] = await sendBoth(pair, bodyFor(pair, { bootstrap_room: 4003 }));
    assert.equal(rankOf(first), 3);
  });

  it('prefill refuses a rank that the room does not say, unless its own body allows it', async (t) => {
    const pair = await pairFor(t, { dpSize: 4 });
    const reply = await send(pair.prefill, bodyFor(pair, { bootstrap_room: 4003, data_parallel_rank: 2 })).reply;
    assert.equal(reply.status, 500);
    assert.match(messageOf(reply), /follow_bootstrap_room conflict: dispatched to dp_rank 2 but bootstrap_room 4003 implies dp_rank 3\./);
    const [first] = await sendBoth(pair, bodyFor(pair, { bootstrap_room: 4002, data_parallel_rank: 2 }));
    assert.equal(rankOf(first), 2);
  });

  it('a prefill rank that the body selects must be in the body of decode as well', async (t) => {
    const pair = await pairFor(t, { dpSize: 4 }, { disaggregationWaitingTimeoutSecs: 0.2 });
    const body = bodyFor(pair, { bootstrap_room: 4003 });
    const prefill = send(pair.prefill, { ...body, data_parallel_rank: 2, disagg_prefill_dp_rank: 2 });
    await untilMeeting(pair.prefill);
    assert.equal((await send(pair.decode, body).reply).status, 500);
    const told = await send(pair.decode, { ...body, data_parallel_rank: 1, disagg_prefill_dp_rank: 2 }).reply;
    assert.deepEqual([rankOf(await prefill.reply), rankOf(told)], [2, 1]);
  });

  it('a rank that is not there is 400', async (t) => {
    const pair = await pairFor(t, { dpSize: 2 });
    for (const reply of await sendBoth(pair, bodyFor(pair, { routed_dp_rank: 2 }))) assert.equal(reply.status, 400);
  });
});
