/**
 * Writes to one client, in order; whole answers, and events while turns are busy, leave at the end of the turn, together with those of
 * other clients.
 */
import type net from 'node:net';
import type { EndOfTurn, EndOfTurnTask } from '../runtime/end-of-turn.ts';

export class ClientWriter implements EndOfTurnTask {
  readonly #socket: net.Socket;
  readonly #endOfTurn: EndOfTurn;
  /** Leave at the end of the turn: first this, */
  #text = '';
  /** then this. */
  #last: Buffer | null = null;
  #isClosed = false;

  constructor(socket: net.Socket, endOfTurn: EndOfTurn) {
    this.#socket = socket;
    this.#endOfTurn = endOfTurn;
  }

  /** Leaves now. False: wait until the socket has drained. */
  write(data: Buffer): boolean {
    this.flush();
    return this.#socket.write(data);
  }

  /** Like write, or at the end of the turn; each character is one byte. */
  writeText(latin1: string): boolean {
    if (this.#last === null && (this.#text !== '' || this.#endOfTurn.offer(this))) {
      this.#text += latin1;
      return !this.#socket.writableNeedDrain;
    }
    this.flush();
    return this.#socket.write(latin1, 'latin1');
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
    if (text !== '') this.#socket.write(text, 'latin1');
    if (data !== null) this.#socket.write(data);
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
    this.#text = '';
    this.#last = null;
  }
}
