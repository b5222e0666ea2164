/** Reads answers with Node's own client (llhttp, strict) over in-memory connections. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { lowerNames, type NodeReading } from './node-requests.ts';
import type { ReadMessage } from './reading.ts';

const MAX_HEADER_SIZE = 131072;

export interface ResponseCase {
  readonly bytes: Buffer;
  readonly method: string;
}

/** One reading per case. A client takes its connection in a later turn, so many are read together. */
export async function readResponsesWithNode(cases: readonly ResponseCase[]): Promise<NodeReading[]> {
  const exchanges = cases.map(({ method }) => new NodeExchange(method));
  await nextTurn();
  const readings = exchanges.map((exchange, at) => exchange.read(cases[at]!.bytes));
  await nextTurn();
  return readings;
}

class NodeExchange {
  private readonly connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  private readonly request: ClientRequest;
  private readonly messages: ReadMessage[] = [];
  private begun = 0;
  private error = '';

  constructor(method: string) {
    this.request = request({
      method,
      createConnection: () => this.connection,
      maxHeaderSize: MAX_HEADER_SIZE,
      insecureHTTPParser: false,
    });
    this.request.on('error', (error: NodeJS.ErrnoException) => {
      this.error ||= error.code ?? error.message;
    });
    this.request.on('response', (response) => this.collect(response));
    this.request.end();
  }

  read(bytes: Buffer): NodeReading {
    this.connection.emit('data', bytes);
    this.connection.emit('end');
    const reading = { messages: this.messages, hasPartial: this.begun > this.messages.length, error: this.error };
    this.connection.destroy();
    this.request.destroy();
    return reading;
  }

  private collect(response: IncomingMessage): void {
    this.begun += 1;
    let body = '';
    response.push = (piece: Buffer | null) => {
      if (piece !== null) body += piece.toString('latin1');
      // The end of the connection also ends the stream; only `complete` says that the message had its end.
      else if (response.complete) {
        this.messages.push({ start: `${response.statusCode} ${response.statusMessage}`, fields: lowerNames(response.rawHeaders), body });
      }
      return true;
    };
  }
}
