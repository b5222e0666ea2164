/**
 * A worker that speaks HTTP/1.1 over a real socket, byte by byte as a test says.
 *
 *   const worker = await ScriptedWorker.start(t);
 *   worker.script = async (call) => { await call.body(); call.write(sseHead()); ... };
 *   ... the client asks ...
 *   const call = await worker.next();      // the next request, in order of arrival
 *
 * Probes and questions of the router itself (GET without x-request-id) are answered beside the scripts and not recorded.
 */

import { once } from 'node:events';
import net from 'node:net';
import { resetSocket } from '../../src/router/proxy/client/reset-socket.ts';
import { MessageReader } from './message-reader.ts';
import type { Owner } from './owner.ts';
import { type Gate, gate, until, within } from './until.ts';

/** Called when the head of a request is whole. The next request of the connection waits for its end. */
export type Script = (call: Call) => void | Promise<void>;

/** Status and JSON body of the answer to a probe of the router. */
export interface ProbeAnswer {
  readonly status: number;
  readonly body?: string;
}

export class WorkerConnection {
  readonly socket: net.Socket;
  /** How it ended: by FIN from the router, by reset, or by this side. */
  readonly closed: Promise<'fin' | 'reset' | 'local'>;
  /** Requests seen on it, probes included. */
  requests = 0;
  isOpen = true;
  /** The request under way. */
  call: Call | null = null;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    let how: 'fin' | 'reset' | 'local' = 'local';
    socket.on('end', () => {
      how = 'fin';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      how = error.code === 'EPIPE' ? 'fin' : 'reset';
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isOpen = false;
        resolve(how);
      });
    });
  }
}

export class ConnectionEnded extends Error {}

export class Call {
  readonly message: MessageReader = new MessageReader('request');
  readonly connection: WorkerConnection;
  /** Opened with the whole body. */
  readonly whole: Gate<Buffer> = gate<Buffer>();
  /** Bytes of the body so far. */
  bodyBytes = 0;

  constructor(connection: WorkerConnection) {
    this.connection = connection;
  }

  get method(): string {
    return this.message.firstLine.split(' ')[0] ?? '';
  }

  get target(): string {
    return this.message.firstLine.split(' ')[1] ?? '';
  }

  /** Value of a header field that is there at most once. */
  header(name: string): string | undefined {
    return this.message.get(name);
  }

  /** The whole body, de-chunked. Rejects with ConnectionEnded when the connection ends first; a script need not catch that. */
  body(): Promise<Buffer> {
    const ended = this.connection.closed.then(() => {
      if (!this.message.done) throw new ConnectionEnded();
      return this.message.body;
    });
    return within(Promise.race([this.whole.promise, ended]), `the body of ${this.message.firstLine}`);
  }

  /** Strings are latin1. Resolves when the bytes have left this process. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.connection.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => resolve());
    });
  }

  /** One chunk of a chunked answer. */
  chunk(payload: string | Buffer): Promise<void> {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    return this.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
  }

  /** FIN after what was written. */
  finish(): void {
    this.connection.socket.end();
  }

  destroy(): void {
    this.connection.socket.destroy();
  }

  reset(): void {
    this.connection.socket.resetAndDestroy();
  }

  /** The router has closed this connection, or this side has. */
  get closed(): Promise<'fin' | 'reset' | 'local'> {
    return within(this.connection.closed, `the end of the worker's connection of ${this.message.firstLine}`);
  }

  /** Never: for a script that leaves the request without an answer. */
  forever(): Promise<void> {
    return this.connection.closed.then(() => {});
  }
}

/** Of workers started so far, whatever the test: names in error messages. */
export class ScriptedWorker {
  script: Script = answerJson;
  /** Answer to a probe, by path (query cut off). Default: 200 for /ready and /health, 404 elsewhere. null: none */
  probe: (path: string, call: Call) => ProbeAnswer | null = (path) => ({ status: path === '/ready' || path === '/health' ? 200 : 404 });
  /** All requests but probes, in order of arrival. */
  readonly calls: Call[] = [];
  readonly connections: WorkerConnection[] = [];
  probes = 0;
  #taken = 0;
  #server: net.Server | null = null;
  #port = 0;
  readonly #host: string;
  readonly #failures: unknown[] = [];

  constructor(host: string) {
    this.#host = host;
  }

  /** Listens, and is closed when the test ends. */
  static async start(t: Owner, script?: Script, host = '127.0.0.1'): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker(host);
    if (script !== undefined) worker.script = script;
    await worker.listen();
    t.after(() => worker.kill());
    return worker;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  get openSockets(): number {
    return this.connections.filter((connection) => connection.isOpen).length;
  }

