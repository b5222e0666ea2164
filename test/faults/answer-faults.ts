/** Faults of one answer: the first request (or every one) meets an engine that misbehaves, the others are well. */
import { answer, type Call, type Script, sseHead } from '../support/scripted-worker.ts';
import { CELLS, SINGLE } from './cell.ts';
import { goodPlain, goodStream, isStreamCall, partOf } from './engines.ts';
import type { Fault } from './fault.ts';
import type { Scene } from './scene.ts';

const EVERY = Number.POSITIVE_INFINITY;
const SOON_MS = 3000;
/** The client has what was written before the connection breaks. */
const BREATH_MS = 50;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for the whole request, then `does`. */
const afterBody =
  (does: (call: Call) => void | Promise<void>): Script =>
  async (call) => {
    await call.body();
    await does(call);
  };

const status = (code: number, fields: Readonly<Record<string, string>> = {}): Script =>
  afterBody((call) => call.write(answer(code, { 'content-type': 'application/json', ...fields }, '{"error":{"message":"scripted"}}')));

/** Part of a good answer, then `then`. */
const midBody = (then: (call: Call) => void | Promise<void>): Script =>
  afterBody(async (call) => {
    await call.write(partOf((await isStreamCall(call)) ? goodStream : goodPlain, 0.5));
    await pause(BREATH_MS);
    await then(call);
  });

const strikes =
  (fault: Script, times: number): Fault['play'] =>
  async (scene) => {
    scene.strike(fault, times);
    return (await scene.ask()).text;
  };

/** A decode engine has nothing to say before prefill has computed. */
function decodeWaits(scene: Scene): void {
  if (scene.cell.startsWith('prefill')) scene.partner = (call) => call.forever();
}

/** Nothing of the answer has gone to the client, so another worker gets the request. */
const REPEATED = { right: '200 whole', cells: CELLS, withinMs: SOON_MS, isFast: true } as const;
/** The client has part of the answer: it must see that the rest is missing. */
const CUT = {
  withinMs: SOON_MS,
  isFast: true,
  cells: [...SINGLE, 'decode plain', 'decode stream'],
  right: { plain: '200 cut', 'decode plain': '200 cut', else: '200 cut call_upstream_cut' },
} as const;

