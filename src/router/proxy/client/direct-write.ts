/**
 * Writes to a socket past Node's stream, for text that the kernel takes at once, as it does unless the client reads slowly: no request
 * object for each write, no state of the stream touched (bench/race, 400 streams: a twelfth of the CPU of an event). What the
 * kernel does not take all of is Node's to finish, in order with whatever is written in the ordinary way after it.
 *
 *   write() ── all taken ──> (nothing left)
 *           `─ a part ─────> PENDING ── done ──> `drained` is called
 *                                    `─ failed ─> the socket is destroyed, as Node would
 *
 * It uses what node:net itself uses and does not export: `_handle` of the socket and the binding `stream_wrap` (Node 20, 22 and 24,
 * lib/internal/stream_base_commons.js). Where either is missing, or from a Node that warns of `process.binding`, it writes in the
 * ordinary way.
 */
import type net from 'node:net';

interface WriteRequest {
  oncomplete: (status: number) => void;
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: ArrayLike<number>;
  readonly kLastWriteWasAsync: number;
}

interface Handle {
  /** Error number below 0, or 0. Uses the request object only if the write goes on after it has returned. */
  writeLatin1String(request: WriteRequest, text: string): number;
  readonly writeQueueSize: number;
}

/** The last major version of Node that it has been tried with. */
const LAST_KNOWN_NODE = 24;
/** Node tries to write at once what fits its stack; longer text would always leave a request behind (src/stream_base.cc). */
const MAX_TEXT_BYTES = 16_384;

const wrap = streamWrap();
let spare: WriteRequest | null = null;

function streamWrap(): StreamWrap | null {
  if (Number.parseInt(process.versions.node, 10) > LAST_KNOWN_NODE || process.execArgv.includes('--pending-deprecation')) return null;
  try {
    const binding = (process as unknown as { binding(name: string): Partial<StreamWrap> }).binding('stream_wrap');
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding;
    if (typeof WriteWrap !== 'function' || streamBaseState === undefined || typeof kLastWriteWasAsync !== 'number') return null;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    return null;
  }
}

export class DirectWrite {
  readonly #socket: net.Socket;
  readonly #handle: Handle | null;
  readonly #drained: () => void;
  /** A direct write goes on. */
  #isPending = false;
  /** Something was written in the ordinary way, and may not have left. */
  #mayWait = false;

  /** `drained`: after write() has returned false, unless the socket says 'drain' itself. */
  constructor(socket: net.Socket, drained: () => void) {
    this.#socket = socket;
    const handle = (socket as unknown as { _handle: Partial<Handle> | null })._handle;
    this.#handle = wrap !== null && typeof handle?.writeLatin1String === 'function' ? (handle as Handle) : null;
    this.#drained = drained;
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength + (this.#isPending ? (this.#handle?.writeQueueSize ?? 0) : 0);
  }

  /** The client takes less than it is given. */
  get needsDrain(): boolean {
    return this.#isPending || (this.#mayWait && this.#socket.writableNeedDrain);
  }

  /** In the ordinary way. False: the client is behind. */
  writeBytes(data: Buffer): boolean {
    this.#mayWait = true;
    return this.#socket.write(data) && !this.#isPending;
  }

  /** Each character is one byte. False: the client is behind. */
  writeText(latin1: string): boolean {
    const handle = this.#handle;
    if (wrap === null || handle === null || this.#isPending || latin1.length > MAX_TEXT_BYTES || this.#isWaiting()) {
      return this.#writeOrdinary(latin1);
    }
    spare ??= new wrap.WriteWrap();
    // Nothing has left: the ordinary write meets the same error, and tells of it.
    if (handle.writeLatin1String(spare, latin1) !== 0) return this.#writeOrdinary(latin1);
    if (wrap.streamBaseState[wrap.kLastWriteWasAsync] === 0) return true;
    const request = spare;
    spare = null;
    this.#isPending = true;
    request.oncomplete = (status) => this.#completed(status);
    return false;
  }

  #writeOrdinary(latin1: string): boolean {
    this.#mayWait = true;
    return this.#socket.write(latin1, 'latin1') && !this.#isPending;
  }

  /** Node's stream holds bytes that must leave first. */
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
