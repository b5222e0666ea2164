/** Two real engines behind one router: one is drained and comes back, one is killed and restarted, and a request kills both. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { post } from './case.ts';
import { observe } from './observe.ts';
import { findFreePort, type Program } from './processes.ts';
import type { Row, Table } from './report.ts';
import type { Stage } from './stage.ts';
import { LIMIT_MS, readStream, row, type Stream } from './streams.ts';

const LONG_TOKENS = 600;
const SHORT_TOKENS = 20;
const AT_ONCE = 4;
/** A worker that is back is used within 2 s; the rest is a machine whose cores compute tokens. */
const USED_MS = 4000;
const POLL_MS = 50;
const LOG_MS = 5000;

interface Listed {
  readonly url: string;
  readonly is_healthy: boolean;
}

class Fleet {
  readonly #router: Program;
  readonly #signal: AbortSignal;
  #prompts = 0;

  constructor(router: Program, signal: AbortSignal) {
    this.#router = router;
    this.#signal = signal;
  }

  /** Streams with prompts that no other has. */
  streams(count: number, tokens: number): Promise<Stream>[] {
    return Array.from({ length: count }, () => {
      const sampling = { max_new_tokens: tokens, temperature: 0, ignore_eos: true };
      const body = { text: `${this.#prompts++} is the number`, stream: true, sampling_params: sampling };
      return readStream(this.#router.url, '/generate', body, this.#signal);
    });
  }

  async ends(streams: readonly Promise<Stream>[]): Promise<string[]> {
    return (await Promise.all(streams)).map(({ end }) => end).sort();
  }

  async change(method: 'POST' | 'DELETE', url: string): Promise<number> {
    const path = method === 'POST' ? '/workers' : `/workers/${encodeURIComponent(url)}`;
    const body = method === 'POST' ? { body: JSON.stringify({ url }) } : {};
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(this.#router.url + path, { method, headers, ...body, signal: this.#signal });
    await reply.arrayBuffer();
    return reply.status;
  }

  async #list(): Promise<readonly Listed[]> {
    const reply = await fetch(`${this.#router.url}/workers`, { signal: this.#signal });
    return ((await reply.json()) as { workers: Listed[] }).workers;
  }

  /** Milliseconds until the list of workers is so. */
  async until(isSo: (workers: readonly Listed[]) => boolean, what: string): Promise<number> {
    const startMs = performance.now();
    while (!isSo(await this.#list())) {
      if (performance.now() - startMs > LIMIT_MS) throw new Error(`waited in vain: ${what}`);
      await pause(POLL_MS, undefined, { signal: this.#signal });
    }
    return performance.now() - startMs;
  }

  untilUsed(url: string): Promise<number> {
    return this.until((workers) => workers.some((one) => one.url === url && one.is_healthy), `the router to use ${url}`);
  }
}

const allComplete = (ends: readonly string[]): boolean => ends.every((end) => end === 'complete');
const ms = (value: number): string => `${Math.round(value)} ms`;

async function drain(fleet: Fleet, { url }: Program, signal: AbortSignal): Promise<Row[]> {
  const long = fleet.streams(2 * AT_ONCE, LONG_TOKENS);
  await pause(1500, undefined, { signal });
  const status = await fleet.change('DELETE', url);
  const during = await fleet.ends(fleet.streams(AT_ONCE, SHORT_TOKENS));
  const ends = await fleet.ends(long);
  const goneMs = await fleet.until((workers) => workers.every((one) => one.url !== url), 'the drained worker to leave the list');
  await fleet.change('POST', url);
  const usedMs = await fleet.untilUsed(url);
  return [
    row('streams while their engine is drained', `${ends.length} complete`, [
      status !== 202 && `DELETE answered ${status}`,
      !allComplete(ends) && ends.join('; '),
    ]),
    row('streams that begin meanwhile', `${during.length} complete`, [!allComplete(during) && during.join('; ')]),
    row('after its last stream the worker is gone in', ms(goneMs), []),
    row('added again, it is used after', ms(usedMs), [usedMs > USED_MS && 'too late']),
  ];
}

async function restart(fleet: Fleet, engine: Program, again: () => Promise<Program>, signal: AbortSignal): Promise<Row[]> {
  const long = fleet.streams(2 * AT_ONCE, LONG_TOKENS);
  await pause(1500, undefined, { signal });
  if (engine.child.pid === undefined) throw new Error('the engine has no process');
  process.kill(-engine.child.pid, 'SIGKILL');
  const during = await fleet.ends(fleet.streams(AT_ONCE, SHORT_TOKENS));
  const ends = await fleet.ends(long);
  const cut = ends.filter((end) => end === 'error event, cut').length;
  const whole = ends.filter((end) => end === 'complete').length;
  const { startedInMs } = await again();
  const usedMs = await fleet.untilUsed(engine.url);
  const after = await fleet.ends(fleet.streams(2 * AT_ONCE, SHORT_TOKENS));
  return [
    row('streams while one engine is killed', `${whole} complete, ${cut} cut with an error event`, [
      whole + cut !== ends.length && ends.join('; '),
      whole === 0 && 'no stream of the other engine came to its end',
      cut === 0 && 'no stream was on the engine that was killed',
    ]),
    row('streams that begin right after', `${during.length} complete`, [!allComplete(during) && during.join('; ')]),
    row('the engine is up again after', ms(startedInMs), []),
    row('from then on the router uses it after', ms(usedMs), [usedMs > USED_MS && 'too late']),
    row('streams after that', `${after.length} complete`, [!allComplete(after) && after.join('; ')]),
  ];
}

/** The router writes its log a moment later. */
async function namesPoison({ logFile }: Program, signal: AbortSignal): Promise<boolean> {
  const untilMs = performance.now() + LOG_MS;
  while (!readFileSync(logFile, 'utf8').includes('two workers were lost while they worked on one request')) {
    if (performance.now() > untilMs) return false;
    await pause(POLL_MS, undefined, { signal });
  }
  return true;
}

/** With retries the deadly request goes to a second engine, and would go to a third one if the router did not stop it. */
async function poison(router: Program, engines: readonly Program[], signal: AbortSignal): Promise<Row[]> {
  const startMs = performance.now();
  const deadly = post('a token that does not exist', '/generate', { input_ids: [999_999], sampling_params: { max_new_tokens: 4 } });
  const answer = await observe(router.url, deadly, LIMIT_MS, signal);
  const tookMs = performance.now() - startMs;
  await Promise.all(engines.map(({ ended }) => ended));
  const isNamed = await namesPoison(router, signal);
  return [
    row('a request that kills its engine, with retries', `${answer.status} after ${ms(tookMs)}`, [
      answer.status !== '502' && `the answer was ${answer.status} ${answer.raw}`,
      !answer.raw.includes('request_lost_workers') && `not named: ${answer.raw}`,
    ]),
    row('the log of the router', 'names it', [!isNamed && 'the log does not name the request']),
  ];
}

export async function restarts(stage: Stage, signal: AbortSignal): Promise<Table> {
  const ports = [await findFreePort(), await findFreePort()] as const;
  const [one, two] = await Promise.all([stage.engine('engine 1', ports[0]), stage.engine('engine 2', ports[1])]);
  const flags = ['--policy', 'round_robin', '--health-check-interval-secs', '2', '--log-format', 'json'];
  const router = await stage.routerWith('router of engines that restart', [...flags, '--worker-urls', one.url, two.url]);
  const fleet = new Fleet(router, signal);
  await fleet.untilUsed(one.url);
  await fleet.untilUsed(two.url);
  const rows = await drain(fleet, one, signal);
  let again: Program = two;
  const startAgain = async (): Promise<Program> => {
    again = await stage.engine('engine 2, again', ports[1]);
    return again;
  };
  rows.push(...(await restart(fleet, two, startAgain, signal)));
  rows.push(...(await poison(router, [one, again], signal)));
  return { title: 'Two engines that are drained, restarted and poisoned', columns: ['as it must be'], rows, agreed: 'yes' };
}
