/**
 * Sockets that can still be read after a write has failed. Node destroys a socket then, and with it what the other side had
 * sent before it closed. What is touched here is not in the public types; the tests of early answers fail without it.
 */
import type net from 'node:net';

interface Inner {
  readonly _readableState: { autoDestroy: boolean; errored: Error | null };
  readonly _writableState: { autoDestroy: boolean };
}

/** From now on a failed write emits `error` and leaves the socket open. Errors of reading destroy it as before. */
export function keepOnWriteError(socket: net.Socket): void {
  const inner = socket as unknown as Inner;
  inner._readableState.autoDestroy = false;
  inner._writableState.autoDestroy = false;
}

/** To be called on that `error`: without it the end of what is read would not be emitted. */
export function readAfterError(socket: net.Socket): void {
  (socket as unknown as Inner)._readableState.errored = null;
}
