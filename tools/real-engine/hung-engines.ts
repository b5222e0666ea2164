/** Two real engines behind one router: a scheduler that hangs and runs again, a long silent computation, and a pause of both engines. */
import { setTimeout as pause } from 'node:timers/promises';
import { post } from './case.ts';
import { observe } from './observe.ts';
import type { Program } from './processes.ts';
import type { Row, Table } from './report.ts';
import type { Stage } from './stage.ts';
import { signalFreezer } from './standstill.ts';
import { row } from './streams.ts';

/** Of one request: silence, a failed /health, and the computation on a machine that is busy with two engines. */
const LIMIT_MS = 180_000;
const FOUND_MS = 60_000;
const BACK_MS = 5000;
/** Longer than a /health takes to fail, so that it marks the engines. */
const PAUSED_MS = 30_000;
const REQUESTS = 12;

interface Shown {
  readonly url: string;
  readonly phase: string;
}

/** A router and what it says of its workers. */
class Watched {
  readonly #url: string;
  readonly #signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Statuses of so many plain requests at once, and how long the last one took. */
  async ask(count: number, tokens: number): Promise<{ statuses: string; tookMs: number }> {
    const startMs = performance.now();
    const sampling = { max_new_tokens: tokens, temperature: 0, ignore_eos: true };
    const bodies = Array.from({ length: count }, (_, i) => post('plain', '/generate', { text: `${i} of them`, sampling_params: sampling }));
    const seen = await Promise.all(bodies.map((body) => observe(this.#url, body, LIMIT_MS, this.#signal)));
    const counts = new Map<string, number>();
    for (const { status } of seen) counts.set(status, (counts.get(status) ?? 0) + 1);
    return { statuses: [...counts].map(([status, times]) => `${times} x ${status}`).join(', '), tookMs: performance.now() - startMs };
  }

  async phases(): Promise<readonly Shown[]> {
    const reply = await fetch(`${this.#url}/workers`, { signal: this.#signal });
    return ((await reply.json()) as { workers: Shown[] }).workers;
  }

  /** How long it takes until the workers are in these phases; -1: longer than `limitMs`. */
  async until(isWanted: (workers: readonly Shown[]) => boolean, limitMs: number): Promise<number> {
    const startMs = performance.now();
    while (!isWanted(await this.phases())) {
      if (performance.now() - startMs > limitMs) return -1;
      await pause(50, undefined, { signal: this.#signal });
    }
    return performance.now() - startMs;
  }

  /** Sum of a metric over its labels. */
  async count(metric: string): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`, { signal: this.#signal })).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const areReady = (workers: readonly Shown[]): boolean => workers.every(({ phase }) => phase === 'ready');

async function hang(watched: Watched, engine: Program): Promise<Row[]> {
  const freezer = signalFreezer(engine.child.pid ?? 0);
  const isHung = (workers: readonly Shown[]): boolean => workers.some(({ url, phase }) => url === engine.url && phase === 'hung');
  await freezer.freeze();
  try {
    const foundIn = watched.until(isHung, FOUND_MS);
    const moved = await watched.ask(REQUESTS, 20);
    const foundMs = await foundIn;
    const later = await watched.ask(REQUESTS, 20);
    await freezer.thaw();
    const backMs = await watched.until(areReady, 30_000);
    const after = await watched.ask(REQUESTS, 20);
    return [
      row('SIGSTOP of a scheduler: found hung after', seconds(foundMs), [foundMs < 0 && `not within ${seconds(FOUND_MS)}`]),
      row(`${REQUESTS} requests at that time`, `${moved.statuses}; the last after ${seconds(moved.tookMs)}`, [
        moved.statuses !== `${REQUESTS} x 200` && 'not all were answered',
      ]),
      row(`${REQUESTS} requests afterwards`, `${later.statuses}; the last after ${seconds(later.tookMs)}`, [
        later.statuses !== `${REQUESTS} x 200` && 'not all were answered',
        later.tookMs > 10_000 && 'they waited for the engine that hangs',
      ]),
      row('SIGCONT: used again after', seconds(backMs), [(backMs < 0 || backMs > BACK_MS) && `not within ${seconds(BACK_MS)}`]),
      row(`${REQUESTS} requests afterwards`, after.statuses, [after.statuses !== `${REQUESTS} x 200` && 'not all were answered']),
    ];
  } finally {
    await freezer.thaw();
  }
}

async function compute(watched: Watched): Promise<Row[]> {
  const before = await watched.count('smg_worker_hung_total');
  const long = await watched.ask(REQUESTS, 1500);
  const hung = (await watched.count('smg_worker_hung_total')) - before;
  return [
    row(`${REQUESTS} plain requests of 1,500 tokens: no byte until the end`, `${long.statuses}; the last after ${seconds(long.tookMs)}`, [
      long.statuses !== `${REQUESTS} x 200` && 'not all were answered',
      hung > 0 && 'an engine that computes was taken for hung',
    ]),
  ];
}

async function pauseBoth(watched: Watched, engines: readonly Program[], signal: AbortSignal): Promise<Row[]> {
  const tell = (path: string, body: object): Promise<unknown> =>
    Promise.all(engines.map(({ url }) => observe(url, post('tell', path, body), LIMIT_MS, signal)));
  const [hungBefore, retriesBefore] = [await watched.count('smg_worker_hung_total'), await watched.count('smg_worker_retries_total')];
  const running = watched.ask(REQUESTS, 400);
  await pause(500, undefined, { signal });
  await tell('/pause_generation', { mode: 'in_place' });
  const unreadyMs = await watched.until((workers) => workers.every(({ phase }) => phase === 'unready'), PAUSED_MS);
  const late = watched.ask(REQUESTS, 20);
  await pause(PAUSED_MS, undefined, { signal });
  const phases = (await watched.phases()).map(({ phase }) => phase).join(', ');
  await tell('/continue_generation', {});
  const backMs = await watched.until(areReady, 30_000);
  const [ran, held] = [await running, await late];
  const hung = (await watched.count('smg_worker_hung_total')) - hungBefore;
  const retries = (await watched.count('smg_worker_retries_total')) - retriesBefore;
  return [
    row('pause of both engines: both unready after', seconds(unreadyMs), [unreadyMs < 0 && 'not within the pause']),
    row('phases at its end', phases, [phases.includes('hung') && 'a paused engine was taken for hung']),
    row('requests that ran, and requests that came meanwhile', `${ran.statuses}; ${held.statuses}; ${retries} retries, ${hung} hung`, [
      (ran.statuses !== `${REQUESTS} x 200` || held.statuses !== `${REQUESTS} x 200`) && 'not all were answered',
      retries + hung > 0 && 'something was sent again',
    ]),
    row('continue: both used again after', seconds(backMs), [(backMs < 0 || backMs > BACK_MS) && `not within ${seconds(BACK_MS)}`]),
  ];
}

export async function hungEngines(stage: Stage, signal: AbortSignal): Promise<Table> {
  const engines = await Promise.all([stage.engine('engine 1'), stage.engine('engine 2')]);
  const urls = engines.map((engine) => engine.url);
  const router = await stage.routerWith('router of two engines', ['--metrics-path', '/metrics', '--worker-urls', ...urls]);
  const watched = new Watched(router.url, signal);
  await watched.until(areReady, 30_000);
  const rows = [
    ...(await compute(watched)),
    ...(await hang(watched, engines[0]!)), // Two were started.
    ...(await pauseBoth(watched, engines, signal)),
  ];
  return { title: 'Engines that hang and engines that are paused, behind one router', columns: ['as it must be'], rows, agreed: 'yes' };
}
