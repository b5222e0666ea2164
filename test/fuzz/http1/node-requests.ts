/** Reads a stream of requests with Node's own server (llhttp, strict) over an in-memory connection, without waiting for anything. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import type { ReadMessage } from './reading.ts';

export interface NodeReading {
  /** Complete messages. */
  readonly messages: readonly ReadMessage[];
  /** A further message whose head was accepted but whose end has not come. */
  readonly hasPartial: boolean;
  /** Code of the parser's error; empty without one. */
  readonly error: string;
}

const MAX_HEADER_SIZE = 131072;

export class NodeRequestReader {
  private readonly server: Server;
  private messages: ReadMessage[] = [];
  private begun = 0;
  private error = '';

  constructor() {
    this.server = createServer({ maxHeaderSize: MAX_HEADER_SIZE, insecureHTTPParser: false, requestTimeout: 0, headersTimeout: 0 });
    this.server.on('request', (request) => this.collect(request));
    this.server.on('clientError', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
  }

  /** Synchronous: the bytes are handed to the connection's data listener directly. */
  read(buf: Buffer): NodeReading {
    this.messages = [];
    this.begun = 0;
    this.error = '';
    const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    this.server.emit('connection', connection);
    connection.emit('data', buf);
    const reading = { messages: this.messages, hasPartial: this.begun > this.messages.length, error: this.error };
    connection.destroy();
    return reading;
  }

  private collect(request: IncomingMessage): void {
    const messages = this.messages;
    this.begun += 1;
    let body = '';
    // The parser pushes the pieces of the body, and null at its end. Taking them here spares the turns of a readable stream.
    request.push = (piece: Buffer | null) => {
      if (piece !== null) body += piece.toString('latin1');
      else messages.push({ start: `${request.method} ${request.url}`, fields: lowerNames(request.rawHeaders), body });
      return true;
    };
  }
}

/** Names in lower case, values as they are. */
export function lowerNames(rawHeaders: readonly string[]): string[] {
  return rawHeaders.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text));
}
