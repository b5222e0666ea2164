/**
 * The seam between exchanges and workers. A request is not a socket: deadlines, load counts and aborts hang on the
 * flight that `send` returns. The seam assumes no protocol: HTTP/1.1 pools implement it (http1/pool.ts), and an in-memory
 * upstream in the tests.
 *
 *   upstream.send(request, sink) -> flight
 *     sink.onHead, then onPieces once for each read, then onEnd;
 *     or, at any point instead, onError. Nothing follows onEnd, onError or flight.cancel().
 */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
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

/**
 * Whether a request whose attempt failed may be sent again. unsent: nothing of it has reached a worker. sent: a worker may have it,
 * and the router still has all of it. never: it cannot be sent again, or every worker would answer the same.
 */
export type Retry = 'never' | 'unsent' | 'sent';

/** The head of a worker's answer, whatever protocol it came by. */
export interface AnswerHead {
  readonly status: number;
  /** As sent; '' where the protocol has none. */
  readonly reason: string;
  /** Flat: lower-case name, value; in order; repeated fields kept. */
  readonly fields: readonly string[];
  /** Bytes of the body; -1: not known. May be set without a body (HEAD, 304). */
  readonly contentLength: number;
  readonly hasBody: boolean;
  /** What the writer to the client made of status and fields: kept, because heads repeat. */
  relayText: string | null;
  /** The first value of the field with this lower-case name. */
  find(name: string): string | undefined;
}

/** Where the payload of one read lies in its buffer. Valid during the call only. */
export interface Pieces {
  /** Start and end of each piece, in order; entries from 2 * count on are not valid. */
  readonly offsets: Int32Array;
  /** 0: the read brought no payload, for example only the head. */
  readonly count: number;
  /** The pieces with the bytes around them are whole chunks of HTTP/1.1 (RFC 9112 7.1): a client may get them as they are. */
  readonly isChunked: boolean;
  /** The answer is whole with this read: onEnd follows in the same turn. */
  readonly isLast: boolean;
}

/** Receives the answer. Called on the event loop turn in which the bytes came. */
export interface Sink {
  onHead(head: AnswerHead): void;
  /**
   * The payload of one read: `pieces` of buf[start, end), valid during the call only. A sink that keeps bytes copies them. A read
   * that brings the end of the answer and no payload calls onEnd alone.
   */
  onPieces(buf: Buffer, start: number, end: number, pieces: Pieces): void;
  onEnd(): void;
  /** The request ended without a whole answer. */
  onError(kind: OutcomeKind, retry: Retry): void;
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
  /** Requests that it holds: on a connection, or waiting for one. */
  readonly inUse: number;
  /** Gives up all requests that it holds: their sinks get `onError`. New ones may follow. */
  failAll(kind: OutcomeKind): void;
  /** Reads of answers so far: it stands still while the worker is silent. */
  readonly reads: number;
  /** Reused connections that were dead and have been replaced by a fresh one, unseen by the exchange. */
  readonly staleConnections: number;
}
