/** What a large fleet and many streams cost one router. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from '../../test/soak/memory.ts';
import type { Owner } from '../../test/support/owner.ts';
import { ask } from '../../test/support/raw-client.ts';
import { usedMs } from '../modes/process-cost.ts';
import { Streams, sendRequests } from './load.ts';
import { MeasuredRouter, startWorkers } from './router.ts';

export interface ScaleOptions {
  readonly workers: number;
  readonly streams: number;
  /** Length of each stream. */
  readonly streamSecs: number;
  readonly rounds: number;
  readonly policies: readonly string[];
  /** Of one measurement of CPU time. */
  readonly windowMs: number;
  /** Until memory is read. */
  readonly settleMs: number;
  /** For files of this run. */
  readonly directory: string;
  readonly owner: Owner;
  readonly say: (line: string) => void;
}

export interface Cost {
  readonly policy: string;
  /** CPU time of the router per request, us, median over the rounds. */
  readonly fewUs: number;
  readonly manyUs: number;
  /** Median over the rounds of many / few, each pair of windows right after each other. */
  readonly ratio: number;
  readonly requests: number;
  readonly errors: number;
}

export interface StreamFigures {
  readonly whole: number;
  readonly broken: number;
  /** RSS of the router, bytes: with 8 workers, with all, after each has served, and with the streams. */
  readonly fewBytes: number;
  readonly manyBytes: number;
  readonly servedBytes: number;
  readonly streamingBytes: number;
  /** GET /workers while the streams run, ms: median and longest. */
  readonly listMs: number;
  readonly listMaxMs: number;
  readonly scrapes: number;
  /** Bytes of the page of metrics. */
  readonly pageBytes: number;
  /** Longest turn of the event loop while the streams run and metrics and workers are asked for, ms of CPU. */
  readonly turnMs: number;
}

export interface Verdict {
  readonly isRight: boolean;
  readonly text: string;
}

const FEW = 8;
const CONNECTIONS = 32;
const GAP_MS = 1000;
const QUESTIONS = 10;
const MAX_RATIO = 1.5;
const MAX_LIST_MS = 50;
const MAX_TURN_MS = 50;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

interface Window {
  readonly us: number;
  readonly done: number;
  readonly errors: number;
}

async function measureWindow({ port, pid }: MeasuredRouter, windowMs: number): Promise<Window> {
  const before = usedMs([pid]);
  const { done, errors } = await sendRequests(port, CONNECTIONS, windowMs);
  return { us: ((usedMs([pid]) - before) * 1000) / done, done, errors };
}

/** The same requests through a router of few workers and one of many, in turns. */
export async function measureCost({ owner, policies, rounds, windowMs, say, ...options }: ScaleOptions): Promise<readonly Cost[]> {
  const urls = await startWorkers(owner, options.workers, { events: 1, gapMs: GAP_MS });
  const costs: Cost[] = [];
  for (const policy of policies) {
    const few = await MeasuredRouter.start(owner, urls.slice(0, FEW), ['--policy', policy], null);
    const many = await MeasuredRouter.start(owner, urls, ['--policy', policy], null);
    // Every worker has a connection, and the code is warm.
    for (const router of [few, many]) await sendRequests(router.port, CONNECTIONS, 2 * windowMs);
    const windows: { few: Window; many: Window }[] = [];
    for (let round = 0; round < rounds; round++) {
      windows.push({ few: await measureWindow(few, windowMs), many: await measureWindow(many, windowMs) });
    }
    const all = windows.flatMap((one) => [one.few, one.many]);
    const cost: Cost = {
      policy,
      fewUs: median(windows.map((one) => one.few.us)),
      manyUs: median(windows.map((one) => one.many.us)),
      ratio: median(windows.map((one) => one.many.us / one.few.us)),
      requests: all.reduce((sum, { done }) => sum + done, 0),
      errors: all.reduce((sum, { errors }) => sum + errors, 0),
    };
    const us = (value: number): string => `${value.toFixed(1)} us`;
    say(`${policy}: ${us(cost.fewUs)} of CPU per request with ${FEW} workers, ${us(cost.manyUs)} with ${options.workers}`);
    costs.push(cost);
    for (const { program } of [few, many]) {
      program.child.kill('SIGKILL');
      await program.exit();
    }
  }
  return costs;
}

