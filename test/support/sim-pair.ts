/** Two simulated engines as the halves of a pair, requests to either of them, and what is looked at. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SimOptions } from '../../src/sim/engine/options.ts';
import { type SimHandle, startSim } from '../../src/sim/program/start-sim.ts';
import { parseEvents } from './sse-events.ts';
import { until } from './until.ts';

export interface Pair {
  readonly prefill: SimHandle;
  readonly decode: SimHandle;
  /** Rooms that no request of the pair has had. */
  readonly rooms: Iterator<number, never>;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** A request whose client can leave. */
export interface Sent {
  readonly reply: Promise<Reply>;
  leave(): void;
  /** True as long as nothing of an answer has come. */
  isPending(): boolean;
}

/** Waits short enough for tests; those that a test is not about are long. */
export const LONG: Partial<SimOptions> = {
  speedup: 50,
  disaggregationBootstrapTimeoutSecs: 60,
  disaggregationWaitingTimeoutSecs: 60,
  disaggregationHandshakeTimeoutSecs: 60,
  abortPollSecs: 0.2 * 50,
};

export async function engine(t: TestContext, mode: 'prefill' | 'decode', options: Partial<SimOptions> = {}): Promise<SimHandle> {
  const sim = await startSim({ ...LONG, disaggregationMode: mode, disaggregationBootstrapPort: 0, ...options });
  t.after(() => sim.stop());
  return sim;
}

export async function pairFor(t: TestContext, options: Partial<SimOptions> = {}, forDecode: Partial<SimOptions> = {}): Promise<Pair> {
  const [prefill, decode] = await Promise.all([engine(t, 'prefill', options), engine(t, 'decode', { ...options, ...forDecode })]);
  return pairOf(prefill, decode);
}

export function pairOf(prefill: SimHandle, decode: SimHandle): Pair {
  return { prefill, decode, rooms: numbersFrom(1000) };
}

function* numbersFrom(first: number): Generator<number, never> {
  for (let number = first; ; number++) yield number;
}

/** A body whose members can be digits that no double holds: bigints. */
export type Body = Readonly<Record<string, unknown>>;

const text = (body: Body): string =>
  JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? `#${value}#` : value)).replace(/"#(-?\d+)#"/g, '$1');

/** A request of 8 tokens for a room of its own. */
export function bodyFor({ prefill, rooms }: Pair, more: Body = {}): Body {
  const where = { bootstrap_host: '127.0.0.1', bootstrap_port: prefill.bootstrapPort, bootstrap_room: rooms.next().value };
  return { text: 'hello there', sampling_params: { max_new_tokens: 8, ignore_eos: true }, ...where, ...more };
}

export function chatFor(pair: Pair, more: Body = {}): Body {
  const { text: _, sampling_params: __, ...where } = bodyFor(pair);
  return { ...where, messages: [{ role: 'user', content: 'hello' }], max_tokens: 8, ignore_eos: true, ...more };
}

export function send(sim: SimHandle, body: Body, path = '/generate'): Sent {
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
    // The test that awaits the reply sees the error.
  });
  return { reply, leave: () => control.abort(), isPending: () => isPending };
}

export async function sendBoth({ prefill, decode }: Pair, body: Body, path = '/generate'): Promise<readonly [Reply, Reply]> {
  return Promise.all([send(prefill, body, path).reply, send(decode, body, path).reply]);
}

export interface Generated {
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

export type Lists = Readonly<Record<string, readonly (readonly unknown[] | null)[]>>;

export const answerOf = ({ status, text }: Reply): Generated => {
  assert.equal(status, 200, text);
  return JSON.parse(text) as Generated;
};
export const answersOf = ({ status, text }: Reply): readonly Generated[] => {
  assert.equal(status, 200, text);
  return JSON.parse(text) as readonly Generated[];
};
export const dataOf = ({ text }: Reply): readonly string[] => parseEvents(text).map((event) => event.data);
export const messageOf = (reply: Reply): string => (JSON.parse(reply.text) as { message: string }).message;

/** Disaggregation numbers of /v1/loads, all ranks together. */
export async function queues(sim: SimHandle): Promise<Record<string, number>> {
  const response = await fetch(`${sim.url}/v1/loads`);
  const { loads } = (await response.json()) as { loads: readonly { disaggregation: Record<string, number> }[] };
  const sums: Record<string, number> = {};
  for (const { disaggregation } of loads)
    for (const [name, count] of Object.entries(disaggregation)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

export async function untilQueued(sim: SimHandle, name: string, count = 1): Promise<void> {
  const startMs = performance.now();
  while ((await queues(sim))[name] !== count) {
    assert.ok(performance.now() - startMs < 10_000, `${name} is ${(await queues(sim))[name]}, not ${count}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The prefill half waits for its partner. */
export const untilMeeting = (sim: SimHandle): Promise<void> => untilQueued(sim, 'prefill_bootstrap_queue_reqs');
/** The decode half has asked for KV. */
export const untilAsking = (sim: SimHandle): Promise<void> => untilQueued(sim, 'decode_transfer_queue_reqs');

export const abortedIn = (sim: SimHandle): number => (sim.stats()['generations'] as { aborted: number }).aborted;

/** Nothing is left of any request, now or when the other half's connection has closed. */
export async function assertIdle(...sims: readonly SimHandle[]): Promise<void> {
  for (const { engine } of sims) {
    const { scheduler, jobs } = engine;
    const { bootstrappingRequests, transferringRequests, waitingRequests, runningRequests, usedTokens } = scheduler;
    assert.deepEqual(
      [jobs.size, bootstrappingRequests, transferringRequests, waitingRequests, runningRequests, usedTokens],
      [0, 0, 0, 0, 0, 0],
    );
    await until(
      () => engine.roomStats().rooms === 0,
      () => `the rooms to be empty: ${JSON.stringify(engine.roomStats())}`,
      1000,
    );
  }
}

/** Nothing ends `sent`, a stream on decode, within `ms`, but its client. */
export async function hangsBeyond({ decode }: Pair, sent: Sent, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  assert.equal(decode.engine.jobs.size, 1);
  sent.leave();
  await until(() => decode.engine.jobs.size === 0, 'decode to let go');
}
