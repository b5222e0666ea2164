/** What a client connection needs from the router around it. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { EndOfTurn } from '../../../base/runtime/end-of-turn.ts';
import type { TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import type { Turn } from '../turn.ts';
import type { ServedRequest } from './served-request.ts';
import type { MakeSocketWriter } from './socket-writer.ts';

/** `C`: the connection itself. */
export interface ConnectionHost<C> {
  /** The router is shutting down: a connection ends with the answer that it carries. */
  readonly draining: boolean;
  /** Begins a request; null: it is answered already. */
  open(connection: C, head: RequestHead): ServedRequest | null;
  /** The connection refused a request that had no valid head. */
  refused(code: ErrorCode): void;
  closed(connection: C): void;
}

export interface ClientSettings {
  readonly maxConnections: number;
  readonly maxPayloadBytes: number;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** From the last byte of the request to the end of the answer. */
  readonly requestTimeoutMs: number;
}

/** What all connections share. */
export interface ConnectionParts {
  readonly settings: ClientSettings;
  readonly turn: Turn;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
  readonly makeSocketWriter: MakeSocketWriter;
  /** Sockets read into it; its bytes are valid during one callback. */
  readonly receive: Buffer;
}
