/** Writes to a client over Node's stream: no private interface of Node, one request object and a few state changes for each write. */
import type net from 'node:net';
import type { MakeSocketWriter, SocketWriter } from './socket-writer.ts';

class StreamWriter implements SocketWriter {
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  writeBytes(data: Buffer): boolean {
    return this.#socket.write(data);
  }

  writeText(latin1: string): boolean {
    return this.#socket.write(latin1, 'latin1');
  }
}

/** The socket's own 'drain' reports that the client has caught up. */
export const streamWriter: MakeSocketWriter = (socket) => new StreamWriter(socket);