export const ANSWER_FAULTS: readonly Fault[] = [
  {
    ...REPEATED,
    name: 'none',
    why: 'The matrix must not see faults where there are none.',
    play: strikes(
      afterBody(() => {}),
      0,
    ),
  },
  {
    ...REPEATED,
    name: 'reset before head',
    why: 'A retry cannot be seen before the first byte.',
    play: strikes((call) => call.reset(), 1),
  },
  {
    ...REPEATED,
    isFast: false,
    name: 'close before head',
    why: 'As a reset.',
    play: strikes(
      afterBody((call) => call.finish()),
      1,
    ),
  },
  {
    ...REPEATED,
    name: 'garbage in place of a head',
    why: 'The worker is at fault, not the request.',
    play: strikes(
      afterBody((call) => call.write('HTTQ/1.1 200 OK\r\n\r\n')),
      1,
    ),
  },
  {
    ...REPEATED,
    name: 'two framings',
    why: 'Content-Length beside Transfer-Encoding leaves open where the response ends (RFC 9112 6.3): no client gets it.',
    play: strikes(
      afterBody((call) => call.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n')),
      1,
    ),
  },
  ...([500, 502, 503, 504, 429] as const).map(
    (code): Fault => ({
      ...REPEATED,
      isFast: code === 500,
      name: `${code} once`,
      why: code === 429 || code === 503 ? 'Another worker has room.' : 'Another worker may be well.',
      play: strikes(status(code), 1),
    }),
  ),
  {
    name: '500 from every worker',
    cells: CELLS,
    isFast: true,
    right: '500 whole, 2 attempts',
    why: 'Two workers answered 500: the request is to blame. A third attempt would spread the harm.',
    withinMs: SOON_MS,
    play: async (scene) => {
      scene.strike(status(500), EVERY);
      return `${(await scene.ask()).text}, ${scene.struck} attempts`;
    },
  },
  {
    name: '429 from every worker',
    cells: CELLS,
    isFast: true,
    right: '429 whole, retry-after 7',
    why: 'Every worker asked for patience: the client gets the last answer at once, and decides itself.',
    withinMs: SOON_MS,
    play: async (scene) => {
      scene.strike(status(429, { 'retry-after': '7' }), EVERY);
      const { text, retryAfter } = await scene.ask();
      return `${text}, retry-after ${retryAfter}`;
    },
  },
  {
    name: '4xx storm',
    cells: CELLS,
    isFast: true,
    right: '400 whole, then 200 whole',
    why: 'A bad request says nothing about the worker: no retry, no worker set aside, no breaker.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const requests = 25;
      scene.strike(status(400), EVERY);
      const storm = await scene.askTimes(requests);
      const repeated = scene.struck - requests;
      scene.strike(status(400), 0);
      return `${storm}${repeated === 0 ? '' : ` (${repeated} repeated)`}, then ${await scene.askTimes(4)}`;
    },
  },
  {
    name: 'slow before head',
    cells: CELLS,
    isFast: false,
    right: '200 whole, 1 attempt',
    why: 'A slow worker computes. A second attempt would double its load.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const slow = afterBody(async (call) => {
        await pause(300);
        await call.write((await isStreamCall(call)) ? goodStream : goodPlain);
      });
      scene.strike(slow, EVERY);
      const { text } = await scene.ask();
      return `${text}, ${scene.struck} attempt`;
    },
  },
  {
    ...CUT,
    name: 'reset mid-body',
    why: 'A cut response must not look whole. A stream says why.',
    play: strikes(
      midBody((call) => call.reset()),
      1,
    ),
  },
  {
    ...CUT,
    isFast: false,
    name: 'truncated chunk',
    why: 'As a reset.',
    play: strikes(
      midBody((call) => call.finish()),
      1,
    ),
  },
  {
    ...CUT,
    name: 'garbage mid-stream',
    cells: ['stream', 'decode stream'],
    right: '200 cut call_upstream_malformed',
    why: 'Bytes that are no chunk end the response; the error event names the cause.',
    play: strikes(
      afterBody(async (call) => {
        await call.write(sseHead());
        await call.chunk('data: 1\n\n');
        await pause(BREATH_MS);
        await call.write('no size\r\n');
      }),
      1,
    ),
  },
  {
    name: 'poison',
    cells: CELLS,
    isFast: true,
    workers: 3,
    right: '502 request_lost_workers, 2 attempts',
    why: 'Two workers died with the request: a third one does not get it.',
    withinMs: SOON_MS,
    play: async (scene) => {
      decodeWaits(scene);
      const die = afterBody(async (call) => {
        const engine = scene.engines.find(({ calls }) => calls.includes(call));
        if (engine === undefined) throw new Error('a request at no engine');
        await engine.worker.kill();
      });
      scene.strike(die, EVERY);
      return `${(await scene.ask()).text}, ${scene.struck} attempts`;
    },
  },
  {
    name: 'hang before head',
    cells: CELLS,
    isFast: true,
    right: '504 call_upstream_timeout',
    why: 'The worker answers its probes, so that it may compute: only --request-timeout-secs ends the request.',
    withinMs: SOON_MS,
    flags: () => ['--request-timeout-secs', '1'],
    play: async (scene) => {
      decodeWaits(scene);
      scene.strike(
        afterBody((call) => call.forever()),
        EVERY,
      );
      return (await scene.ask()).text;
    },
  },
  {
    ...CUT,
    name: 'silence mid-body',
    right: { plain: '200 cut', 'decode plain': '200 cut', else: '200 cut call_upstream_timeout' },
    why: 'A worker that began a response and stops is given up after --stream-idle-timeout-secs.',
    flags: () => ['--stream-idle-timeout-secs', '0.5'],
    play: strikes(
      midBody((call) => call.forever()),
      1,
    ),
  },
];
