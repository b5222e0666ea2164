/** The second implementation of the seam to workers: no socket, no HTTP; the test is the worker. */

import { isUnreachable, type OutcomeKind } from '../../src/base/core/outcome.ts';
import type { Worker } from '../../src/base/core/worker.ts';
import { ReadPieces } from '../../src/router/proxy/upstream/http1/read-pieces.ts';
import type { Flight, Sink, Upstream, UpstreamRequest } from '../../src/router/proxy/upstream/seam.ts';
import { ChunkedFramer } from '../../src/wire/http1/chunked-framer.ts';
import { readResponseHead } from './heads.ts';
import { until } from './until.ts';

/** One request at the worker. `seen`: what the exchange asked of it, in order. */
export class MemoryFlight implements Flight {
  readonly request: UpstreamRequest;
  /** Body at dispatch and what was streamed after it. */
  readonly bodyParts: Buffer[] = [];
  isCancelled = false;
  isPaused = false;
  bodyEnded = false;
  /** What writeBody answers: false makes the exchange wait for `drain`. */
  takesBody = true;
  isOver = false;
  readonly isOnWire: boolean = true;
  readonly isBodyFree: boolean = true;
  readonly sink: Sink;

  constructor(request: UpstreamRequest, sink: Sink) {
    this.request = request;
    this.sink = sink;
    const { body } = request;
    if (body !== null) this.bodyParts.push(Buffer.from(body.buf.subarray(body.start, body.end)));
    this.bodyEnded = body === null || body.complete;
  }

  get body(): Buffer {
    return Buffer.concat(this.bodyParts);
  }

  /** Value of a field of the request. */
  field(name: string): string | undefined {
    const { fields } = this.request;
    const at = fields.findIndex((field, i) => i % 2 === 0 && field === name);
    return at < 0 ? undefined : fields[at + 1];
  }

  // ---- what the exchange does

  cancel(): void {
    this.isCancelled = true;
    this.isOver = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  writeBody(buf: Buffer, start: number, end: number): boolean {
    this.bodyParts.push(Buffer.from(buf.subarray(start, end)));
    return this.takesBody;
  }

  endBody(): void {
    this.bodyEnded = true;
  }

  // ---- what the worker does

  /** `text`: a whole head with its blank line. */
  head(text: string): void {
    const head = readResponseHead(text, this.request.method);
    if (!('status' in Object(head)) || typeof head === 'string' || head instanceof Error) throw new Error(`not a head: ${text}`);
    this.sink.onHead(head as Parameters<Sink['onHead']>[0]);
  }

  /** One read with payload; the buffer is overwritten afterwards, as the shared one of sockets is. */
  data(text: string): void {
    const bytes = Buffer.from(text);
    this.sink.onPieces(bytes, 0, bytes.length, new ReadPieces().one(0, bytes.length, false, false));
    bytes.fill(0);
  }

  /** One read with whole chunks. */
  chunks(payloads: readonly string[]): void {
    const bytes = Buffer.from(payloads.map((text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`).join(''));
    const framer = new ChunkedFramer();
    framer.feed(bytes, 0, bytes.length);
    this.sink.onPieces(bytes, 0, bytes.length, new ReadPieces().of(framer));
    bytes.fill(0);
  }

  end(): void {
    this.isOver = true;
    this.sink.onEnd();
  }

  fail(kind: OutcomeKind): void {
    this.isOver = true;
    this.sink.onError(kind, isUnreachable(kind) ? 'unsent' : 'sent');
  }

  drain(): void {
    this.sink.onDrain();
  }
}

export class MemoryUpstream implements Upstream {
  readonly worker: Worker;
  readonly flights: MemoryFlight[] = [];
  readonly staleConnections = 0;
  readonly reads = 0;
  isDraining = false;
  #taken = 0;

  constructor(worker: Worker) {
    this.worker = worker;
  }

  get connections(): number {
    return this.flights.filter((flight) => !flight.isOver).length;
  }

  get waiting(): number {
    return 0;
  }

  get inUse(): number {
    return this.connections;
  }

  send(request: UpstreamRequest, sink: Sink): Flight {
    const flight = new MemoryFlight(request, sink);
    this.flights.push(flight);
    return flight;
  }

  failAll(kind: OutcomeKind): void {
    for (const flight of this.flights) if (!flight.isOver) flight.fail(kind);
  }

  drain(): void {
    this.isDraining = true;
  }

  /** The next request that no `next` has returned yet. */
  async next(): Promise<MemoryFlight> {
    const index = this.#taken++;
    await until(() => this.flights.length > index, `request ${index + 1} at the worker in memory`);
    return this.flights[index]!; // There are more than `index`.
  }
}
