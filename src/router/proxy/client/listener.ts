/** The listening socket and its connections: accepts up to a limit, drains, and ends. */
import type net from 'node:net';
import type { Clock } from '../../../base/core/clock.ts';
import type { ErrorCode } from '../../../base/core/errors.ts';
import { LinkedList } from '../../../base/core/linked-list.ts';
import type { Logger } from '../../../base/core/logger.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import { ClientConnection } from './connection.ts';
import type { ConnectionHost, ConnectionParts } from './connection-host.ts';
import type { MakeServer } from './make-server.ts';
import type { ServedRequest } from './served-request.ts';
import { errorResponse, lastAnswerFrame } from './whole-answer.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What becomes of requests. */
export interface RequestServer {
  open(connection: ClientConnection, head: RequestHead): ServedRequest | null;
  /** A request was refused before its head was valid. */
  refused(code: ErrorCode): void;
}

export interface ListenerParts extends ConnectionParts {
  readonly makeServer: MakeServer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Number of connections now. */
  readonly connectionsActive: { value: number };
}

export class ClientListener implements ConnectionHost<ClientConnection> {
  draining = false;
  readonly #parts: ListenerParts;
  readonly #requests: RequestServer;
  readonly #server: net.Server;
  readonly #connections = new LinkedList<ClientConnection>();
  #onEmpty: (() => void) | null = null;

  constructor(requests: RequestServer, parts: ListenerParts) {
    this.#requests = requests;
    this.#parts = parts;
    this.#server = parts.makeServer((socket) => this.#accept(socket));
  }

  /** Resolves when connections are accepted; rejects with Node's error (EADDRINUSE, EACCES, ENOTFOUND ...). */
  listen(host: string, port: number): Promise<Address> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (err) => this.#parts.logger.error({ err }, 'the listening socket failed'));
        const address = this.#server.address() as net.AddressInfo;
        resolve({ host: address.address, port: address.port });
      });
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Stops accepting, waits at most `graceMs` for requests under way, and closes the rest. Resolves with the number of connections that
   * had to be cut.
   */
  async close(graceMs: number): Promise<number> {
    this.draining = true;
    this.#server.close();
    for (const connection of this.#connections.list()) connection.drain();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#parts.clock.after(graceMs, resolve);
        this.#onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    const cut = this.#connections.list();
    for (const connection of cut) connection.destroy();
    return cut.length;
  }

  /** Ends the wait of `close` now. */
  hurry(): void {
    this.#onEmpty?.();
  }

  open(connection: ClientConnection, head: RequestHead): ServedRequest | null {
    return this.#requests.open(connection, head);
  }

  refused(code: ErrorCode): void {
    this.#requests.refused(code);
  }

  closed(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#parts.connectionsActive.value = this.#connections.size;
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #accept(socket: net.Socket): void {
    // Its handshake took until now.
    if (this.draining) {
      socket.destroy();
      return;
    }
    if (this.#connections.size >= this.#parts.settings.maxConnections) {
      this.#turnAway(socket);
      return;
    }
    this.#connections.add(new ClientConnection(socket, this, this.#parts));
    this.#parts.connectionsActive.value = this.#connections.size;
  }

  #turnAway(socket: net.Socket): void {
    const { settings, turn } = this.#parts;
    this.#requests.refused('too_many_connections');
    socket.on('error', () => {});
    socket.resume();
    const message = `the router has ${settings.maxConnections} connections, as many as it takes`;
    socket.end(errorResponse('too_many_connections', message, lastAnswerFrame(turn.date), { 'retry-after': '1' }));
    socket.destroySoon();
  }
}
