/** One leg of a pair: the request at its prefill or its decode worker. Counts that worker's load from sending to its end. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Worker } from '../../../base/core/worker.ts';
import type { ResponseHead } from '../../../wire/http1/response-head.ts';
import type { FirstEvent } from '../../pair/first-event.ts';
import type { ProxyContext } from '../context.ts';
import type { Attempt } from '../dispatch/attempt.ts';
import type { RequestBody } from '../request/body.ts';
import type { Flight, Pieces, Sink, Upstream, UpstreamRequest } from '../upstream/seam.ts';

export type LegRole = 'prefill' | 'decode';

/** Who decides what the answers of both legs mean. After `end` or `abort` of a leg it hears nothing of it any more. */
export interface LegOwner {
  legHead(leg: PairLeg, head: ResponseHead): void;
  legPieces(leg: PairLeg, buf: Buffer, start: number, end: number, pieces: Pieces): void;
  /** Its answer is whole. */
  legWhole(leg: PairLeg): void;
  legFailed(leg: PairLeg, kind: OutcomeKind): void;
  /** `end` or `abort` has been called. */
  legOver(): void;
}

export class PairLeg implements Sink {
  readonly role: LegRole;
  readonly worker: Worker;
  readonly attempt: Attempt;
  /** Of the answer; null before it. */
  head: ResponseHead | null = null;
  /** A byte of the answer's body has come. */
  hasAnswered = false;
  /** The answer is a stream whose first event is not known yet. */
  first: FirstEvent | null = null;
  /** What a stream's first event said had gone wrong; 0: nothing. */
  failedStatus = 0;
  isOver = false;
  readonly #ctx: ProxyContext;
  readonly #owner: LegOwner;
  readonly #body: RequestBody;
  #flight: Flight | null = null;
  #upstream: Upstream | null = null;

  constructor(ctx: ProxyContext, owner: LegOwner, role: LegRole, worker: Worker, attempt: Attempt, body: RequestBody) {
    this.#ctx = ctx;
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

  /** The engine may be at work on it. */
  get isAtWork(): boolean {
    return !this.isOver && this.#flight?.isOnWire === true;
  }

  /** Stops and goes on reading; of a leg that is over nothing, for its connection may carry another request. */
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

  /** Like `end` for a leg that may be at work still. Answers the upstream whose engine may have the request and must be told. */
  abort(kind: OutcomeKind): Upstream | null {
    if (this.isOver) return null;
    const { isAtWork } = this;
    this.end(kind, this.head?.status ?? 0);
    return isAtWork ? this.#upstream : null;
  }

  // ---- what the worker sends

  onHead(head: ResponseHead): void {
    this.#ctx.touch();
    this.head = head;
    const upstream = this.attempt.series?.upstream(head.status);
    if (upstream !== undefined) upstream.value++;
    this.#owner.legHead(this, head);
  }

  onPieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    this.#ctx.touch();
    this.#owner.legPieces(this, buf, start, end, pieces);
  }

  onEnd(): void {
    this.#ctx.touch();
    this.#owner.legWhole(this);
  }

  onError(kind: OutcomeKind): void {
    this.#ctx.touch();
    this.#owner.legFailed(this, kind);
  }

  onDrain(): void {}
}
