/**
 * Writes to a client past Node's stream while the kernel takes text at once, as it does unless the client reads slowly: no request
 * object for each write, no change of the stream's state (bench/race, 400 streams: a twelfth of the CPU of an event). Node finishes
 * what the kernel does not take, before whatever the router writes to the stream after it.
 *
 *   writeText() ── kernel took all ──> (nothing left)
 *               `─ took a part ──────> PENDING ── done ──> calls `drained`
 *                                              `─ failed ─> destroys the socket, as Node's stream does
 *
 * The writer uses what node:net uses and does not export: `_handle` of the socket and the binding `stream_wrap`
 * (lib/internal/stream_base_commons.js, the same in Node 20, 22 and 24).
 */
import type net from 'node:net';
import { isEncrypted } from './make-server.ts';
import type { MakeSocketWriter, SocketWriter } from './socket-writer.ts';
import { streamWriter } from './stream-writer.ts';

interface WriteRequest {
  oncomplete: (status: number) => void;
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: ArrayLike<number>;
  readonly kLastWriteWasAsync: number;
}

interface Handle {
  /** Error number below 0, or 0. Uses the request object only if the kernel has not taken everything. */
  writeLatin1String(request: WriteRequest, text: string): number;
  readonly writeQueueSize: number;
}

/** What the choice depends on; `process` has it. */
export interface NodeFacts {
  readonly versions: { readonly node: string };
  readonly execArgv: readonly string[];
}

/** The newest major version of Node that the tests have run on. */
const LAST_KNOWN_NODE = 24;
/** Node tries to write at once what fits its stack; longer text would always leave a request behind (src/stream_base.cc). */
const MAX_TEXT_BYTES = 16_384;

/** Null: this Node is newer than the tests, lacks what is needed, or prints a warning about `process.binding`. */
export function handleWriters(node: NodeFacts): MakeSocketWriter | null {
  const warns = node.execArgv.includes('--pending-deprecation');
  if (Number.parseInt(node.versions.node, 10) > LAST_KNOWN_NODE || warns) return null;
  const wrap = streamWrap();
  if (wrap === null) return null;
  const requests = new WriteRequests(wrap);
  return (socket, drained) => {
    const handle = (socket as unknown as { _handle: Partial<Handle> | null })._handle;
    if (typeof handle?.writeLatin1String !== 'function' || isEncrypted(socket)) return streamWriter(socket, drained);
    return new HandleWriter(socket, handle as Handle, requests, drained);
  };
}

function streamWrap(): StreamWrap | null {
  try {
    const binding = (process as unknown as { binding(name: string): Partial<StreamWrap> }).binding('stream_wrap');
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding;
    if (typeof WriteWrap !== 'function' || streamBaseState === undefined || typeof kLastWriteWasAsync !== 'number') return null;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    // The permission model of Node refuses `process.binding`.
    return null;
  }
}

/** The request object of the next write, which all writers share until the kernel leaves a part of a text to it. */
class WriteRequests {
  readonly #wrap: StreamWrap;
  #spare: WriteRequest;

  constructor(wrap: StreamWrap) {
    this.#wrap = wrap;
    this.#spare = new wrap.WriteWrap();
  }

  get next(): WriteRequest {
    return this.#spare;
  }

  /** After a write with `next`: the request if Node still uses it, else null. */
  taken(): WriteRequest | null {
    const { streamBaseState, kLastWriteWasAsync, WriteWrap } = this.#wrap;
    if (streamBaseState[kLastWriteWasAsync] === 0) return null;
    const request = this.#spare;
    this.#spare = new WriteWrap();
    return request;
  }
}

class HandleWriter implements SocketWriter {
  readonly #socket: net.Socket;
  readonly #handle: Handle;
  readonly #requests: WriteRequests;
  readonly #drained: () => void;
  /** The kernel has taken a part of a text; Node writes the rest. */
  #isPending = false;
  /** Something was written to the stream, and may not have left. */
  #mayWait = false;

  constructor(socket: net.Socket, handle: Handle, requests: WriteRequests, drained: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    this.#requests = requests;
    this.#drained = drained;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength + (this.#isPending ? this.#handle.writeQueueSize : 0);
  }

  get needsDrain(): boolean {
    return this.#isPending || (this.#mayWait && this.#socket.writableNeedDrain);
  }

  writeBytes(data: Buffer): boolean {
    this.#mayWait = true;
    return this.#socket.write(data) && !this.#isPending;
  }

  writeText(latin1: string): boolean {
    if (this.#isPending || latin1.length > MAX_TEXT_BYTES || this.#isWaiting()) return this.#writeToStream(latin1);
    // On an error nothing has left: the stream meets the same error, and reports it.
    if (this.#handle.writeLatin1String(this.#requests.next, latin1) !== 0) return this.#writeToStream(latin1);
    const request = this.#requests.taken();
    if (request === null) return true;
    this.#isPending = true;
    request.oncomplete = (status) => this.#completed(status);
    return false;
  }

  #writeToStream(latin1: string): boolean {
    this.#mayWait = true;
    return this.#socket.write(latin1, 'latin1') && !this.#isPending;
  }

  /** The stream holds bytes that must leave first. */
  #isWaiting(): boolean {
    if (this.#mayWait) this.#mayWait = this.#socket.writableLength > 0;
    return this.#mayWait;
  }

  #completed(status: number): void {
    this.#isPending = false;
    if (this.#socket.destroyed) return;
    if (status < 0) this.#socket.destroy();
    else if (!this.needsDrain) this.#drained();
  }
}
