/**
 * One leg of a pair: the request at its prefill or its decode worker. Counts as load at that worker from sending to its end.
 *
 *   SENT --head below 300--> OPEN --payload----------------------------------> GOOD --end--> (owner ends it) OVER
 *     |                        '--first event of a stream is being read--> PEEKING --good--> GOOD
 *     |                                                                       '--an error--> REFUSED
 *     |--head of 300 or more--> REFUSED          the engine's own words: they pass only if the owner relays this leg
 *     '--connection lost, at any point--> (owner ends it) OVER
 */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Worker } from '../../../base/core/worker.ts';
import { FirstEvent } from '../../pair/first-event.ts';
import { isRelayedEventStream } from '../answer/response-fields.ts';
import type { Attempt } from '../dispatch/attempt.ts';
import type { RequestBody } from '../request/body.ts';
import type { Turn } from '../turn.ts';
import type { AnswerHead, Flight, Pieces, Retry, Sink, Upstream, UpstreamRequest } from '../upstream/seam.ts';

const NO_BYTES = Buffer.alloc(0);
const NOT_BEGUN = -1;

export type LegRole = 'prefill' | 'decode';

/** Decides what the answers of both legs mean. It hears nothing more of a leg after `end` or `abort`, except `legOver`. */
export interface LegOwner {
  readonly turn: Turn;
  /** The head of a good answer. */
  legOpens(leg: PairLeg, isEvents: boolean): void;
  /** The first event of a stream, or the first byte of another answer; its end if it has none. */
  legBegins(leg: PairLeg): void;
  /** The engine answered with an error: by its status, or in the first event of a stream. */
  legRefused(leg: PairLeg, status: number): void;
  /** Payload of a good answer, or of a relayed one. */
  legData(leg: PairLeg, buf: Buffer, start: number, end: number): void;
  /** One read of a relayed leg. */
  legPieces(leg: PairLeg, buf: Buffer, start: number, end: number, pieces: Pieces): void;
  /** All of a read has been passed on, and the answer is not whole. */
  legRead(leg: PairLeg): void;
  legWhole(leg: PairLeg): void;
  legFailed(leg: PairLeg, kind: OutcomeKind, retry: Retry): void;
  /** `end` or `abort` was called. */
  legOver(): void;
}

export class PairLeg implements Sink {
  readonly role: LegRole;
  readonly worker: Worker;
  readonly attempt: Attempt;
  /** Of the answer; null before it. */
  head: AnswerHead | null = null;
  /** The client gets the bytes of this leg as they are. Set by the owner. */
  isRelayed = false;
  isOver = false;
  readonly #owner: LegOwner;
  readonly #body: RequestBody;
  #flight: Flight | null = null;
  #upstream: Upstream | null = null;
  /** The answer is a stream whose first event is not known yet. */
  #first: FirstEvent | null = null;
  /** NOT_BEGUN before the payload; then the status in the first event of a stream, or 0 if that was none of an error. */
  #begun = NOT_BEGUN;

  // At most twelve fields (docs/decisions/garbage.md).
  constructor(owner: LegOwner, role: LegRole, worker: Worker, attempt: Attempt, body: RequestBody) {
    this.#owner = owner;
    this.role = role;
    this.worker = worker;
    this.attempt = attempt;
    this.#body = body;
  }

  send(upstream: Upstream, method: string, target: string, fields: readonly string[]): void {
    this.#upstream = upstream;
    const request: UpstreamRequest = { method, target, fields, body: this.#body };
    const flight = upstream.send(request, this.attempt.listen(this));
    // It may have failed at once.
    if (!this.isOver) this.#flight = flight;
  }

  /** What the engine answered, also in the first event of a stream; 0: nothing yet. */
  get status(): number {
    return this.#begun > 0 ? this.#begun : (this.head?.status ?? 0);
  }

  /** The answer has begun, and is a stream of events. */
  get isEventStream(): boolean {
    return this.head !== null && this.head.status < 300 && isRelayedEventStream(this.head);
  }

  /** The first event is not waited for any more. Returns what was held of the stream. */
  stopPeeking(): Buffer {
    const held = this.#first?.held ?? NO_BYTES;
    this.#first = null;
    return held;
  }

  /** The engine may be at work on it. */
  get isAtWork(): boolean {
    return !this.isOver && this.#flight?.isOnWire === true;
  }

  /** Stops reading, until `resume`. Nothing for a leg that is over: its connection may carry another request. */
  pause(): void {
    if (!this.isOver) this.#flight?.pause();
  }

  resume(): void {
    if (!this.isOver) this.#flight?.resume();
  }

  /** The leg is over, by itself or because it failed. `status`: of its answer, 0 without one. */
  end(kind: OutcomeKind, status: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.attempt.end(kind, status);
    this.#body.release(kind === 'ok' && this.#flight?.isBodyFree === true);
    this.#flight?.cancel();
    this.#owner.legOver();
  }

  /** Like `end` for a leg that may still be at work. Returns the upstream whose engine may have the request and must be told. */
  abort(kind: OutcomeKind): Upstream | null {
    if (this.isOver) return null;
    const { isAtWork } = this;
    this.end(kind, this.head?.status ?? 0);
    return isAtWork ? this.#upstream : null;
  }

  // ---- what the worker sends

  onHead(head: AnswerHead): void {
    this.#owner.turn.begin();
    this.head = head;
    const upstream = this.attempt.series?.upstream(head.status);
    if (upstream !== undefined) upstream.value++;
    if (head.status >= 300) {
      this.#owner.legRefused(this, head.status);
      return;
    }
    const isEvents = isRelayedEventStream(head);
    if (isEvents) this.#first = new FirstEvent();
    this.#owner.legOpens(this, isEvents);
  }

  onPieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    this.#owner.turn.begin();
    if (this.isRelayed) this.#owner.legPieces(this, buf, start, end, pieces);
    else {
      const { offsets, count } = pieces;
      for (let i = 0; i < count && !this.isOver; i++) this.#take(buf, offsets[2 * i]!, offsets[2 * i + 1]!);
    }
    // What comes with the end leaves with the end.
    if (!pieces.isLast && !this.isOver) this.#owner.legRead(this);
  }

  onEnd(): void {
    this.#owner.turn.begin();
    this.#begin();
    const first = this.#first;
    this.#first = null;
    // Half of an event: there is no more of it.
    if (first !== null && first.held.length > 0) this.#owner.legData(this, first.held, 0, first.held.length);
    this.#owner.legWhole(this);
  }

  onError(kind: OutcomeKind, retry: Retry): void {
    this.#owner.turn.begin();
    this.#owner.legFailed(this, kind, retry);
  }

  /** The bodies of pairs are sent whole. */
  onDrain(): void {}

  #begin(): void {
    if (this.#begun !== NOT_BEGUN) return;
    this.#begun = 0;
    this.#owner.legBegins(this);
  }

  #take(buf: Buffer, start: number, end: number): void {
    const first = this.#first;
    if (first === null) {
      this.#begin();
      this.#owner.legData(this, buf, start, end);
      return;
    }
    const verdict = first.push(buf, start, end);
    if (verdict === 'more') return;
    this.#begin();
    this.#first = null;
    const [from, at, to] = first.held.length > 0 ? ([first.held, 0, first.held.length] as const) : ([buf, start, end] as const);
    if (verdict !== 'answer') {
      this.#begun = verdict.status;
      this.#owner.legRefused(this, verdict.status);
      if (!this.isRelayed) return;
    }
    this.#owner.legData(this, from, at, to);
  }
}
