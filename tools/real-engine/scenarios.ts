/** What one request and its answer cannot show: full queues, clients that leave, idle connections, the way to the end. */

import { type ClientRequest, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { post } from './case.ts';
import { observe, send } from './observe.ts';

/** What is looked at. Requests go to `url`; the load is read from `engineUrl`, which differs when a router is between. */
export interface Target {
  readonly url: string;
  readonly engineUrl: string;
  readonly model: string;
  readonly signal: AbortSignal;
}

/** Lines that can be compared: what was done, then what was seen. */
export type Sight = Readonly<Record<string, string>>;

const LIMIT_MS = 60_000;
/** Eight of these fit into the KV cache and last long enough. */
const HELD_TOKENS = 1500;
const longBody = (text: string, stream: boolean, tokens = 3000) =>
  Buffer.from(JSON.stringify({ text, stream, sampling_params: { max_new_tokens: tokens, ignore_eos: true, temperature: 0 } }));

/** A request that is left open. */
function open(url: string, body: Buffer): { leave(): void; ended: Promise<string> } {
  let outgoing: ClientRequest | undefined;
  const ended = new Promise<string>((resolve) => {
    const sent = request(
      `${url}/generate`,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } },
      (incoming) => {
        let tail = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => {
          tail = (tail + part).slice(-200);
        });
        incoming.on('close', () =>
          resolve(incoming.complete ? (tail.endsWith('data: [DONE]\n\n') ? 'complete, [DONE]' : 'complete') : 'cut'),
        );
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
    outgoing = sent;
  });
  return { leave: () => outgoing?.destroy(), ended };
}

interface Load {
  readonly num_running_reqs: number;
  readonly num_waiting_reqs: number;
}

async function readLoad({ engineUrl, signal }: Target): Promise<Load> {
  const reply = await fetch(`${engineUrl}/v1/loads?include=core`, { signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) });
  const body = (await reply.json()) as { loads: Load[] };
  const load = body.loads[0];
  if (load === undefined) throw new Error('/v1/loads has no rank');
  return load;
}

/** Polls the load until `is` holds. Returns the milliseconds it took; throws after a minute. */
async function waitForLoad(target: Target, what: string, is: (load: Load) => boolean): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const load = await readLoad(target);
    if (is(load)) return performance.now() - startMs;
    if (performance.now() - startMs > LIMIT_MS) throw new Error(`${target.url}: ${what} was not reached: ${JSON.stringify(load)}`);
    await pause(50, undefined, { signal: target.signal });
  }
}

const idle = (load: Load): boolean => load.num_running_reqs === 0 && load.num_waiting_reqs === 0;

/** Eight requests run, two wait (the limits the engine was started with), then one more of each kind comes. */
export async function fullQueue(target: Target): Promise<Sight> {
  const held: { leave(): void }[] = [];
  const sight: Record<string, string> = {};
  try {
    // One by one: the queue holds two, and several that come at once are all in the queue for a moment.
    for (let i = 0; i < 8; i++) {
      held.push(open(target.url, longBody(`${i} running`, true, HELD_TOKENS)));
      await waitForLoad(target, `${i + 1} running requests`, (load) => load.num_running_reqs === i + 1);
    }
    for (let i = 0; i < 2; i++) {
      held.push(open(target.url, longBody(`${i} waiting`, true, HELD_TOKENS)));
      await waitForLoad(target, `${i + 1} waiting requests`, (load) => load.num_waiting_reqs === i + 1);
    }
    const { model } = target;
    const few = { max_tokens: 4, ignore_eos: true };
    const messages = [{ role: 'user', content: 'hi' }];
    const refused = [
      post('/generate', '/generate', { text: 'more', sampling_params: { max_new_tokens: 4 } }),
      post('/generate, stream', '/generate', { text: 'more', stream: true, sampling_params: { max_new_tokens: 4 } }),
      post('chat', '/v1/chat/completions', { model, messages, ...few }),
      post('chat, stream', '/v1/chat/completions', { model, messages, ...few, stream: true }),
      post('completions', '/v1/completions', { model, prompt: 'more', ...few }),
      post('completions, stream', '/v1/completions', { model, prompt: 'more', ...few, stream: true }),
    ];
    for (const one of refused) {
      const seen = await observe(target.url, one, LIMIT_MS, target.signal);
      sight[`queue full: ${one.name}`] = [
        seen.status,
        ...seen.headers.filter((line) => /^(content-type|retry-after)/.test(line)),
        ...seen.keys,
        ...Object.entries(seen.values)
          .map(([path, list]) => `${path}=${list.join(',')}`)
          .sort(),
        ...seen.events,
      ].join(' ');
    }
  } finally {
    for (const one of held) one.leave();
  }
  await waitForLoad(target, 'an idle engine', idle);
  return sight;
}

