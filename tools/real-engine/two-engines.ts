/** Two real engines behind one router: streams are spread over both, and the death of one harms only its own streams. */

import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { post } from './case.ts';
import { observe } from './observe.ts';
import type { Program } from './processes.ts';
import type { Row, Table } from './report.ts';
import { MODEL, type Stage } from './stage.ts';

const STREAMS = 24;
const AT_ONCE = 6;
const TOKENS = 40;
const LIMIT_MS = 60_000;
const SECOND_DEATH_MS = 10_000;

interface Stream {
  /** `complete` (ends with [DONE]), `error event, cut`, `cut`, or the HTTP status if it is not 200. */
  readonly end: string;
  /** Of the last event that told them. */
  readonly completionTokens: number;
}

function readStream(url: string, path: string, body: object, signal: AbortSignal): Promise<Stream> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const outgoing = request(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
      signal: limit,
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve({ end: error.code ?? error.message, completionTokens: 0 }));
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
      });
      incoming.on('error', () => {
        // `close` follows and tells that it was cut.
      });
      incoming.on('close', () => {
        const counts = [...text.matchAll(/"completion_tokens":(\d+)/g)].map((match) => Number(match[1]));
        const isDone = incoming.complete && text.endsWith('data: [DONE]\n\n');
        const hasError = /^data: \{"error"/m.test(text) || /^event: error/m.test(text);
        const end = isDone ? 'complete' : `${hasError ? 'error event, ' : ''}${incoming.complete ? 'ends without [DONE]' : 'cut'}`;
        resolve({ end: incoming.statusCode === 200 ? end : `status ${incoming.statusCode}`, completionTokens: counts.at(-1) ?? 0 });
      });
    });
    outgoing.end(JSON.stringify(body));
  });
}

/** /generate and chat in turns, each with a prompt of its own. */
function stream(url: string, i: number, tokens: number, signal: AbortSignal): Promise<Stream> {
  const sampling = { max_new_tokens: tokens, temperature: 0, ignore_eos: true };
  if (i % 2 === 0) return readStream(url, '/generate', { text: `${i} of the streams`, stream: true, sampling_params: sampling }, signal);
  const chat = {
    model: MODEL,
    messages: [{ role: 'user', content: `${i} of the streams` }],
    max_tokens: tokens,
    temperature: 0,
    ignore_eos: true,
  };
  return readStream(url, '/v1/chat/completions', { ...chat, stream: true, stream_options: { include_usage: true } }, signal);
}

/** Generated tokens that an engine has counted in its life. */
async function generatedTokens({ url }: Program, signal: AbortSignal): Promise<number> {
  const reply = await fetch(`${url}/metrics`, { signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]) });
  const lines = (await reply.text()).split('\n').filter((line) => line.startsWith('sglang:generation_tokens_total{'));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function spread(engines: readonly Program[], url: string, signal: AbortSignal): Promise<{ ends: Stream[]; tokens: number[] }> {
  const before = await Promise.all(engines.map((engine) => generatedTokens(engine, signal)));
  const ends: Stream[] = [];
  for (let first = 0; first < STREAMS; first += AT_ONCE) {
    ends.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => stream(url, first + i, TOKENS, signal)))));
  }
  const startMs = performance.now();
  for (;;) {
    const after = await Promise.all(engines.map((engine) => generatedTokens(engine, signal)));
    const tokens = after.map((count, i) => count - before[i]!);
    // The counters follow the answers at some distance.
    if (tokens.reduce((a, b) => a + b) >= STREAMS * TOKENS || performance.now() - startMs > 10_000) return { ends, tokens };
    await pause(250, undefined, { signal });
  }
}

function row(name: string, answer: string, complaints: readonly (string | false)[]): Row {
  return { name, answer, cells: [{ explainedBy: [], unexplained: complaints.filter((one) => one !== false) }] };
}

export async function twoEngines(stage: Stage, signal: AbortSignal): Promise<Table> {
  const engines = await Promise.all([stage.engine('engine 1'), stage.engine('engine 2')]);
  const router = await stage.router(
    'router of two engines',
    engines.map((engine) => engine.url),
  );
  const rows: Row[] = [];

  const both = await spread(engines, router.url, signal);
  const bad = both.ends.filter(({ end, completionTokens }) => end !== 'complete' || completionTokens !== TOKENS);
  rows.push(
    row(`${STREAMS} streams of ${TOKENS} tokens, ${AT_ONCE} at a time`, `${STREAMS - bad.length} complete with all their tokens`, [
      bad.length > 0 && `incomplete: ${JSON.stringify(bad)}`,
    ]),
    row('tokens generated by engine 1 and engine 2', both.tokens.join(' and '), [
      both.tokens.some((count) => count < (STREAMS * TOKENS) / 4) && `not spread: ${both.tokens.join(' and ')}`,
    ]),
  );

  const long = Array.from({ length: 4 }, (_, i) => stream(router.url, i, 1000, signal));
  await pause(1500, undefined, { signal });
  const deadly = post('a token that does not exist', '/generate', { input_ids: [999_999], sampling_params: { max_new_tokens: 4 } });
  const answer = await observe(router.url, deadly, LIMIT_MS, signal);
  const ends = (await Promise.all(long)).map(({ end }) => end).sort();
  // Long enough for a second engine to die, had the request gone there too.
  await pause(SECOND_DEATH_MS, undefined, { signal });
  const alive = engines.filter((engine) => engine.child.exitCode === null && engine.child.signalCode === null).length;
  const whole = ends.filter((end) => end === 'complete').length;
  const cut = ends.filter((end) => end === 'error event, cut').length;
  rows.push(
    row('a token that does not exist kills its engine', `${answer.status}; engines left: ${alive}`, [
      answer.status !== '502' && `the answer was ${answer.status} ${answer.raw}`,
      alive !== 1 && `${alive} engines are left`,
    ]),
    row('four streams at that time', ends.join('; '), [
      whole + cut !== 4 && `an end of a third kind: ${ends.join('; ')}`,
      whole === 0 && 'no stream of the other engine came to its end',
      cut === 0 && 'no stream was on the engine that died',
    ]),
  );
  const after = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => stream(router.url, i, TOKENS, signal)));
  const later = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => stream(router.url, i, TOKENS, signal)));
  const served = [...after, ...later].filter(({ end }) => end === 'complete').length;
  rows.push(
    row(`${AT_ONCE} streams right after, then ${AT_ONCE} more`, `${served} complete`, [
      served !== 2 * AT_ONCE && `${JSON.stringify([...after, ...later].map(({ end }) => end))}`,
    ]),
  );
  return { title: 'Two engines behind one router', columns: ['as it must be'], rows, agreed: 'yes' };
}
