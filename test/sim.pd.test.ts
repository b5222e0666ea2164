/** Two simulated engines as the halves of a pair, over real sockets: every row of what was recorded of SGLang's own, with shorter waits. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { SimOptions } from '../src/sim/engine/options.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { postJson } from './support/send-raw.ts';
import { parseEvents } from './support/sse-events.ts';
import { until, within } from './support/until.ts';

interface Pair {
  readonly prefill: SimHandle;
  readonly decode: SimHandle;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** A request whose client can leave. */
interface Sent {
  readonly reply: Promise<Reply>;
  leave(): void;
  /** True as long as nothing of an answer has come. */
  isPending(): boolean;
}

/** Waits short enough for tests; those that a test is not about are long. */
const LONG: Partial<SimOptions> = {
  speedup: 50,
  disaggregationBootstrapTimeoutSecs: 60,
  disaggregationWaitingTimeoutSecs: 60,
  disaggregationHandshakeTimeoutSecs: 60,
  abortPollSecs: 0.2 * 50,
};

async function engine(t: TestContext, mode: 'prefill' | 'decode', options: Partial<SimOptions> = {}): Promise<SimHandle> {
  const sim = await startSim({ ...LONG, disaggregationMode: mode, disaggregationBootstrapPort: 0, ...options });
  t.after(() => sim.stop());
  return sim;
}

async function pairFor(t: TestContext, options: Partial<SimOptions> = {}, forDecode: Partial<SimOptions> = {}): Promise<Pair> {
  const [prefill, decode] = await Promise.all([engine(t, 'prefill', options), engine(t, 'decode', { ...options, ...forDecode })]);
  return { prefill, decode };
}

let nextRoom = 1000;

/** A body whose members can be digits that no double holds: bigints. */
type Body = Readonly<Record<string, unknown>>;

const text = (body: Body): string =>
  JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? `#${value}#` : value)).replace(/"#(-?\d+)#"/g, '$1');

/** A request of 8 tokens for a room of its own. */
function bodyFor({ prefill }: Pair, more: Body = {}): Body {
  const where = { bootstrap_host: '127.0.0.1', bootstrap_port: prefill.bootstrapPort, bootstrap_room: nextRoom++ };
  return { text: 'hello there', sampling_params: { max_new_tokens: 8, ignore_eos: true }, ...where, ...more };
}

function chatFor(pair: Pair, more: Body = {}): Body {
  const { text: _, sampling_params: __, ...where } = bodyFor(pair);
  return { ...where, messages: [{ role: 'user', content: 'hello' }], max_tokens: 8, ignore_eos: true, ...more };
}

function send(sim: SimHandle, body: Body, path = '/generate'): Sent {
  const control = new AbortController();
  let isPending = true;
  const run = async (): Promise<Reply> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(sim.url + path, { method: 'POST', headers, body: text(body), signal: control.signal });
    isPending = false;
    return { status: response.status, text: await response.text() };
  };
  const reply = run();
  reply.catch(() => {
    // Told to whoever awaits it.
  });
  return { reply, leave: () => control.abort(), isPending: () => isPending };
}

async function sendBoth({ prefill, decode }: Pair, body: Body, path = '/generate'): Promise<readonly [Reply, Reply]> {
  return Promise.all([send(prefill, body, path).reply, send(decode, body, path).reply]);
}

interface Generated {
  readonly text: string;
  readonly output_ids: readonly number[];
  readonly meta_info: {
    readonly completion_tokens: number;
    readonly cached_tokens: number;
    readonly finish_reason: { readonly type: string; readonly length: number; readonly message?: string } | null;
    readonly input_token_logprobs: readonly unknown[];
    readonly output_token_logprobs: readonly unknown[];
  };
}

type Lists = Readonly<Record<string, readonly (readonly unknown[] | null)[]>>;

const answerOf = ({ status, text }: Reply): Generated => {
  assert.equal(status, 200, text);
  return JSON.parse(text) as Generated;
};
const answersOf = ({ status, text }: Reply): readonly Generated[] => {
  assert.equal(status, 200, text);
  return JSON.parse(text) as readonly Generated[];
};
const dataOf = ({ text }: Reply): readonly string[] => parseEvents(text).map((event) => event.data);
const messageOf = (reply: Reply): string => (JSON.parse(reply.text) as { message: string }).message;

