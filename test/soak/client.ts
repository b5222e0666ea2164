/** One client of the soak: one request after the other, on a connection that it keeps for several of them. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Rng } from '../../src/base/core/rng.ts';
import { wordsOf } from '../faults/outcome.ts';
import { MessageReader } from '../support/message-reader.ts';
import { requestBytes } from '../support/raw-client.ts';
import { bodyOf, drawManner, drawPlan, type Manner, type Plan, wholeBody } from './plan.ts';

/** What became of one request. */
export interface Seen {
  readonly plan: Plan;
  readonly bodyBytes: number;
  /** As in the fault matrix (outcome.ts), or `left`: the client went away. */
  readonly words: string;
  /** The engine that answered; null: no head of an engine came. */
  readonly engine: number | null;
  readonly startMs: number;
  readonly endMs: number;
}

export interface ClientSettings {
  readonly port: number;
  readonly rng: Rng;
  readonly name: string;
  /** Numbers of the engines that a fault can strike. */
  readonly engines: readonly number[];
  /** A request without an outcome after this time is `silent`. */
  readonly patienceMs: number;
}

/** One of this many requests ends its connection. */
const REQUESTS_PER_CONNECTION = 6;
const THINK_MS = 60;

export class SoakClient {
  readonly #settings: ClientSettings;
  readonly #note: (seen: Seen) => void;
  #socket: net.Socket | null = null;

  constructor(settings: ClientSettings, note: (seen: Seen) => void) {
    this.#settings = settings;
    this.#note = note;
  }

  /** Until this time of performance.now(). */
  async run(untilMs: number): Promise<void> {
    const { rng, name, engines } = this.#settings;
    for (let i = 0; performance.now() < untilMs; i++) {
      const plan = drawPlan(rng, `${name}-${i}`, engines);
      this.#note(await this.#ask(plan, drawManner(rng)));
      if (rng.below(REQUESTS_PER_CONNECTION) === 0) this.#drop();
      await pause(rng.below(THINK_MS));
    }
    this.#drop();
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #connect(): net.Socket {
    const socket = net.connect({ port: this.#settings.port, host: '127.0.0.1', noDelay: true });
    // `close` follows every error, and is enough.
    socket.on('error', () => {});
    this.#socket = socket;
    return socket;
  }

  async #ask(plan: Plan, manner: Manner): Promise<Seen> {
    const startMs = performance.now();
    const body = bodyOf(plan, manner);
    const seen = (words: string, engine: number | null): Seen => {
      if (!words.startsWith('200 whole')) this.#drop();
      return { plan, bodyBytes: body.length, words, engine, startMs, endMs: performance.now() };
    };
    const socket = this.#socket ?? this.#connect();
    const reader = new MessageReader('response', 'POST');
    const end = ended(socket, reader, manner, this.#settings.patienceMs);
    socket.write(requestBytes({ path: '/generate', body }));
    const how = await end;
    if (how === 'left') return seen('left', null);
    if (how === 'silent') return seen('silent', null);
    const number = reader.headDone ? reader.get('x-soak-engine') : undefined;
    const isLast = reader.headDone && reader.get('connection')?.toLowerCase() === 'close';
    if (isLast || how === 'closed') this.#drop();
    return seen(
      wordsOf(reader, (got) => got.toString() === wholeBody(plan)),
      number === undefined ? null : Number(number),
    );
  }
}

type End = 'done' | 'closed' | 'left' | 'silent';

/** Feeds the reader until the response is whole, the connection ends or the client has had enough. */
async function ended(socket: net.Socket, reader: MessageReader, manner: Manner, patienceMs: number): Promise<End> {
  const stop = new AbortController();
  const { signal } = stop;
  const done = new Promise<End>((resolve) => {
    const onData = (data: Buffer): void => {
      const hadHead = reader.headDone;
      reader.feed(data);
      if (reader.done) resolve('done');
      else if (!hadHead && reader.headDone && manner.pausesMs > 0) {
        socket.pause();
        setTimeout(() => socket.resume(), manner.pausesMs);
      }
    };
    socket.on('data', onData);
    signal.addEventListener('abort', () => socket.off('data', onData));
  });
  const closed = once(socket, 'close', { signal }).then(
    (): End => 'closed',
    (): End => 'closed',
  );
  const after = (ms: number, what: End): Promise<End> => pause(ms, what, { signal }).catch(() => what);
  const waits = [done, closed, after(patienceMs, 'silent')];
  if (manner.leavesAfterMs !== null) waits.push(after(manner.leavesAfterMs, 'left'));
  try {
    return await Promise.race(waits);
  } finally {
    stop.abort();
  }
}
