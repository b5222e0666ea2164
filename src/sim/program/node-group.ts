/**
 * The nodes of one engine. The first listens at the init address and waits for the others, which keep a connection to it while
 * they run.
 *
 *   others:  rank N ->        first, when all are connected:  go ->    first, at its end:  bye ->
 *
 * If a connection ends without `bye`, the first node has crashed. If the connection of another node ends, that node has crashed.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../base/core/clock.ts';

export interface MeetingPoint {
  readonly host: string;
  readonly port: number;
}

/** The longest line of the protocol is a rank. A peer that sends more is not a node. */
const MOST_CHARACTERS = 64;
const RETRY_MS = 200;

/** The first node's side. */
export class FirstNode {
  /** Called when another node is lost. Set it before `meet`. */
  onLost: (rank: number) => void = () => {};
  readonly #server: Server;
  /** By rank. */
  readonly #others = new Map<number, Socket>();
  readonly #visitors = new Set<Socket>();
  #isClosed = false;
  #isComplete: () => void = () => {};

  constructor() {
    this.#server = createServer((socket) => this.#visited(socket));
  }

  /** Resolves when `others` nodes are connected. Rejects if the address is taken, or if they do not connect in time. */
  async meet(at: MeetingPoint, others: number, clock: Clock, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(at.port, at.host, resolve);
    });
    await new Promise<void>((resolve, reject) => {
      const late = clock.after(timeoutMs, () => {
        const missing = Array.from({ length: others }, (_, i) => i + 1).filter((rank) => !this.#others.has(rank));
        reject(new Error(`nodes ${missing.join(', ')} have not come to ${at.host}:${at.port} within ${timeoutMs / 1000} s`));
      });
      this.#isComplete = () => {
        if (this.#others.size < others) return;
        late.cancel();
        resolve();
      };
    });
    for (const socket of this.#others.values()) socket.write('go\n');
  }

  /** With `isOrderly`, tells the others that the engine ended on request; else their connections break. */
  async close(isOrderly: boolean): Promise<void> {
    this.#isClosed = true;
    const sockets = [...this.#visitors];
    const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    for (const socket of sockets) {
      if (isOrderly) socket.end('bye\n');
      else socket.destroy();
      // A peer that does not close its end is not a node.
      socket.setTimeout(1000, () => socket.destroy());
    }
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
    await closed;
  }

  #visited(socket: Socket): void {
    let text = '';
    let rank = 0;
    this.#visitors.add(socket);
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text = (text + piece).slice(0, MOST_CHARACTERS);
      const found = /^rank (\d+)\n/.exec(text);
      if (found === null || rank > 0) return;
      rank = Number(found[1]);
      this.#others.set(rank, socket);
      this.#isComplete();
    });
    socket.on('error', () => {
      // 'close' follows.
    });
    socket.on('close', () => {
      this.#visitors.delete(socket);
      if (this.#others.get(rank) !== socket) return;
      this.#others.delete(rank);
      if (!this.#isClosed) this.onLost(rank);
    });
  }
}

/** How the first node left: with `bye`, or without. */
export type FirstNodeEnd = 'ended' | 'lost';

/** Another node's side. */
export class OtherNode {
  /** Resolves when all nodes are connected. Rejects if they are not in time. */
  readonly met: Promise<void>;
  /** Resolves when the first node is gone, or after `close`. */
  readonly gone: Promise<FirstNodeEnd>;
  readonly #at: MeetingPoint;
  readonly #rank: number;
  readonly #clock: Clock;
  #socket: Socket | null = null;
  #isOver = false;
  #isMet = false;
  #setMet: () => void = () => {};
  #failMet: (error: Error) => void = () => {};
  #setGone: (how: FirstNodeEnd) => void = () => {};

  constructor(at: MeetingPoint, rank: number, clock: Clock, timeoutMs: number) {
    this.#at = at;
    this.#rank = rank;
    this.#clock = clock;
    this.met = new Promise((resolve, reject) => {
      this.#setMet = resolve;
      this.#failMet = reject;
    });
    this.gone = new Promise((resolve) => {
      this.#setGone = resolve;
    });
    const late = clock.after(timeoutMs, () => {
      this.#isOver = true;
      this.#socket?.destroy();
      this.#failMet(new Error(`the first node has not come to ${at.host}:${at.port} within ${timeoutMs / 1000} s`));
    });
    this.met.then(
      () => late.cancel(),
      () => late.cancel(),
    );
    this.#connect();
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.destroy();
    this.#setGone('ended');
  }

  #connect(): void {
    if (this.#isOver) return;
    const socket = connect(this.#at);
    this.#socket = socket;
    let text = '';
    let hasBye = false;
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`rank ${this.#rank}\n`));
    socket.on('data', (piece: string) => {
      text = (text + piece).slice(0, MOST_CHARACTERS);
      hasBye ||= text.includes('bye\n');
      if (!text.startsWith('go\n') || this.#isMet) return;
      this.#isMet = true;
      this.#setMet();
    });
    socket.on('error', () => {
      // 'close' follows.
    });
    socket.on('close', () => {
      if (this.#isOver) return;
      if (this.#isMet || hasBye) this.#setGone(hasBye ? 'ended' : 'lost');
      else this.#clock.after(RETRY_MS, () => this.#connect());
    });
  }
}
