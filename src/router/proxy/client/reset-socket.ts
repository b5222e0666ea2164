/** Ends a connection with RST, which no client takes for the end of an answer. */
import type net from 'node:net';
import { isEncrypted } from './make-server.ts';

/**
 * Sends RST, and no FIN before it. `socket.resetAndDestroy()` is not enough: it first shuts the writing side down, and a
 * client that reads until the end of the connection takes that FIN for the end. Unsent bytes are lost. Bytes that the client has not read
 * when the reset arrives look to it like the last ones before an orderly end (Linux).
 */
export function resetSocket(socket: net.Socket): void {
  // While a FIN waits, libuv refuses a reset (EINVAL), and Node then forgets to close the descriptor: 'close' never comes, and the
  // process spins at its exit (seen with Node 20.20).
  // TLS: an end without close_notify is one that no client takes for the end of an answer (RFC 8446 6.1).
  if (isEncrypted(socket) || (socket.writableEnded && !socket.writableFinished)) {
    socket.destroy();
    return;
  }
  // resetAndDestroy sets this too, before it waits for the FIN; not in the public types.
  (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true;
  socket.destroy();
}
