/** One request, as the connection of its client sees it. All calls come from that connection. */
import type { ErrorCode } from '../../../base/core/errors.ts';

export interface ServedRequest {
  /** Bytes of the body, valid during the call. */
  bodyData(buf: Buffer, start: number, end: number): void;
  /** Memory for the next `bytes` of the body, to read into directly; null: none, use bodyData. */
  bodySpace(bytes: number): Buffer | null;
  bodyPlaced(bytes: number): void;
  bodyEnd(): void;
  /** The client has left: nothing can be written any more. Ends the request. */
  clientGone(): void;
  /** After a write that returned false. */
  clientDrained(): void;
  /** The time set with `setDue` is over. */
  duePassed(): void;
  /** The body breaks its framing, is too large or too slow. Ends the request, with an error answer if no answer has begun. */
  bodyFailed(code: ErrorCode, message: string): void;
}
