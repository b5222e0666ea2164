/**
 * The floor: a round-robin proxy on plain sockets that knows just enough HTTP/1.1 to see where messages end. It reads a whole request
 * before it forwards it, as a router that may retry must, and forwards answers as they arrive. Not for use: no checks, no limits, no
 * backpressure.
 *   PORT, WORKERS=port,port   SLOW_US: CPU to burn per request   SPOIL_EVERY=N: change a byte of every Nth answer
 */
import { connect, createServer, type Socket } from 'node:net';

const workers = (process.env['WORKERS'] ?? '').split(',').map(Number);
const slowUs = Number(process.env['SLOW_US'] ?? 0);
const spoilEvery = Number(process.env['SPOIL_EVERY'] ?? 0);

const LF = 10;
const CR = 13;
const SEMICOLON = 59;

const receiveBuffer = Buffer.allocUnsafeSlow(65536);
const idle: Upstream[][] = workers.map(() => []);
let turn = 0;
let answers = 0;

function contentLength(head: string): number | null {
  const at = head.toLowerCase().indexOf('\r\ncontent-length:');
  return at < 0 ? null : Number(head.slice(at + 17, head.indexOf('\r\n', at + 2)));
}

type Phase = 'head' | 'counted' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

class Upstream {
  client: Client | null = null;
  readonly socket: Socket;
  readonly #pool: Upstream[];
  #phase: Phase = 'head';
  #left = 0;
  #isInExtension = false;
  #partialHead: Buffer | null = null;

  constructor(worker: number) {
    this.#pool = idle[worker]!;
    this.socket = connect({
      port: workers[worker]!,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: receiveBuffer,
        callback: (bytes: number) => {
          this.#take(receiveBuffer, bytes);
          return true;
        },
      },
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      const at = this.#pool.indexOf(this);
      if (at >= 0) this.#pool.splice(at, 1);
      this.client?.socket.destroy();
    });
  }

  #take(received: Buffer, bytes: number): void {
    let data = received;
    let end = bytes;
    let at = 0;
    if (this.#phase === 'head') {
      if (this.#partialHead) {
        data = Buffer.concat([this.#partialHead, received.subarray(0, bytes)]);
        end = data.length;
        this.#partialHead = null;
      }
      const blank = data.subarray(0, end).indexOf('\r\n\r\n');
      if (blank < 0) {
        this.#partialHead = Buffer.from(data.subarray(0, end));
        return;
      }
      const length = contentLength(data.toString('latin1', 0, blank + 2));
      this.#phase = length === null ? 'chunk-size' : 'counted';
      this.#left = length ?? 0;
      at = blank + 4;
    }
    const isDone = this.#phase === 'counted' ? this.#takeCounted(end - at) : this.#takeChunks(data, at, end);
    const copy = Buffer.allocUnsafe(end);
    data.copy(copy, 0, 0, end);
    if (isDone && spoilEvery && ++answers % spoilEvery === 0) copy[end - 3]! ^= 1;
    const client = this.client;
    client?.socket.write(copy);
    if (!isDone) return;
    this.#phase = 'head';
    this.#left = 0;
    this.client = null;
    this.#pool.push(this);
    client?.answered();
  }

  #takeCounted(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left <= 0;
  }

  #takeChunks(data: Buffer, from: number, end: number): boolean {
    let at = from;
    while (at < end) {
      switch (this.#phase) {
        case 'chunk': {
          const take = Math.min(this.#left, end - at);
          this.#left -= take;
          at += take;
          if (this.#left === 0) this.#phase = 'chunk-end';
          break;
        }
        case 'chunk-end':
          if (data[at++] === LF) this.#phase = 'chunk-size';
          break;
        case 'trailer':
          if (data[at++] === LF) return true;
          break;
        default: {
          const byte = data[at++]!;
          if (byte === LF) {
            this.#phase = this.#left > 0 ? 'chunk' : 'trailer';
            this.#isInExtension = false;
          } else if (byte === SEMICOLON) this.#isInExtension = true;
          else if (byte !== CR && !this.#isInExtension) this.#left = this.#left * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87);
        }
      }
    }
    return false;
  }
}

class Client {
  readonly socket: Socket;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #wanted = -1;
  #upstream: Upstream | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece) => {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      this.#forward();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!this.#upstream) return;
      this.#upstream.client = null;
      this.#upstream.socket.destroy();
    });
  }

  answered(): void {
    this.#upstream = null;
    this.#forward();
  }

  #forward(): void {
    if (this.#upstream || this.#bytes === 0) return;
    if (this.#wanted < 0) {
      if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
      const blank = this.#pieces[0]!.indexOf('\r\n\r\n');
      if (blank < 0) return;
      this.#wanted = blank + 4 + (contentLength(this.#pieces[0]!.toString('latin1', 0, blank + 2)) ?? 0);
    }
    if (this.#bytes < this.#wanted) return;
    if (slowUs) burn(slowUs);
    const worker = turn++ % workers.length;
    const upstream = idle[worker]!.pop() ?? new Upstream(worker);
    upstream.client = this;
    this.#upstream = upstream;
    let rest: Buffer | null = null;
    if (this.#bytes > this.#wanted) {
      const all = Buffer.concat(this.#pieces);
      this.#pieces = [all.subarray(0, this.#wanted)];
      rest = all.subarray(this.#wanted);
    }
    upstream.socket.cork();
    for (const piece of this.#pieces) upstream.socket.write(piece);
    upstream.socket.uncork();
    this.#pieces = rest ? [rest] : [];
    this.#bytes = rest?.length ?? 0;
    this.#wanted = -1;
  }
}

function burn(us: number): void {
  const end = process.hrtime.bigint() + BigInt(us * 1000);
  while (process.hrtime.bigint() < end);
}

createServer({ noDelay: true }, (socket) => {
  new Client(socket);
}).listen(Number(process.env['PORT']), '127.0.0.1');
