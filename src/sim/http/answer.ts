/** One HTTP answer of the engine, with the headers that uvicorn sends. Scripted faults strike it here. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/core/clock.ts';
import type { StreamFault } from '../engine/faults.ts';

/** If the socket holds more unsent bytes than this, token events are skipped until it has drained; the next event has all tokens. */
const MOST_UNSENT_BYTES = 65_536;

export type HeaderList = readonly (readonly [string, string])[];

export class Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #goneListeners: (() => void)[] = [];
  readonly #doneListeners: ((status: number) => void)[] = [];
  #fault: StreamFault | null = null;
  #events = 0;
  /** Events held back by a stall; null when none is under way. */
  #held: string[] | null = null;
  #endHeld = false;
  #status = 0;
  #isOver = false;
  /** A fault has cut it; nothing more is written. */
  #isCut = false;
  #isGone = false;

  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock) {
    this.#request = request;
    this.#response = response;
    this.#clock = clock;
    response.on('close', () => this.#closed());
    response.on('error', () => {
      // The socket broke while writing; 'close' follows and settles.
    });
  }

  /** The client left, or a fault cut the connection, before the answer was complete. */
  get isGone(): boolean {
    return this.#isGone;
  }

  get isBlocked(): boolean {
    return this.#response.writableLength > MOST_UNSENT_BYTES;
  }

  /** Calls `run` when the client leaves before the end; at once if it has. */
  onGone(run: () => void): void {
    if (this.#isGone) run();
    else this.#goneListeners.push(run);
  }

  /** Calls `run` once when the answer has ended in any way, with its status (0: no head was sent). */
  onDone(run: (status: number) => void): void {
    this.#doneListeners.push(run);
  }

  strikeWith(fault: StreamFault): void {
    this.#fault = fault;
  }

  json(status: number, text: string, headers: HeaderList = []): void {
    this.send(status, text, 'application/json', headers);
  }

  /** A whole answer; `contentType` null leaves the field out. */
  send(status: number, body: string | Buffer, contentType: string | null, headers: HeaderList = [], withVary = true): void {
    if (this.#isEnded) return;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const fields: [string, string][] = [['content-length', String(length)]];
    if (contentType !== null) fields.push(['content-type', contentType]);
    this.#head(status, [...fields, ...headers], withVary);
    if (this.#fault !== null && this.#fault.kind !== 'stall') {
      this.#response.write(Buffer.from(body).subarray(0, length >> 1));
      this.#cut();
      return;
    }
    this.#isOver = true;
    this.#response.end(body);
  }

  /** uvicorn's answer to an uncaught exception. */
  crashed(): void {
    this.send(500, 'Internal Server Error', 'text/plain; charset=utf-8', [], false);
  }

  /** Sends the head of a stream, once. */
  startStream(headers: HeaderList = [], contentType = 'text/event-stream; charset=utf-8'): void {
    if (this.#isEnded || this.#status !== 0) return;
    this.#head(200, [['content-type', contentType], ...headers, ['transfer-encoding', 'chunked']], true);
    this.#response.flushHeaders();
  }

  /** One SSE event, as one chunk. */
  event(data: string, name: string | null = null): void {
    this.chunk(name === null ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`);
    this.#events++;
  }

  chunk(text: string): void {
    if (this.#isEnded) return;
    if (this.#held !== null) {
      this.#held.push(text);
      return;
    }
    if (this.#fault !== null && this.#events >= this.#fault.afterTokens) {
      const fault = this.#fault;
      this.#fault = null;
      if (fault.kind !== 'stall') {
        this.#fault = fault;
        this.#cut();
        return;
      }
      this.#held = [text];
      this.#clock.after(fault.durationMs, () => this.#release());
      return;
    }
    this.#response.write(text);
  }

  endStream(): void {
    if (this.#held !== null) {
      this.#endHeld = true;
      return;
    }
    if (this.#isEnded) return;
    this.#isOver = true;
    this.#response.end();
  }

  /** Breaks the connection: `reset` with RST, else with FIN. */
  destroy(reset: boolean): void {
    const socket = this.#request.socket;
    if (reset) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Bytes that are not HTTP, then the end of the connection. */
  sendGarbage(bytes: string): void {
    this.#request.socket.end(bytes);
  }

  #head(status: number, fields: HeaderList, withVary: boolean): void {
    const response = this.#response;
    this.#status = status;
    response.sendDate = false;
    const all: string[] = ['date', new Date(this.#clock.wallMs()).toUTCString(), 'server', 'uvicorn'];
    for (const [name, value] of fields) all.push(name, value);
    if (withVary) all.push('vary', 'Origin');
    const keeps = response.shouldKeepAlive && this.#request.httpVersion === '1.1';
    // uvicorn names the connection only when it closes it; Node would add Connection and Keep-Alive to every answer.
    if (!keeps) {
      response.shouldKeepAlive = false;
      all.push('connection', 'close');
    } else if (!fields.some(([name]) => name === 'connection')) response.removeHeader('connection');
    response.writeHead(status, all);
  }

  get #isEnded(): boolean {
    return this.#isOver || this.#isGone || this.#isCut;
  }

  #cut(): void {
    this.#isCut = true;
    const reset = this.#fault?.kind === 'reset';
    // What was written goes out before a FIN; a RST throws unsent bytes away, so it waits for the write as well.
    this.#response.socket?.write('', () => this.destroy(reset));
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const text of held) this.chunk(text);
    if (this.#endHeld) this.endStream();
  }

  #closed(): void {
    if (!this.#isOver || !this.#response.writableFinished) this.#isGone = true;
    for (const run of this.#doneListeners.splice(0)) run(this.#status);
    if (this.#isGone) for (const run of this.#goneListeners.splice(0)) run();
  }
}