/** How soon the engine stops working for a client that has left. Told as a class, because exact times are chance. */
export async function clientLeaves(target: Target): Promise<Sight> {
  const sight: Record<string, string> = {};
  for (const stream of [true, false]) {
    const one = open(target.url, longBody(`leave ${stream}`, stream));
    await waitForLoad(target, 'one running request', (load) => load.num_running_reqs === 1);
    await pause(500, undefined, { signal: target.signal });
    one.leave();
    const tookMs = await waitForLoad(target, 'an idle engine', idle);
    sight[`client leaves a ${stream ? 'stream' : 'plain request'}`] =
      tookMs < 1000 ? 'idle within 1 s' : tookMs < 5500 ? 'idle within 5 s' : 'idle later';
  }
  return sight;
}

/** Sends `head` on a connection of its own and reads until the other side closes, at most `limitMs`. */
function exchangeRaw(url: string, head: string, limitMs: number): Promise<{ text: string; closedAfterMs: number | undefined }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = '';
    let lastByteMs = performance.now();
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ text, closedAfterMs: undefined });
    }, limitMs);
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(head));
    socket.on('data', (part) => {
      text += part;
      lastByteMs = performance.now();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ text, closedAfterMs: performance.now() - lastByteMs });
    });
  });
}

/** Connection handling: what is said about it, and how long an unused connection is kept. */
export async function connections({ url }: Target): Promise<Sight> {
  const host = new URL(url).host;
  const seen = async (head: string, limitMs: number): Promise<string> => {
    const { text, closedAfterMs } = await exchangeRaw(url, head, limitMs);
    const status = text.slice(0, text.indexOf('\r\n'));
    const said = /^connection: *(.*)$/im.exec(text)?.[1]?.trim().toLowerCase() ?? 'nothing';
    const closed =
      closedAfterMs === undefined
        ? 'stays open'
        : closedAfterMs < 1000
          ? 'closes'
          : closedAfterMs < 6500
            ? 'closes after 5 to 6 s'
            : 'closes later';
    return `${status}, connection: ${said}, ${closed}`;
  };
  return {
    'idle connection': await seen(`GET /v1/models HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 12_000),
    'Connection: close': await seen(`GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 12_000),
    'HTTP/1.0': await seen(`GET /v1/models HTTP/1.0\r\nHost: ${host}\r\n\r\n`, 12_000),
  };
}

/** SIGTERM while a stream runs. `terminate` sends it, `ended` tells how the program went. Comes last: the engine is gone after. */
export async function termination(target: Target, terminate: () => void, ended: Promise<number | string>): Promise<Sight> {
  const { url, signal } = target;
  const stream = open(url, longBody('to the end', true, 1500));
  await waitForLoad(target, 'one running request', (load) => load.num_running_reqs === 1);
  terminate();
  await pause(300, undefined, { signal });
  const sight: Record<string, string> = {};
  for (const path of ['/health', '/ready', '/ping', '/v1/models']) {
    const one = { ...post(path, path, {}), method: 'GET', body: undefined, headers: {} };
    sight[`after SIGTERM: GET ${path}`] = (await observe(url, one, LIMIT_MS, signal)).status;
  }
  const more = post('more', '/generate', { text: 'one more', sampling_params: { max_new_tokens: 4, ignore_eos: true } });
  sight['after SIGTERM: a new request'] = String((await send(url, more, LIMIT_MS, signal)).status);
  sight['after SIGTERM: the running stream'] = await stream.ended;
  const startMs = performance.now();
  const code = await Promise.race([ended, pause(60_000, 'still there', { ref: false })]);
  const tookMs = performance.now() - startMs;
  sight['after SIGTERM: the end'] =
    `exit ${code}, ${tookMs < 15_000 ? 'within 15 s of the last answer' : 'later than 15 s after the last answer'}`;
  return sight;
}
