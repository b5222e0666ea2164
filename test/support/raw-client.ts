/** A client that sends exactly the bytes it is told to and shows exactly what comes back. */
import { once } from 'node:events';
import net from 'node:net';
import { MessageReader } from './message-reader.ts';
import { gate, until, within } from './until.ts';

export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  /** Names as sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly headText: string;
  /** De-chunked. */
  readonly body: Buffer;
  readonly text: string;
  /** Payload of each chunk of a chunked answer. */
  readonly chunks: readonly Buffer[];
  readonly trailers: readonly (readonly [string, string])[];
  /** Value of a field that is there at most once. */
  get(name: string): string | undefined;
  all(name: string): string[];
  json(): unknown;
}

export class RawClient {
  readonly socket: net.Socket;
  /** FIN, or reset (or this side's own end). */
  readonly ended: Promise<'fin' | 'reset' | 'local'>;
  /** How it ended, null while it has not. */
  end: 'fin' | 'reset' | 'local' | null = null;
  /** Everything received, from the beginning of the connection. */
  get received(): Buffer {
    this.#received = [Buffer.concat(this.#received)];
    return this.#received[0]!;
  }

  /** Whether this side ends too when the router has ended its side. */
  endsInTurn = true;
  #received: Buffer[] = [];
  receivedBytes = 0;
  /** Bytes that belong to answers already returned. */
  #consumed = 0;

  /** Connects; rejects with Node's error when that fails. */
  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host, noDelay: true, allowHalfOpen: true });
    const client = new RawClient(socket);
    await within(once(socket, 'connect'), `connecting to port ${port}`);
    return client;
  }

  private constructor(socket: net.Socket) {
    this.socket = socket;
    const over = gate<'fin' | 'reset' | 'local'>();
    const done = (how: 'fin' | 'reset' | 'local'): void => {
      this.end ??= how;
      over.open(this.end);
    };
    this.ended = over.promise;
    socket.on('data', (data: Buffer) => {
      this.#received.push(data);
      this.receivedBytes += data.length;
    });
    socket.on('end', () => {
      done('fin');
      if (this.endsInTurn) socket.end();
    });
    socket.on('error', () => done('reset'));
    socket.on('close', () => done('local'));
  }

  /** Strings are latin1. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => resolve());
    });
  }

  /** Each piece in a packet of its own (as far as the system lets it: Nagle is off and the loop turns in between). */
  async sendPieces(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      await this.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Everything received so far, as soon as `found` says so. */
  async until(found: (received: Buffer) => boolean, what: string, limitMs?: number): Promise<Buffer> {
    await until(
      () => found(this.received),
      () => `${what}; received so far: ${JSON.stringify(this.received.toString('latin1').slice(-2000))}; end: ${this.end}`,
      limitMs,
    );
    return this.received;
  }

  untilText(text: string): Promise<Buffer> {
    return this.until((received) => received.includes(text), `the text ${JSON.stringify(text)}`);
  }

  /** The next answer, whole. `method`: of the request. Interim answers (1xx) are answers too. Rejects when the connection ends in the middle. */
  async response(method = 'GET'): Promise<RawResponse> {
    const reader = new MessageReader('response', method);
    await until(
      () => {
        if (this.receivedBytes > this.#consumed) {
          const fresh = this.received.subarray(this.#consumed);
          this.#consumed += reader.feed(fresh);
        }
        if (reader.done) return true;
        if (this.end === null) return false;
        if (this.end === 'fin' && reader.end()) return true;
        throw new Error(
          `the connection ended (${this.end}) within an answer: ${JSON.stringify(this.received.toString('latin1').slice(-2000))}`,
        );
      },
      () => `an answer; received so far: ${JSON.stringify(this.received.toString('latin1').slice(-2000))}`,
    );
    return responseOf(reader);
  }

  /** Bytes after the answers that were returned. */
  get rest(): Buffer {
    return this.received.subarray(this.#consumed);
  }

  /** How the router ended the connection. */
  closed(): Promise<'fin' | 'reset' | 'local'> {
    return within(this.ended, 'the end of the connection');
  }

  finish(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function responseOf(reader: MessageReader): RawResponse {
  const [version = '', , ...reason] = reader.firstLine.split(' ');
  const { body } = reader;
  return {
    status: reader.status,
    reason: reason.join(' '),
    version,
    fields: reader.fields,
    headText: reader.headText,
    body,
    text: body.toString('utf8'),
    chunks: reader.get('transfer-encoding') === undefined ? [] : reader.pieces,
    trailers: reader.trailers,
    get: (name) => reader.get(name),
    all: (name) => reader.all(name),
    json: () => JSON.parse(body.toString('utf8')),
  };
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with Content-Length. */
  readonly body?: string | Buffer;
}

/** The bytes of a request: Host and, with a body, Content-Length (and JSON as its type unless the headers say another) are added. */
export function requestBytes({ method, path = '/v1/chat/completions', headers = {}, body }: Ask): Buffer {
  const payload = typeof body === 'string' ? Buffer.from(body) : body;
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  let head = `${method ?? (payload === undefined ? 'GET' : 'POST')} ${path} HTTP/1.1\r\n`;
  if (!names.includes('host')) head += 'host: router\r\n';
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
  if (payload !== undefined) {
    if (!names.includes('content-type')) head += 'content-type: application/json\r\n';
    head += `content-length: ${payload.length}\r\n`;
  }
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), payload ?? Buffer.alloc(0)]);
}

/** One request on a connection of its own. */
export async function ask(port: number, request: Ask): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  try {
    await client.send(requestBytes(request));
    return await client.response(request.method ?? 'GET');
  } finally {
    client.destroy();
  }
}
