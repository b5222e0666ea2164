// What people use to talk to an engine works through the router: the client of OpenAI, and /generate as SGLang's own programs use it.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import OpenAI, { APIError, APIUserAbortError, NotFoundError } from 'openai';
import { Agent, fetch } from 'undici';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { until } from './support/until.ts';

const MODEL = 'tiny-llama';
const HELLO = [{ role: 'user', content: 'Hello' }] as const;

interface Setup {
  readonly router: TestRouter;
  readonly sims: readonly SimHandle[];
  readonly client: OpenAI;
  readonly agent: Agent;
}

/** Two engines that make up the same texts, a router in front of them, and a client whose connections end with the test. */
async function start(
  t: TestContext,
  options: { isEmbedding?: boolean; itlMs?: number } = {},
  flags: readonly string[] = [],
): Promise<Setup> {
  const agent = new Agent();
  t.after(() => agent.destroy());
  const sims = await Promise.all([1, 2].map(() => startSim({ modelPath: MODEL, itlMs: 1, ...options })));
  t.after(() => Promise.all(sims.map((sim) => sim.stop())));
  const router = await startTestRouter(t, ['--worker-urls', ...sims.map((sim) => sim.url), ...flags], [], { wait: false });
  await router.untilEligible(sims);
  return { router, sims, client: clientOf(router.url, agent), agent };
}

function clientOf(url: string, agent: Agent): OpenAI {
  // The fetch of this package and of Node have the same shape; only their types are declared apart.
  const viaAgent = ((target: string, init: object) => fetch(target, { ...init, dispatcher: agent })) as unknown as typeof globalThis.fetch;
  return new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0, fetch: viaAgent });
}

const count = (sim: SimHandle, path: string): number => (sim.stats()['requests'] as Record<string, number>)[path] ?? 0;
const generations = (sim: SimHandle): Record<string, number> => sim.stats()['generations'] as Record<string, number>;

describe('the client of OpenAI', () => {
  it('chats', async (t) => {
    const { client } = await start(t);
    const answer = await client.chat.completions.create({ model: MODEL, messages: [...HELLO], max_tokens: 12 });
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.model, MODEL);
    assert.equal(answer.choices[0]?.message.role, 'assistant');
    assert.ok((answer.choices[0]?.message.content ?? '').length > 0);
    assert.equal(answer.usage?.completion_tokens, 12);
  });

  it('streams a chat, with usage, and gets the text that it gets without streaming', async (t) => {
    const { client } = await start(t);
    const ask = { model: MODEL, messages: [...HELLO], max_tokens: 30, temperature: 0 };
    const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
    const pieces: string[] = [];
    let finish: string | null = null;
    let usage: OpenAI.CompletionUsage | null | undefined = null;
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      if (choice?.delta.content) pieces.push(choice.delta.content);
      finish = choice?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.ok(pieces.length > 10, `${pieces.length} pieces`);
    const whole = await client.chat.completions.create(ask);
    assert.equal(pieces.join(''), whole.choices[0]?.message.content);
    assert.equal(finish, 'length');
    assert.equal(usage?.completion_tokens, 30);
  });

  it('completes texts, streaming and not', async (t) => {
    const { client, sims } = await start(t);
    const ask = { model: MODEL, prompt: 'Once upon a time', max_tokens: 10 };
    const whole = await client.completions.create(ask);
    assert.equal(whole.object, 'text_completion');
    assert.ok((whole.choices[0]?.text ?? '').length > 0);
    const pieces: string[] = [];
    for await (const chunk of await client.completions.create({ ...ask, stream: true })) pieces.push(chunk.choices[0]?.text ?? '');
    assert.ok(pieces.length >= 10, `${pieces.length} pieces`);
    assert.deepEqual(
      sims.map((sim) => count(sim, '/v1/completions')),
      [1, 1],
      'round robin',
    );
  });

  it('embeds texts', async (t) => {
    const { client } = await start(t, { isEmbedding: true });
    const answer = await client.embeddings.create({ model: MODEL, input: ['one', 'two'], encoding_format: 'float' });
    assert.deepEqual(
      answer.data.map(({ index, embedding }) => [index, embedding.length > 0]),
      [
        [0, true],
        [1, true],
      ],
    );
    assert.ok(answer.data[0]?.embedding.every((value) => Number.isFinite(value)));
  });

  it('lists models and retrieves one', async (t) => {
    const { client } = await start(t);
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.deepEqual(ids, [MODEL]);
    assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
  });

  it('sees the request id in answers', async (t) => {
    const { client } = await start(t);
    const { response } = await client.chat.completions.create({ model: MODEL, messages: [...HELLO], max_tokens: 1 }).withResponse();
    assert.match(response.headers.get('x-request-id') ?? '', /^chatcmpl-[A-Za-z0-9]{24}$/);
  });

  it('gets an error of an engine as the engine gave it', async (t) => {
    const { client } = await start(t);
    const failed = client.chat.completions.create({ model: MODEL, messages: [...HELLO], temperature: -1 });
    await assert.rejects(failed, (error: unknown) => {
      assert.ok(error instanceof APIError);
      assert.equal(error.status, 400);
      assert.equal(error.headers?.get('x-smg-error-code'), null);
      return true;
    });
  });

  it('gets an error of the router with status, type and code', async (t) => {
    const { client, router, sims, agent } = await start(t);
    await assert.rejects(client.get('/responses'), (error: unknown) => {
      assert.ok(error instanceof APIError);
      assert.deepEqual([error.status, error.code], [405, 'unsupported_method']);
      return true;
    });
    for (const { url } of sims) {
      const removed = await fetch(`${router.url}/remove_worker?url=${url}`, { method: 'POST', dispatcher: agent });
      assert.equal(removed.status, 200);
      await removed.text();
    }
    await assert.rejects(client.chat.completions.create({ model: MODEL, messages: [...HELLO] }), (error: unknown) => {
      assert.ok(error instanceof APIError && !(error instanceof NotFoundError));
      assert.deepEqual([error.status, error.code, error.type], [503, 'no_workers', 'service_unavailable']);
      assert.equal(error.headers?.get('x-smg-error-code'), 'no_workers');
      return true;
    });
  });

  it('sees a stream whose engine dies end with an error, not with an end that looks whole', async (t) => {
    const { client, sims } = await start(t, { itlMs: 5 });
    for (const sim of sims) sim.addFault({ kind: 'cut', afterTokens: 5 });
    const stream = await client.chat.completions.create({ model: MODEL, messages: [...HELLO], max_tokens: 50, stream: true });
    let events = 0;
    await assert.rejects(
      async () => {
        for await (const _ of stream) events++;
      },
      (error: unknown) => {
        assert.ok(error instanceof APIError, String(error));
        assert.equal(error.code, 'call_upstream_cut');
        return true;
      },
    );
    assert.ok(events >= 4, `${events} events`);
  });

  it('that gives up frees the engine at once', async (t) => {
    const { client, sims, router } = await start(t, { itlMs: 10 });
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      { model: MODEL, messages: [...HELLO], max_tokens: 100_000, stream: true },
      { signal: controller.signal },
    );
    const running = (): number => sims.reduce((sum, sim) => sum + (generations(sim)['running'] ?? 0), 0);
    let events = 0;
    for await (const _ of stream) {
      if (++events < 3) continue;
      assert.equal(running(), 1);
      controller.abort();
    }
    await until(() => running() === 0, 'the engine to be free');
    assert.equal(
      sims.reduce((sum, sim) => sum + (generations(sim)['aborted'] ?? 0), 0),
      1,
    );
    assert.equal(router.inflight(), 0);
  });

  it('that gives up before the answer begins frees the router at once', async (t) => {
    const { client, router, sims } = await start(t);
    for (const sim of sims) sim.addFault({ kind: 'hang' });
    const controller = new AbortController();
    const failed = assert.rejects(
      client.chat.completions.create({ model: MODEL, messages: [...HELLO] }, { signal: controller.signal }),
      APIUserAbortError,
    );
    await until(() => router.inflight() === 1, 'the request to be at an engine');
    controller.abort();
    await failed;
    await until(() => router.inflight() === 0, 'the router to have let go');
  });
});

