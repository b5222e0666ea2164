/**
 * The seam between exchanges and workers. A request is not a socket: deadlines, load counts and aborts hang on the
 * flight that `send` returns. HTTP/1.1 pools implement it (http1-pool.ts); so does an in-memory worker for tests.
 *
 *   upstream.send(request, sink) -> flight
 *     sink.onHead, then (onData | onFramed)* and onBatchEnd, or onChunk alone, after each read, then onEnd (in place
 *     of the last onBatchEnd); or, at any point instead, onError: nothing follows it, and nothing follows flight.cancel()
 */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { ChunkedFramer } from '../../../wire/http1/chunked-framer.ts';
import type { ResponseHead } from '../../../wire/http1/response-head.ts';
import type { RequestBody } from '../request/body.ts';

export interface UpstreamRequest {
  readonly method: string;
  /** Origin-form target, without the base path of the worker. */
  readonly target: string;
  /** Flat name, value, ...: what goes to the worker besides framing, Host and the worker's own key. */
  readonly fields: readonly string[];
  /** Null: no body. A body that is not `complete` when it is sent is streamed with `flight.writeBody`. */
  readonly body: RequestBody | null;
}

/** Receives the answer. Called on the event loop turn in which the bytes came. */
export interface Sink {
  onHead(head: ResponseHead): void;
  /** Payload bytes, valid only during the call: who keeps them copies them. */
  onData(buf: Buffer, start: number, end: number): void;
  /** Like onData for bytes that are already validly chunked: [start, end) holds whole chunks, `framer` where their payload lies. */
  onFramed(buf: Buffer, start: number, end: number, framer: ChunkedFramer): void;
  /** A read that is one whole chunk, buf[start, end), with its payload in [payload, end - 2): a usual event of a stream. No onBatchEnd follows. */
  onChunk(buf: Buffer, start: number, payload: number, end: number): void;
  /** After the last call that belongs to one read. */
  onBatchEnd(): void;
  onEnd(): void;
  /** The request ended without a whole answer. */
  onError(kind: OutcomeKind): void;
  /** The worker takes more of a streamed body. */
  onDrain(): void;
}

export interface Flight {
  /** Gives up: no call to the sink any more, and the worker's end is told at once. Idempotent. */
  cancel(): void;
  /** Stops and goes on reading the answer. */
  pause(): void;
  resume(): void;
  /** Sends more of a streamed body (the bytes are copied if they must be kept). False: wait for onDrain. */
  writeBody(buf: Buffer, start: number, end: number): boolean;
  endBody(): void;
  /** The worker may have something of the request: a connection to it stands. False again after cancel. */
  readonly isOnWire: boolean;
  /** After onEnd: nothing of the request's body waits to be written, so its memory can be used again. */
  readonly isBodyFree: boolean;
}

export interface Upstream {
  send(request: UpstreamRequest, sink: Sink): Flight;
  /** No new requests from now on but aborts of those under way; idle connections close at once, busy ones after their answer. Idempotent. */
  drain(): void;
  /** Connections open, and requests waiting for one. */
  readonly connections: number;
  readonly waiting: number;
  /** Reused connections that were dead and have been replaced by a fresh one, unseen by the exchange. */
  readonly staleConnections: number;
}
