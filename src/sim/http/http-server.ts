/** The sockets of one engine, which behave as uvicorn's. Owns the listener, the connections, and the dispatch to handlers. */

import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createListener, type Server, type Socket } from 'node:net';
import type { Engine } from '../engine/engine.ts';
import type { FaultRule } from '../engine/faults.ts';
import { Answer } from './answer.ts';
import type { Call, RouteTable } from './call.ts';
import { findSlashRedirect } from './slash-redirect.ts';

const HEAD_BYTES = 65_536;

export class SimHttpServer {
  readonly #engine: Engine;
  readonly #routes: RouteTable;
  readonly #http: HttpServer;
  /** Open connections with the number of their unanswered requests. */
  readonly #sockets = new Map<Socket, number>();
  #listener: Server | null = null;
  #port = 0;

  constructor(engine: Engine, routes: RouteTable) {
    this.#engine = engine;
    this.#routes = routes;
    // Node's keep-alive timeout waits a second longer than its setting; see #countRequest.
    this.#http = createServer({ maxHeaderSize: HEAD_BYTES, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
    this.#http.on('request', (request, response) => this.#received(request, response));
    this.#http.on('clientError', (_error, socket) => {
      if (!socket.writable) {
        socket.destroy();
        return;
      }
      socket.end(
        'HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\nInvalid HTTP request received.',
      );
    });
  }

  get port(): number {
    return this.#port;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Accepts connections, on the same port when called again. Rejects if the port is taken. */
  listen(): Promise<void> {
    const listener = createListener({ noDelay: true }, (socket) => this.#connected(socket));
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.#port === 0 ? this.#engine.options.port : this.#port, this.#engine.options.host, () => {
        const address = listener.address();
        if (address !== null && typeof address === 'object') this.#port = address.port;
        listener.off('error', reject);
        resolve();
      });
    });
  }

  /** Refuses new connections; open ones continue. */
  stopListening(): void {
    this.#listener?.close();
    this.#listener = null;
  }

  get isListening(): boolean {
    return this.#listener !== null;
  }

  /** Closes all connections. Resolves when no socket is left. */
  async close(): Promise<void> {
    this.stopListening();
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.#http.close();
    while (this.#sockets.size > 0) await new Promise((resolve) => [...this.#sockets.keys()][0]?.once('close', resolve));
  }

  #connected(socket: Socket): void {
    this.#sockets.set(socket, 0);
    socket.on('close', () => this.#sockets.delete(socket));
    this.#http.emit('connection', socket);
  }

  /** An idle connection times out; Node then closes it. */
  #countRequest(socket: Socket, change: number): void {
    const open = (this.#sockets.get(socket) ?? 0) + change;
    if (!this.#sockets.has(socket)) return;
    this.#sockets.set(socket, open);
    socket.setTimeout(open > 0 ? 0 : Math.max(1, this.#engine.options.keepAliveSecs * 1000));
  }

  #received(request: IncomingMessage, response: ServerResponse): void {
    const answer = new Answer(request, response, this.#engine.clock);
    this.#countRequest(request.socket, 1);
    answer.onDone(() => this.#countRequest(request.socket, -1));
    const { path, query } = splitTarget(request.url ?? '/');
    const isAdmin = path.startsWith('/sim/');
    if (!isAdmin) {
      this.#engine.traffic.saw(path);
      answer.onDone((status) => this.#engine.traffic.answered(status));
    }
    const pieces: Buffer[] = [];
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > this.#engine.options.maxBodyBytes) {
        pieces.length = 0;
        answer.json(413, JSON.stringify({ detail: 'Request body too large' }));
        return;
      }
      pieces.push(piece);
    });
    request.on('end', () => {
      if (bytes > this.#engine.options.maxBodyBytes) return;
      // A dead engine accepts connections and answers nothing until its process ends.
      if (this.#engine.state === 'dead' && !isAdmin) return;
      const struck = isAdmin ? [] : this.#engine.faults.strike(path);
      const call: Call = {
        engine: this.#engine,
        answer,
        method: request.method ?? 'GET',
        path,
        query,
        contentType: request.headers['content-type'],
        body: Buffer.concat(pieces),
        prepareJob: (job) => {
          for (const fault of struck) if (fault.kind === 'abort') job.abortAfter(Math.max(0, fault.afterTokens));
          for (const fault of this.#engine.faults.strikePair(path)) job.strikeAtKv(fault);
        },
      };
      this.#strike(call, struck, 0, request);
    });
  }

  /** Applies the faults from `at` on in order, then handles the call if they allow it. */
  #strike(call: Call, struck: readonly FaultRule[], at: number, request: IncomingMessage): void {
    const fault = struck[at];
    if (fault === undefined) {
      this.#handle(call, request);
      return;
    }
    const { answer } = call;
    switch (fault.kind) {
      case 'delay': {
        const timer = this.#engine.clock.after(fault.delayMs, () => this.#strike(call, struck, at + 1, request));
        answer.onGone(() => timer.cancel());
        return;
      }
      case 'hang':
        return;
      case 'status':
        answer.send(fault.status, fault.body, fault.headers['content-type'] ?? 'application/json', withoutType(fault.headers));
        return;
      case 'garbage':
        answer.sendGarbage(fault.body === '' ? 'this is not HTTP\r\n\r\n' : fault.body);
        return;
      case 'reset':
      case 'cut':
        if (fault.afterTokens < 0) {
          answer.destroy(fault.kind === 'reset');
          return;
        }
        answer.strikeWith({ kind: fault.kind, afterTokens: fault.afterTokens, durationMs: 0 });
        break;
      case 'stall':
        answer.strikeWith({ kind: 'stall', afterTokens: Math.max(0, fault.afterTokens), durationMs: fault.durationMs });
        break;
      case 'abort':
      case 'refuse':
      case 'freeze':
        break;
      case 'die':
        this.#engine.die(0);
        return;
    }
    this.#strike(call, struck, at + 1, request);
  }

  #handle(call: Call, request: IncomingMessage): void {
    const { answer, method, path } = call;
    if (!this.#mayEnter(request, path)) {
      answer.json(401, JSON.stringify({ error: 'Unauthorized' }));
      return;
    }
    const methods = this.#routes.find(path);
    if (methods === null) {
      const location = findSlashRedirect(this.#routes, request, path);
      if (location === null) answer.json(404, '{"detail":"Not Found"}');
      else answer.send(307, '', null, [['location', location]]);
      return;
    }
    const handler = methods[method];
    if (handler === undefined) {
      answer.json(405, '{"detail":"Method Not Allowed"}', [['allow', Object.keys(methods).join(', ')]]);
      return;
    }
    try {
      handler(call);
    } catch {
      // The real engine answers an uncaught exception like this, and logs it.
      answer.crashed();
    }
  }

  #mayEnter(request: IncomingMessage, path: string): boolean {
    const { apiKey } = this.#engine.options;
    if (apiKey === '' || path.startsWith('/health') || path.startsWith('/metrics') || path.startsWith('/sim/')) return true;
    return request.headers.authorization === `Bearer ${apiKey}`;
  }
}

function withoutType(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers).filter(([name]) => name !== 'content-type');
}

function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const start = /^https?:\/\/[^/?]*/i.exec(target)?.[0].length ?? 0;
  const at = target.indexOf('?', start);
  return { path: target.slice(start, at < 0 ? target.length : at) || '/', query: new URLSearchParams(at < 0 ? '' : target.slice(at + 1)) };
}
