/**
 * One request to every worker at once, for what only one of them knows (a stored response): the first answer below
 * 400 wins and the others are cancelled; else the last answer, or an error if nobody had one.
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { ResponseHead } from '../../../wire/http1/response-head.ts';
import { clientHeadText, connectionField } from '../answer/response-fields.ts';
import type { ClientConnection } from '../client/connection.ts';
import { answerFrame, errorResponse } from '../client/whole-answer.ts';
import type { ProxyContext } from '../context.ts';
import { Attempt } from '../dispatch/attempt.ts';
import { failureOf } from '../dispatch/failure.ts';
import { RequestBody } from '../request/body.ts';
import type { RecordOutcome, RequestRecord } from '../routing/request-record.ts';
import type { Flight, Pieces, Sink, UpstreamRequest } from '../upstream/seam.ts';
import type { ServerExchange } from './server-exchange.ts';

/** Asked at the same time; the others wait for an answer that is none. Source: sglang_router 0.3.2. */
const PARALLEL = 32;
/** A stored response that is larger than this is not passed on. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export class FanOutExchange implements ServerExchange {
  readonly #ctx: ProxyContext;
  readonly #connection: ClientConnection;
  readonly #record: RequestRecord;
  readonly #body: RequestBody | null;
  readonly #flights = new Set<Leg>();
  #waiting: WorkerIndex[] = [];
  #last: Leg | null = null;
  #isOver = false;

  constructor(ctx: ProxyContext, connection: ClientConnection, record: RequestRecord) {
    this.#ctx = ctx;
    this.#connection = connection;
    this.#record = record;
    const { head } = record;
    this.#body = head.chunked || head.contentLength >= 0 ? new RequestBody(head.chunked ? -1 : head.contentLength, ctx.memory) : null;
  }

  bodyData(buf: Buffer, start: number, end: number): void {
    this.#record.bytesIn += end - start;
    const limit = this.#ctx.settings.maxReplayBytes;
    if (this.#body !== null && this.#body.hold(buf, start, end, limit) < end) {
      this.bodyFailed('payload_too_large', `the body of this route is limited to ${limit} bytes`);
    }
  }

  bodySpace(): null {
    return null;
  }

  bodyPlaced(): void {}

  bodyEnd(): void {
    if (this.#isOver) return;
    if (this.#body !== null) this.#body.complete = true;
    this.#connection.setDue(this.#ctx.settings.requestTimeoutMs);
    const { workers } = this.#ctx.fleet.current;
    // The ranks of an engine are one server.
    this.#waiting = [...this.#ctx.selection.eligible].filter((worker) => (workers[worker]?.rank?.number ?? 0) === 0);
    if (this.#waiting.length === 0) {
      const none = this.#ctx.fleet.current.total === 0;
      this.#refuse(
        'refused',
        none ? 'no_workers' : 'no_available_workers',
        none ? 'no worker is registered' : 'no worker can take requests now',
      );
      return;
    }
    this.#next();
  }

  bodyFailed(code: ErrorCode, message: string): void {
    this.#refuse('client-gone', code, message);
  }

  clientGone(): void {
    this.#settle('client-gone');
  }

  clientDrained(): void {}

  duePassed(): void {
    const { code, message } = failureOf('timeout');
    this.#refuse('timeout', code, message);
  }

  /** A leg has its whole answer, or has none. */
  legEnded(leg: Leg): void {
    this.#flights.delete(leg);
    this.#ctx.touch();
    if (this.#isOver) return;
    if (leg.head !== null && leg.failure === null) {
      this.#last = leg;
      if (leg.head.status < 400) {
        this.#answer(leg);
        return;
      }
    }
    this.#next();
    if (this.#isOver || this.#flights.size > 0 || this.#waiting.length > 0) return;
    if (this.#last === null) this.#refuse('refused', 'no_worker_response', 'no worker had an answer');
    else this.#answer(this.#last);
  }

  #next(): void {
    const { head, requestId } = this.#record;
    const fields = this.#ctx.fieldRules.select(head, requestId);
    while (!this.#isOver && this.#flights.size < PARALLEL) {
      const worker = this.#waiting.shift();
      if (worker === undefined) return;
      const upstream = this.#ctx.upstreams.find(worker);
      if (upstream === undefined) continue;
      const leg = new Leg(this, new Attempt(this.#ctx, worker, null));
      this.#flights.add(leg);
      const request: UpstreamRequest = { method: head.method, target: head.target, fields, body: this.#body };
      leg.start(upstream.send(request, leg));
    }
  }

  #answer(leg: Leg): void {
    const { head, requestId } = this.#record;
    const answer = leg.head;
    if (answer === null) return;
    const body = Buffer.concat(leg.parts);
    const persist = this.#connection.persists(head);
    const framing = answer.hasBody ? 'length' : 'none';
    const text = clientHeadText(answer, framing, requestId, connectionField(head.minor, persist), body.length);
    const bytes = Buffer.concat([Buffer.from(text, 'latin1'), body]);
    this.#record.status = answer.status;
    this.#record.worker = leg.attempt.series?.url ?? '';
    this.#record.bytesOut = bytes.length;
    this.#connection.write(bytes);
    this.#settle('ok');
    this.#connection.finish(persist);
  }

  #refuse(outcome: RecordOutcome, code: ErrorCode, message: string): void {
    if (this.#isOver) return;
    const { head } = this.#record;
    const persist = this.#connection.persists(head);
    const answer = errorResponse(code, message, answerFrame(this.#record, persist, this.#ctx.date));
    this.#record.errorCode = code;
    this.#record.bytesOut = answer.length;
    this.#connection.write(answer);
    this.#settle(outcome);
    this.#connection.finish(persist);
  }

  #settle(outcome: RecordOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#record.outcome = outcome;
    for (const leg of this.#flights) leg.cancel();
    this.#flights.clear();
    this.#waiting = [];
    this.#body?.release(false);
    this.#ctx.settled(this.#record, undefined, 0);
  }
}

/** One worker's part: gathers its answer. */
class Leg implements Sink {
  readonly #owner: FanOutExchange;
  readonly attempt: Attempt;
  head: ResponseHead | null = null;
  parts: Buffer[] = [];
  failure: OutcomeKind | null = null;
  #bytes = 0;
  #flight: Flight | null = null;
  #isOver = false;

  constructor(owner: FanOutExchange, attempt: Attempt) {
    this.#owner = owner;
    this.attempt = attempt;
  }

  start(flight: Flight): void {
    if (!this.#isOver) this.#flight = flight;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#flight?.cancel();
    this.attempt.end('cancelled', 0);
  }

  onHead(head: ResponseHead): void {
    this.head = head;
    const upstream = this.attempt.series?.upstream(head.status);
    if (upstream !== undefined) upstream.value++;
  }

  onPieces(buf: Buffer, _start: number, _end: number, { offsets, count }: Pieces): void {
    for (let i = 0; i < count; i++) {
      const piece = buf.subarray(offsets[2 * i]!, offsets[2 * i + 1]!);
      this.#bytes += piece.length;
      if (this.#bytes > MAX_ANSWER_BYTES) {
        this.#flight?.cancel();
        this.onError('malformed');
        return;
      }
      this.parts.push(Buffer.from(piece));
    }
  }

  onDrain(): void {}

  onEnd(): void {
    const status = this.head?.status ?? 0;
    this.#end(status >= 500 ? 'status' : 'ok', status);
  }

  onError(kind: OutcomeKind): void {
    this.failure = kind;
    this.#end(kind, 0);
  }

  #end(kind: OutcomeKind, status: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.attempt.end(kind, status);
    this.#owner.legEnded(this);
  }
}
