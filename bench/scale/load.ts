/** Clients of the scale benchmark: requests as fast as they are answered, and many streams at once. */
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { requestBytes } from '../../test/support/raw-client.ts';

const PLAIN = requestBytes({ path: '/generate', body: JSON.stringify({ text: `hello ${'x'.repeat(1400)}`, stream: false }) });
const STREAM = requestBytes({ path: '/generate', body: JSON.stringify({ text: 'hello', stream: true }) });
/** One in every event. */
const MARK = 0x7e;
const STREAM_END = '[DONE]\n\n\r\n0\r\n\r\n';
/** Connections that are opened in one go. */
const BURST = 100;
const BURST_MS = 50;

export interface Requests {
  readonly done: number;
  readonly errors: number;
}

/** `connections` clients, each with one request after the other, for this time. */
export async function sendRequests(port: number, connections: number, ms: number): Promise<Requests> {
  const counts = { done: 0, errors: 0 };
  const untilMs = performance.now() + ms;
  await Promise.all(Array.from({ length: connections }, () => sendOnOne(port, untilMs, counts)));
  return counts;
}

function sendOnOne(port: number, untilMs: number, counts: { done: number; errors: number }): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('connect', () => socket.write(PLAIN));
    socket.on('data', (data: Buffer) => {
      // The answers are shorter than a packet.
      if (data.toString('latin1', 0, 15) === 'HTTP/1.1 200 OK') counts.done++;
      else counts.errors++;
      if (performance.now() < untilMs) socket.write(PLAIN);
      else socket.destroy();
    });
    socket.on('error', () => counts.errors++);
    socket.on('close', () => resolve());
  });
}

export class Streams {
  /** Streams that ended as they should, and those that did not. */
  whole = 0;
  broken = 0;
  open = 0;
  readonly #events: number;
  readonly #port: number;
  #over: () => void = () => {};
  readonly #settled: Promise<void>;
  readonly #count: number;

  constructor(port: number, count: number, events: number) {
    this.#port = port;
    this.#count = count;
    this.#events = events;
    this.#settled = new Promise((resolve) => {
      this.#over = resolve;
    });
  }

  /** Resolves when all have been asked for. */
  async start(): Promise<void> {
    for (let i = 0; i < this.#count; i++) {
      this.#open();
      if (i % BURST === BURST - 1) await pause(BURST_MS);
    }
  }

  /** Resolves when every stream has ended, after `limitMs` at the latest. */
  async settled(limitMs: number): Promise<void> {
    const late = new AbortController();
    await Promise.race([this.#settled, pause(limitMs, undefined, { signal: late.signal })]);
    late.abort();
  }

  #open(): void {
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.open++;
    let events = 0;
    let isWhole = false;
    let hasHead = false;
    socket.on('connect', () => socket.write(STREAM));
    socket.on('data', (data: Buffer) => {
      hasHead ||= data.toString('latin1', 0, 15) === 'HTTP/1.1 200 OK';
      for (let at = data.indexOf(MARK); at >= 0; at = data.indexOf(MARK, at + 1)) events++;
      if (!data.toString('latin1', Math.max(0, data.length - STREAM_END.length)).endsWith(STREAM_END)) return;
      isWhole = hasHead && events === this.#events;
      socket.destroy();
    });
    // `close` follows every error.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.open--;
      if (isWhole) this.whole++;
      else this.broken++;
      if (this.whole + this.broken === this.#count) this.#over();
    });
  }
}