/** Disaggregation numbers of /v1/loads, all ranks together. */
async function queues(sim: SimHandle): Promise<Record<string, number>> {
  const response = await fetch(`${sim.url}/v1/loads`);
  const { loads } = (await response.json()) as { loads: readonly { disaggregation: Record<string, number> }[] };
  const sums: Record<string, number> = {};
  for (const { disaggregation } of loads)
    for (const [name, count] of Object.entries(disaggregation)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

async function untilQueued(sim: SimHandle, name: string, count = 1): Promise<void> {
  const startMs = performance.now();
  while ((await queues(sim))[name] !== count) {
    assert.ok(performance.now() - startMs < 10_000, `${name} is ${(await queues(sim))[name]}, not ${count}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The prefill half waits for its partner. */
const untilMeeting = (sim: SimHandle): Promise<void> => untilQueued(sim, 'prefill_bootstrap_queue_reqs');
/** The decode half has asked for KV. */
const untilAsking = (sim: SimHandle): Promise<void> => untilQueued(sim, 'decode_transfer_queue_reqs');

const abortedIn = (sim: SimHandle): number => (sim.stats()['generations'] as { aborted: number }).aborted;

/** Nothing is left of any request, now or when the other half's connection has closed. */
async function assertIdle(...sims: readonly SimHandle[]): Promise<void> {
  for (const { engine } of sims) {
    const { scheduler, jobs } = engine;
    const { meetingRequests, handingRequests, waitingRequests, runningRequests, usedTokens } = scheduler;
    assert.deepEqual([jobs.size, meetingRequests, handingRequests, waitingRequests, runningRequests, usedTokens], [0, 0, 0, 0, 0, 0]);
    await until(
      () => engine.roomStats().rooms === 0,
      () => `the rooms to be empty: ${JSON.stringify(engine.roomStats())}`,
      1000,
    );
  }
}

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

  it('the pair gives the text that one engine gives', async (t) => {
    const pair = await pairFor(t);
    const single = await startSim({ speedup: 50 });
    t.after(() => single.stop());
    const body = bodyFor(pair, { sampling_params: { max_new_tokens: 200 } });
    const [, all] = await sendBoth(pair, body);
    assert.equal(answerOf(all).text, answerOf(await send(single, body).reply).text);
  });

  it('prefill answers only when decode has fetched, whichever came first', async (t) => {
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

  it('input log probabilities come from prefill only', async (t) => {
    const pair = await pairFor(t);
    const [first, all] = (await sendBoth(pair, bodyFor(pair, { return_logprob: true, logprob_start_len: 0 }))).map(answerOf);
    assert.equal(first?.meta_info.input_token_logprobs.length, 11);
    assert.equal(first?.meta_info.output_token_logprobs.length, 1);
    assert.deepEqual(all?.meta_info.input_token_logprobs, []);
    assert.equal(all?.meta_info.output_token_logprobs.length, 8);
    assert.deepEqual(all?.meta_info.output_token_logprobs[0], first?.meta_info.output_token_logprobs[0]);
  });

  it('the likeliest tokens and chosen tokens of the prompt come from prefill only as well', async (t) => {
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

  it('asked of decode alone, the first log probability is a dummy', async (t) => {
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

  it('different prompts give a wrong answer without an error', async (t) => {
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

  it('the host that stands for no partner needs none', async (t) => {
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
    const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 0.2 });
    const batch = bodyFor(pair, { text: ['one', 'two'], bootstrap_room: 70, stream: true });
    const hanging = send(pair.decode, batch);
    await untilQueued(pair.decode, 'decode_transfer_queue_reqs', 2);
    const single = bodyFor(pair, { bootstrap_room: 71 });
    const decode = send(pair.decode, single);
    await untilQueued(pair.decode, 'decode_transfer_queue_reqs', 3);
    for (const reply of [send(pair.prefill, batch), send(pair.prefill, single), decode]) assert.equal((await reply.reply).status, 200);
    await hangsBeyond(pair, hanging, 400);
  });
});

/** Nothing ends `sent`, a stream on decode, within `ms`, but its client. */
async function hangsBeyond({ decode }: Pair, sent: Sent, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  assert.equal(decode.engine.jobs.size, 1);
  sent.leave();
  await until(() => decode.engine.jobs.size === 0, 'decode to let go');
}

describe('rooms', () => {
  for (const room of [1n, 2n ** 63n - 1n, 2n ** 63n]) {
    it(`room ${room} works, and works again`, async (t) => {
      const pair = await pairFor(t);
      for (let i = 0; i < 2; i++)
        for (const reply of await sendBoth(pair, bodyFor(pair, { bootstrap_room: room }))) assert.equal(reply.status, 200);
    });
  }

  it('room 0: prefill answers, decode hangs for ever', async (t) => {
    const pair = await pairFor(t, {}, { disaggregationWaitingTimeoutSecs: 0.2 });
    const body = bodyFor(pair, { bootstrap_room: 0, stream: true });
    const decode = send(pair.decode, body);
    assert.equal((await send(pair.prefill, body).reply).status, 200);
    await hangsBeyond(pair, decode, 400);
  });

  it('room -1 kills prefill, if deaths were asked for', async (t) => {
    const pair = await pairFor(t, { deadly: true, deadlySecs: 0.1 });
    const decode = send(pair.decode, bodyFor(pair, { bootstrap_room: -1 }));
    await assert.rejects(send(pair.prefill, bodyFor(pair, { bootstrap_room: -1 })).reply);
    assert.equal(await pair.prefill.gone, 'dead');
    assert.ok(decode.isPending());
  });

  it('a missing host kills decode, if deaths were asked for', async (t) => {
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
    const decode = await engine(t, 'decode', { disaggregationBootstrapPort: prefill.bootstrapPort ?? 0 });
    for (const reply of await sendBoth({ prefill, decode }, bodyFor({ prefill, decode }, { bootstrap_port: null })))
      assert.equal(reply.status, 200);
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

  it('a rank that prefill is told has to be told to decode as well', async (t) => {
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

describe('the bootstrap server', () => {
  it('answers /health and tells the layout at /route', async (t) => {
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
      const body = bodyFor({ prefill, decode }, { bootstrap_host: prefill.options.host });
      for (const reply of await sendBoth({ prefill, decode }, body)) assert.equal(reply.status, 200);
    }
  });
});

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

  it('the plain decode leg: decode goes on until it looks', async (t) => {
    const pair = await pairFor(t, { speedup: 1, abortPollSecs: 0.3 });
    const body = bodyFor(pair, { sampling_params: { max_new_tokens: 10_000, ignore_eos: true } });
    const decode = send(pair.decode, body);
    await send(pair.prefill, body).reply;
    decode.leave();
    await until(() => pair.decode.engine.traffic.disconnects === 1, 'the departure');
    assert.equal(abortedIn(pair.decode), 0);
    await until(() => abortedIn(pair.decode) === 1, 'decode to look', 1000);
  });

  it('the plain prefill leg: a decode that comes soon is still served', async (t) => {
    const pair = await pairFor(t, { abortPollSecs: 50 * 5 });
    const body = bodyFor(pair);
    const prefill = send(pair.prefill, body);
    await untilMeeting(pair.prefill);
    prefill.leave();
    await until(() => pair.prefill.engine.traffic.disconnects === 1, 'the departure');
    assert.equal((await send(pair.decode, body).reply).status, 200);
  });

  it('the streaming prefill leg: aborted at once; a decode that comes waits its whole timeout', async (t) => {
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

  it('the streaming decode leg: a prefill that comes later fails at once', async (t) => {
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

  it('a room whose plain prefill leg is given up fails for everybody in it', async (t) => {
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
  it('prefill, when decode streams: the stream goes on to its end', async (t) => {
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

  it('SIGTERM of prefill: what waits and what comes is served, then it is gone', async (t) => {
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

  it('SIGTERM of prefill: a request whose decode never comes holds it back until its timeout', async (t) => {
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