/** Resident memory when the router has been quiet for a moment. */
async function settledBytes({ pid }: MeasuredRouter, settleMs: number): Promise<number> {
  await pause(settleMs);
  return residentBytes(pid);
}

export async function measureStreams({ owner, directory, windowMs, settleMs, say, ...options }: ScaleOptions): Promise<StreamFigures> {
  const events = options.streamSecs;
  const urls = await startWorkers(owner, options.workers, { events, gapMs: GAP_MS });
  const few = await MeasuredRouter.start(owner, urls.slice(0, FEW), [], null);
  const fewBytes = await settledBytes(few, settleMs);
  few.program.child.kill('SIGKILL');
  const router = await MeasuredRouter.start(owner, urls, ['--policy', 'round_robin'], join(directory, 'turns'));
  const manyBytes = await settledBytes(router, settleMs);
  await sendRequests(router.port, CONNECTIONS, 2 * windowMs);
  const servedBytes = await settledBytes(router, settleMs);
  const streams = new Streams(router.port, options.streams, events);
  await streams.start();
  const streamingSinceMs = Date.now();
  await pause(settleMs);
  const lists: number[] = [];
  let pageBytes = 0;
  for (let i = 0; i < QUESTIONS; i++) {
    const startMs = performance.now();
    const { json } = await ask(router.port, { path: '/workers' });
    lists.push(performance.now() - startMs);
    if ((json() as { total: number }).total !== options.workers) throw new Error('GET /workers does not list all workers');
    pageBytes = (await ask(router.port, { path: '/metrics' })).body.length;
    await pause(200);
  }
  if (streams.open < options.streams) throw new Error(`${streams.open} streams are open: raise --seconds`);
  const streamingBytes = residentBytes(router.pid);
  await streams.settled(2 * events * GAP_MS);
  const turnMs = router.longestTurnMs(streamingSinceMs);
  say(`${options.streams} streams of ${events} events: ${streams.whole} whole; page of metrics ${(pageBytes / 2 ** 20).toFixed(1)} MiB`);
  return {
    ...{ whole: streams.whole, broken: streams.broken, fewBytes, manyBytes, servedBytes, streamingBytes },
    ...{ listMs: median(lists), listMaxMs: Math.max(...lists), scrapes: QUESTIONS, pageBytes, turnMs },
  };
}

export function verdicts({ workers, streams }: ScaleOptions, costs: readonly Cost[], figures: StreamFigures): readonly Verdict[] {
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  const { whole, broken, fewBytes, manyBytes, servedBytes, streamingBytes, listMs, listMaxMs, turnMs, scrapes } = figures;
  const idle = (manyBytes - fewBytes) / (workers - FEW);
  const served = (servedBytes - fewBytes) / (workers - FEW);
  return [
    ...costs.map(({ policy, ratio, errors, requests, fewUs, manyUs }) => ({
      isRight: ratio <= MAX_RATIO && errors === 0 && requests > 0,
      text: `${policy}: a request costs ${ratio.toFixed(2)} times that of ${FEW} workers (${fewUs.toFixed(1)} -> ${manyUs.toFixed(1)} us), ${errors} errors in ${requests}`,
    })),
    { isRight: broken === 0 && whole === streams, text: `${streams} streams at once: ${whole} whole, ${broken} broken` },
    { isRight: true, text: `memory per worker: ${kib(idle)}, ${kib(served)} once it has served` },
    { isRight: true, text: `memory per stream: ${kib((streamingBytes - servedBytes) / streams)}` },
    { isRight: listMs < MAX_LIST_MS, text: `GET /workers: ${listMs.toFixed(1)} ms, ${listMaxMs.toFixed(1)} ms at most` },
    { isRight: turnMs < MAX_TURN_MS, text: `longest turn of the loop during ${scrapes} scrapes: ${turnMs.toFixed(1)} ms of CPU` },
  ];
}
