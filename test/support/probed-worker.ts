/** A worker as the control plane sees it: a real HTTP server whose answers by path can be changed, and which can go and come back. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../src/base/core/clock.ts';
import { parseWorkerAddress, type WorkerAddress } from '../../src/base/core/worker-address.ts';
import { realClock } from '../../src/base/runtime/clock.ts';

export type Answer = number | object | 'hang' | 'reset';

export class ProbedWorker {
  /** By path; other paths are 404. An object is sent as JSON with status 200. */
  readonly answers = new Map<string, Answer>();
  /** By path, milliseconds before its answer. */
  readonly delaysMs = new Map<string, number>();
  /** Path and headers of every request, in order. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  readonly #host: string;
  #port: number;
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();

  readonly #clock: Clock;

  /** `answers`: pairs of path and answer. `clock`: of the delays. `at`: where it listens; on any free port if left out. */
  constructor(
    answers: readonly (readonly [string, Answer])[] = [['/ready', 200]],
    clock: Clock = realClock,
    at: Pick<WorkerAddress, 'host' | 'port'> = { host: '127.0.0.1', port: 0 },
  ) {
    this.#host = at.host;
    this.#port = at.port;
    this.#clock = clock;
    for (const [path, answer] of answers) this.answers.set(path, answer);
  }

  /** A port is known after the first `listen`. */
  get address(): WorkerAddress {
    const parsed = parseWorkerAddress(`http://${this.#host}:${this.#port}`);
    if (!parsed.ok) throw new Error('the worker has never listened');
    return parsed.address;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Listens; on the same port as before if it has listened before. */
  async listen(): Promise<this> {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      this.requests.push({ path, headers: request.headers });
      const delayMs = this.delaysMs.get(path) ?? 0;
      if (delayMs === 0) this.#answer(path, response);
      else this.#clock.after(delayMs, () => this.#answer(path, response));
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, this.#host);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port; // A TCP server's address has a port.
    this.#server = server;
    return this;
  }

  /** As a killed process: the port is closed and every connection is reset. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #answer(path: string, response: ServerResponse): void {
    const answer = this.answers.get(path) ?? 404;
    if (answer === 'hang') return;
    if (answer === 'reset') {
      response.socket?.resetAndDestroy();
      return;
    }
    response.statusCode = typeof answer === 'number' ? answer : 200;
    response.end(typeof answer === 'number' ? '' : JSON.stringify(answer));
  }
}