  /** Connections with a request that is not answered. */
  get busySockets(): number {
    return this.connections.filter((connection) => connection.isOpen && connection.call !== null).length;
  }

  /** Listens, on the port that it had before if it had one. */
  async listen(): Promise<void> {
    const server = net.createServer({ allowHalfOpen: false, noDelay: true }, (socket) => this.#accept(socket));
    server.listen(this.#port, this.#host);
    await once(server, 'listening');
    this.#port = (server.address() as net.AddressInfo).port; // A TCP server's address has a port.
    this.#server = server;
  }

  /** Accepts nothing any more; connections stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** As a killed process: the port is closed and every connection is reset. Throws what a script threw. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    const closed = server === null ? null : once(server, 'close');
    server?.close();
    for (const { socket } of this.connections) if (!socket.destroyed) resetSocket(socket);
    await closed;
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** The next request that no `next` has returned yet; its head is whole, its body may be on its way. */
  async next(): Promise<Call> {
    const index = this.#taken++;
    await until(() => this.calls.length > index, `request ${index + 1} at the worker`);
    return this.calls[index]!; // There are more than `index`.
  }

  /** Closes connections that wait for a request, as an engine does after its keep-alive time. */
  closeIdle(): void {
    for (const connection of this.connections) if (connection.isOpen && connection.call === null) connection.socket.end();
  }

  #accept(socket: net.Socket): void {
    const connection = new WorkerConnection(socket);
    this.connections.push(connection);
    let pending: Buffer = Buffer.alloc(0);
    let isRunning = false;
    let call: Call | null = null;
    const step = (): void => {
      while (pending.length > 0) {
        // A call that is whole waits for its answer: what follows is the next request.
        if (call?.message.done === true) return;
        call ??= new Call(connection);
        const { message } = call;
        const hadHead = message.headDone;
        const partsBefore = message.rawBody.length;
        let used = 0;
        try {
          used = message.feed(pending);
        } catch (error) {
          this.#failures.push(error);
          socket.destroy();
          return;
        }
        pending = pending.subarray(used);
        for (let i = partsBefore; i < message.rawBody.length; i++) call.bodyBytes += message.rawBody[i]!.length;
        if (message.done) call.whole.open(message.body);
        if (!hadHead && message.headDone) run(call);
      }
    };
    const run = (started: Call): void => {
      if (isRunning) throw new Error('two requests at once on one connection');
      isRunning = true;
      connection.requests++;
      connection.call = started;
      this.#run(started)
        .then(() => (started.message.done || !connection.isOpen ? undefined : Promise.race([started.whole.promise, connection.closed])))
        .catch((error: unknown) => {
          if (!(error instanceof ConnectionEnded)) this.#failures.push(error);
        })
        .finally(() => {
          isRunning = false;
          connection.call = null;
          call = null;
          step();
        });
    };
    socket.on('data', (data: Buffer) => {
      pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
      step();
    });
  }

  async #run(call: Call): Promise<void> {
    if (call.method === 'GET' && call.header('x-request-id') === undefined) {
      this.probes++;
      const reply = this.probe(call.target.split('?', 1)[0] ?? '', call);
      if (reply === null) return call.forever();
      const { status, body = '' } = reply;
      await call.write(`HTTP/1.1 ${status} Probe\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    this.calls.push(call);
    await this.script(call);
  }
}

/** The default script: waits for the whole body, answers 200 with a small JSON object. */
export async function answerJson(call: Call): Promise<void> {
  await call.body();
  await call.write(jsonAnswer({ ok: true }));
}

/** A whole answer with Content-Length. */
export function answer(status: number, fields: Readonly<Record<string, string>>, body: string | Buffer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Status'}\r\n${lines.join('')}content-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

export function jsonAnswer(value: unknown, status = 200): Buffer {
  return answer(status, { 'content-type': 'application/json' }, JSON.stringify(value));
}

/** Head of a chunked event stream. */
export function sseHead(): string {
  return 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';
}

/** A whole chunked event stream, one chunk per event, without trailers. */
export function sseAnswer(events: readonly string[]): Buffer {
  const chunks = events.map((event) => {
    const data = `data: ${event}\n\n`;
    return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
  });
  return Buffer.from(`${sseHead()}${chunks.join('')}0\r\n\r\n`);
}

/** End of a chunked answer. */
export const LAST_CHUNK = '0\r\n\r\n';
