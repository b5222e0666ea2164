/** Ending a connection so that nobody takes it for the end of an answer. */
import type net from 'node:net';

/**
 * Sends RST, and no FIN before it. `socket.resetAndDestroy()` is not enough: it first shuts the writing side down, and a
 * client that reads until the end of the connection takes that FIN for it. What has not left yet is lost; what the other side has not read
 * yet when the reset arrives looks to it like the last bytes before an orderly end (Linux).
 */
export function resetSocket(socket: net.Socket): void {
  // While a FIN waits to be sent, libuv refuses a reset (EINVAL), and Node then forgets to close the descriptor: no 'close'
  // ever, and the process spins at its exit (seen with Node 20.20).
  if (socket.writableEnded && !socket.writableFinished) {
    socket.destroy();
    return;
  }
  // What resetAndDestroy sets, too, before it waits for the FIN; not in the public types.
  (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true;
  socket.destroy();
}
