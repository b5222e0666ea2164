/**
 * Writing to one client socket, in order. Two implementations: over the handle of the socket (handle-writer.ts, cheaper), and over
 * Node's stream (stream-writer.ts, on every Node). compose.ts chooses.
 */
import type net from 'node:net';

export interface SocketWriter {
  /** Bytes that the kernel has not taken yet. */
  readonly unsentBytes: number;
  /** The client reads more slowly than the router writes. */
  readonly needsDrain: boolean;
  /** False: the client is behind; wait for `drained`, or for the socket's 'drain'. The writer may keep `data`. */
  writeBytes(data: Buffer): boolean;
  /** Like writeBytes; each character is one byte. */
  writeText(latin1: string): boolean;
}

/**
 * `drained` runs once the kernel has taken what a write that returned false left over, unless the socket emits 'drain' for it.
 * A socket whose write fails is destroyed.
 */
export type MakeSocketWriter = (socket: net.Socket, drained: () => void) => SocketWriter;
