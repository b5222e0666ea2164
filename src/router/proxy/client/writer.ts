/**
 * Writes to one client, in order. Whole answers, and events while turns are busy, leave at the end of the turn, together with those of
 * other clients.
 */
import type { EndOfTurn, EndOfTurnTask } from '../../../base/runtime/end-of-turn.ts';
import type { SocketWriter } from './socket-writer.ts';

export class ClientWriter implements EndOfTurnTask {
  readonly #socket: SocketWriter;
  readonly #endOfTurn: EndOfTurn;
  /** Leave at the end of the turn: first this, */
  #text = '';
  /** then this. */
  #last: Buffer | null = null;
  #isClosed = false;

  constructor(socket: SocketWriter, endOfTurn: EndOfTurn) {
    this.#socket = socket;
    this.#endOfTurn = endOfTurn;
  }

  /** Bytes that the kernel has not taken yet; without what waits for the end of the turn. */
  get unsentBytes(): number {
    return this.#socket.unsentBytes;
  }

  /** The client reads more slowly than the router writes. */
  get needsDrain(): boolean {
    return this.#socket.needsDrain;
  }

  /** Leaves now. False: wait until the client has drained. */
  write(data: Buffer): boolean {
    this.flush();
    return this.#socket.writeBytes(data);
  }

  /** Like write, or at the end of the turn; each character is one byte. */
  writeText(latin1: string): boolean {
    if (this.#last === null && (this.#text !== '' || this.#endOfTurn.offer(this))) {
      this.#text += latin1;
      return !this.#socket.needsDrain;
    }
    this.flush();
    return this.#socket.writeText(latin1);
  }

  /** For a whole answer, or the end of one. */
  writeLast(data: Buffer): void {
    this.flush();
    this.#last = data;
    this.#endOfTurn.add(this);
  }

  endOfTurn(): void {
    this.flush();
  }

  /** What waits for the end of the turn leaves now. */
  flush(): void {
    const text = this.#text;
    const data = this.#last;
    this.#text = '';
    this.#last = null;
    if (this.#isClosed) return;
    if (text !== '') this.#socket.writeText(text);
    if (data !== null) this.#socket.writeBytes(data);
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
    this.#text = '';
    this.#last = null;
  }
}