describe('a client of /generate', () => {
  interface Event {
    readonly text: string;
    readonly meta_info: { readonly completion_tokens: number; readonly finish_reason: { readonly type: string } | null };
  }

  /** As SGLang's own examples read a stream: line by line, every event holding the whole text so far. */
  async function* events(url: string, agent: Agent, text: string, tokens: number): AsyncGenerator<Event> {
    const answer = await fetch(`${url}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, sampling_params: { temperature: 0, max_new_tokens: tokens, ignore_eos: true }, stream: true }),
      dispatcher: agent,
    });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const piece of answer.body ?? []) {
      rest += decoder.decode(piece as Uint8Array, { stream: true });
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const data = rest.slice('data: '.length, end);
        rest = rest.slice(end + 2);
        if (data === '[DONE]') return;
        yield JSON.parse(data) as Event;
      }
    }
    assert.fail('the stream ended without [DONE]');
  }

  it('gets text that grows, token by token, to its end', async (t) => {
    const { router, agent } = await start(t);
    let text = '';
    let tokens = 0;
    let last: Event | null = null;
    for await (const event of events(router.url, agent, 'The capital of France is', 40)) {
      assert.ok(event.text.startsWith(text), `${JSON.stringify(event.text)} goes on from ${JSON.stringify(text)}`);
      assert.ok(event.meta_info.completion_tokens >= tokens);
      ({ text } = event);
      tokens = event.meta_info.completion_tokens;
      last = event;
    }
    assert.equal(tokens, 40);
    assert.equal(last?.meta_info.finish_reason?.type, 'length');
  });

  it('that stops reading in the middle frees the engine', async (t) => {
    const { router, agent, sims } = await start(t, { itlMs: 10 });
    let seen = 0;
    for await (const _ of events(router.url, agent, 'x', 100_000)) if (++seen === 3) break;
    await agent.destroy();
    await until(() => sims.every((sim) => generations(sim)['running'] === 0), 'the engines to be free');
    await router.assertQuiet();
  });

  it('sends lists and gets lists', async (t) => {
    const { router, agent } = await start(t);
    const answer = await fetch(`${router.url}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: ['a', 'b', 'c'], sampling_params: { max_new_tokens: 2 } }),
      dispatcher: agent,
    });
    assert.equal(((await answer.json()) as unknown[]).length, 3);
  });
});
