/** What a request becomes, as the client's connection sees it. All calls come from the connection that made it. */
import type { ErrorCode } from '../../../base/core/errors.ts';

export interface ServerExchange {
  /** Bytes of the body, valid during the call. */
  bodyData(buf: Buffer, start: number, end: number): void;
  /** Where the next `bytes` of the body can be read to directly; null: nowhere, use bodyData. */
  bodySpace(bytes: number): Buffer | null;
  bodyPlaced(bytes: number): void;
  bodyEnd(): void;
  /** The client has left: nothing can be written any more. Ends the exchange. */
  clientGone(): void;
  /** After a write that returned false. */
  clientDrained(): void;
  /** The time given with `setDue` is over. */
  duePassed(): void;
  /** The body breaks its framing, is too large or too slow. Ends the exchange (an answer, if none has begun). */
  bodyFailed(code: ErrorCode, message: string): void;
}
