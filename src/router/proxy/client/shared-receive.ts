/**
 * Reads accepted sockets into a buffer that all connections share.
 *
 * `net.connect` takes `onread` for this, `net.Server` does not: there, every read allocates 64 KiB, cuts them down and
 * leaves them to the garbage collector (measured: a third of the CPU of a small request). So the accepted handle moves into a second
 * socket with `onread`; Node moves handles between sockets in the same way when it passes them to child processes. Where a Node has no
 * such handle, the ordinary events are used.
 */
import net from 'node:net';
import { isEncrypted } from './make-server.ts';

/** Bytes in `buf[0, bytes)`, valid during the call. */
export type Receive = (buf: Buffer, bytes: number) => void;

interface HasHandle {
  _handle: unknown;
}

/** Asked after every read: where the next one goes; undefined: where the last one went. */
export type NextBuffer = () => Buffer | undefined;

/** `socket` comes from a server with `pauseOnConnect`. Returns the socket to use instead. */
export function readShared(socket: net.Socket, shared: Buffer, receive: Receive, next: NextBuffer): net.Socket {
  const accepted = socket as unknown as HasHandle;
  const handle = accepted._handle;
  // The handle of a TLS socket belongs to it.
  if (handle === null || typeof handle !== 'object' || !('readStart' in handle) || isEncrypted(socket)) {
    socket.on('data', (data: Buffer) => receive(data, data.length));
    socket.resume();
    return socket;
  }
  accepted._handle = null;
  let isFirst = true;
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: (): Buffer | undefined => {
        if (!isFirst) return next();
        isFirst = false;
        return shared;
      },
      callback: (bytes: number, buf: Uint8Array): boolean => {
        receive(buf as Buffer, bytes);
        return true;
      },
    },
  };
  // `handle` is not in the public types of the constructor.
  const adopted = new net.Socket(options as net.SocketConstructorOpts);
  adopted.resume();
  return adopted;
}
