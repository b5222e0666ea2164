/**
 * Keeps sockets readable after a failed write. Node destroys such a socket, and with it the bytes that the other side sent before it
 * closed. These fields are not in the public types; the tests of early answers fail without them.
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

/** For that `error`: without this call the socket emits no 'end' after its last bytes. */
export function readAfterError(socket: net.Socket): void {
  (socket as unknown as Inner)._readableState.errored = null;
}
