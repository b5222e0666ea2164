/**
 * One request to a worker and its answer.
 *
 *   RECEIVING --body held whole, or more than is held--> choose a worker, send
 *       |                                                     |
 *       |                                                  WAITING --connecting failed--> choose another (at most 3 tries)
 *       |                                                     | head of the answer
 *       |                                                  RELAYING --whole--> settled: ok
 *       |                                                     | worker gone or silent: error event (SSE), connection aborted
 *       '--refused, client gone, failed: error answer if nothing was written--> settled
 *
 * `#settle` is the one end: it ends the attempt (which releases the load), counts, and lets go of the body.
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Prompt } from '../../../base/core/route-input.ts';
import { NONE, type WorkerIndex } from '../../../base/core/worker.ts';
import { ShapeKeeper } from '../../../base/runtime/object-shape.ts';
import type { ResponseHead } from '../../../wire/http1/response-head.ts';
import { EventMeter } from '../answer/event-meter.ts';
import { RelayedAnswer } from '../answer/relayed-answer.ts';
import type { ClientConnection } from '../client/connection.ts';
import { answerFrame, errorResponse } from '../client/whole-answer.ts';
import type { ProxyContext } from '../context.ts';
import { Attempt } from '../dispatch/attempt.ts';
import { failureOf } from '../dispatch/failure.ts';
import { RequestBody } from '../request/body.ts';
import type { RankBodies } from '../request/rank-body.ts';
import { NO_PROMPT } from '../request/scanned-prompt.ts';
import type { RecordOutcome, RequestRecord } from '../routing/request-record.ts';
import type { Flight, Pieces, Sink } from '../upstream/seam.ts';
import type { ServerExchange } from './server-exchange.ts';

/** Workers tried when connecting fails; nothing was sent then, so another can be asked at once. */
const MAX_ATTEMPTS = 3;
const SHAPE = new ShapeKeeper();

type State = 'receiving' | 'waiting' | 'relaying' | 'settled';

export class Exchange implements Sink, ServerExchange {
  readonly #ctx: ProxyContext;
  readonly #connection: ClientConnection;
  readonly #record: RequestRecord;
  readonly #body: RequestBody | null;
  /** What is held of the body before it streams. */
  readonly #heldBytes: number;
  /** The body as this attempt's worker gets it, where it names a rank; null: as the client sent it. */
  #ranked: RequestBody | null = null;
  #fields: readonly string[] | null = null;
  #state: State = 'receiving';
  /** Workers that could not be reached, in order. */
  #failed: readonly WorkerIndex[] = [];
  #attempt: Attempt | null = null;
  #flight: Flight | null = null;
  #answer: RelayedAnswer | null = null;
  /** Of an event stream. */
  #meter: EventMeter | null = null;
  #isUploading = false;
  /** When the last bytes of the request came. */
  #askedMs = 0;
  /** When the last bytes of the answer came, or the client took some again. */
  #lastMs = 0;

  constructor(ctx: ProxyContext, connection: ClientConnection, record: RequestRecord) {
    const head = record.head;
    this.#ctx = ctx;
    this.#connection = connection;
    this.#record = record;
    this.#body = head.chunked || head.contentLength >= 0 ? new RequestBody(head.chunked ? -1 : head.contentLength, ctx.memory) : null;
    // A rank can only be put into a body that is there whole.
    this.#heldBytes = this.#isRanked ? ctx.settings.maxPayloadBytes : ctx.settings.maxReplayBytes;
    SHAPE.made(this);
  }

  // ---- what the client sends

  bodyData(buf: Buffer, start: number, end: number): void {
    this.#record.bytesIn += end - start;
    const body = this.#body;
    if (body === null || this.#state === 'settled') return;
    if (this.#isUploading) {
      this.#askedMs = this.#ctx.turnMs;
      if (this.#flight?.writeBody(buf, start, end) === false) this.#connection.pauseReading();
      return;
    }
    const held = body.hold(buf, start, end, this.#heldBytes);
    if (held === end) return;
    if (this.#isRanked) {
      this.#refuse('refused', 'body_memory_full', 'the request bodies that the router holds take all the memory that they may');
      return;
    }
    // More than is held: from here on the body streams. What this read brought still waits with the rest for a connection.
    body.append(buf, held, end);
    body.streamed = true;
    this.#isUploading = true;
    this.#askedMs = this.#ctx.turnMs;
    this.#record.streamedBody = true;
    this.#connection.pauseReading();
    this.#dispatch();
  }

  bodySpace(bytes: number): Buffer | null {
    if (this.#body === null || this.#isUploading || this.#state !== 'receiving') return null;
    return this.#body.space(bytes, this.#heldBytes);
  }

  bodyPlaced(bytes: number): void {
    this.#record.bytesIn += bytes;
    this.#body?.placed(bytes);
  }

  bodyEnd(): void {
    if (this.#state === 'settled') return;
    this.#askedMs = this.#ctx.turnMs;
    // The answer may have begun before the request was whole; the silence of a worker that waited for it begins now.
    this.#lastMs = this.#ctx.turnMs;
    if (this.#state === 'relaying') this.duePassed();
    else this.#connection.setDue(this.#ctx.settings.requestTimeoutMs);
    if (this.#isUploading) {
      this.#flight?.endBody();
      // Nothing more of the body can come; only a reader sees the client leave, or ask again.
      this.#connection.resumeReading();
      return;
    }
    if (this.#body !== null) this.#body.complete = true;
    this.#dispatch();
  }

  bodyFailed(code: ErrorCode, message: string): void {
    const kind = code === 'shutting_down' ? 'cancelled' : 'client-gone';
    if (this.#state === 'relaying') this.#endEarly(kind, code, message);
    else this.#refuse(kind, code, message);
  }

  clientGone(): void {
    this.#settle('client-gone');
  }

  clientDrained(): void {
    const answer = this.#answer;
    if (answer === null || !answer.stalled) return;
    answer.drained();
    this.#flight?.resume();
    // The worker was not heard meanwhile: its silence begins now.
    this.#ctx.touch();
    this.#lastMs = this.#ctx.turnMs;
    if (this.#connection.requestComplete) this.duePassed();
  }

  duePassed(): void {
    const now = this.#ctx.turnMs;
    const { requestTimeoutMs, streamIdleTimeoutMs } = this.#ctx.settings;
    const requestDue = this.#askedMs + requestTimeoutMs - now;
    // While the client does not read, the worker cannot be blamed for silence.
    const isIdleLimited = this.#state === 'relaying' && streamIdleTimeoutMs > 0 && this.#answer?.stalled !== true;
    const idleDue = isIdleLimited ? this.#lastMs + streamIdleTimeoutMs - now : Number.POSITIVE_INFINITY;
    const due = Math.min(requestDue, idleDue);
    if (due > 0) {
      this.#connection.setDue(due);
      return;
    }
    const { code, message } = failureOf('timeout');
    if (this.#state === 'relaying') this.#endEarly('timeout', code, message);
    else this.#refuse('timeout', code, message);
  }

  // ---- the choice

  /** Requests of this route name the rank that they go to. */
  get #isRanked(): boolean {
    return this.#ctx.ranks !== null && this.#record.route.prompt !== null;
  }

  #dispatch(): void {
    const ctx = this.#ctx;
    if (this.#isRanked && this.#record.head.find('content-encoding') !== undefined) {
      this.#refuse('refused', 'unsupported_media_type', 'the body has a content-encoding: a router with --dp-aware must read it');
      return;
    }
    const prompt = this.#read();
    if (typeof prompt === 'string') {
      this.#refuse('refused', 'json_parse_error', `the request body is not valid JSON: ${prompt}`);
      return;
    }
    const { head, requestId, route } = this.#record;
    const choice = route.kind === 'policy' ? ctx.selection.choose(prompt, head, ctx.turnMs, this.#failed) : null;
    const worker = choice === null ? this.#anyWorker() : choice.worker;
    const upstream = worker === NONE ? undefined : ctx.upstreams.find(worker);
    if (upstream === undefined) {
      this.#refuseNoWorker();
      return;
    }
    if (ctx.ranks !== null && !this.#nameRank(ctx.ranks, worker)) return;
    const target = route.enginePath === null ? head.target : route.enginePath + head.target.substring(head.path.length);
    this.#fields ??= ctx.fieldRules.select(head, requestId);
    const attempt = new Attempt(ctx, worker, choice);
    ctx.reader.forget();
    this.#attempt = attempt;
    this.#state = 'waiting';
    this.#record.attempts++;
    this.#record.worker = attempt.series?.url ?? '';
    const flight = upstream.send(
      { method: head.method, target, fields: this.#fields, body: this.#ranked ?? this.#body },
      attempt.listen(this),
    );
    // It may have failed at once and been tried elsewhere.
    if (this.#attempt === attempt) this.#flight = flight;
  }

  /** Makes the body that goes to the worker; false: it cannot be made, and the request is refused. */
  #nameRank(ranks: RankBodies, worker: WorkerIndex): boolean {
    const rank = this.#ctx.fleet.current.workers[worker]?.rank ?? null;
    if (rank === null || this.#body === null || !this.#isRanked) return true;
    const ranked = ranks.make(this.#body, rank);
    if (typeof ranked === 'string') {
      this.#refuse('refused', 'invalid_request', ranked);
      return false;
    }
    this.#ranked = ranked;
    return true;
  }

  #read(): Prompt | string {
    const { prompt } = this.#record.route;
    if (prompt === null || this.#body === null || !this.#ctx.reader.needsPrompt) return NO_PROMPT;
    return this.#ctx.reader.read(this.#body, prompt);
  }

  /** The first worker that can answer, other than the one that just failed. */
  #anyWorker(): WorkerIndex {
    for (const worker of this.#ctx.selection.eligible) if (worker !== this.#failed.at(-1)) return worker;
    return NONE;
  }

  // ---- what the worker sends

  onDrain(): void {
    this.#connection.resumeReading();
  }

  onHead(head: ResponseHead): void {
    this.#ctx.touch();
    this.#state = 'relaying';
    const upstream = this.#attempt?.series?.upstream(head.status);
    if (upstream !== undefined) upstream.value++;
    this.#answer = new RelayedAnswer(this.#connection, this.#record, head);
    this.#meter = this.#answer.isEvents ? new EventMeter() : null;
    const idleMs = this.#ctx.settings.streamIdleTimeoutMs;
    if (idleMs > 0 && this.#connection.requestComplete) this.#connection.setDue(Math.min(idleMs, this.#ctx.settings.requestTimeoutMs));
  }

  onPieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    const answer = this.#answer;
    if (answer === null) return;
    this.#meter?.saw(pieces.count);
    answer.pieces(buf, start, end, pieces);
    // What comes with the end leaves with the end.
    if (pieces.isLast) return;
    this.#ctx.touch();
    answer.flush();
    this.#observe();
    if (answer.stalled) this.#flight?.pause();
  }

  onEnd(): void {
    this.#ctx.touch();
    const answer = this.#answer;
    answer?.end();
    this.#observe();
    this.#settle(this.#record.status >= 500 ? 'status' : 'ok');
    answer?.finish();
  }

  onError(kind: OutcomeKind): void {
    this.#ctx.touch();
    const failed = this.#attempt;
    const { code, message } = failureOf(kind);
    if (this.#state === 'relaying') {
      this.#endEarly(kind, code, message);
      return;
    }
    const isUnsent = kind === 'connect-failed' || kind === 'connect-timeout';
    if (!isUnsent || this.#record.attempts >= MAX_ATTEMPTS || failed === null) {
      this.#refuse(kind, code, message);
      return;
    }
    this.#attempt = null;
    this.#flight = null;
    this.#failed = [...this.#failed, failed.worker];
    this.#ranked?.release(false);
    this.#ranked = null;
    failed.end(kind, 0);
    if (this.#ctx.selection.hasOther([failed.worker], 'workers')) this.#dispatch();
    else this.#refuse(kind, code, message);
  }

  #observe(): void {
    const now = this.#ctx.turnMs;
    if (this.#meter !== null && this.#attempt !== null) this.#meter.observe(now, this.#attempt, this.#record);
    this.#lastMs = now;
  }

  // ---- ends

  #refuseNoWorker(): void {
    const what = this.#ctx.pairing === null ? 'worker' : 'prefill worker';
    if (this.#ctx.fleet.current.total === 0) this.#refuse('refused', 'no_workers', `no ${what} is registered`);
    else this.#refuse('refused', 'no_available_workers', `no ${what} can take requests now: all are down, starting or leaving`);
  }

  /** Nothing has been written: an error answer. */
  #refuse(kind: RecordOutcome, code: ErrorCode, message: string): void {
    if (this.#state === 'settled') return;
    const { head } = this.#record;
    const connection = this.#connection;
    const persist = connection.persists(head);
    const answer = errorResponse(code, message, answerFrame(this.#record, persist, this.#ctx.date));
    this.#record.errorCode = code;
    this.#record.bytesOut = answer.length;
    connection.write(answer);
    this.#settle(kind);
    connection.finish(persist);
  }

  /** The answer has begun: what is whole leaves, then an end that no client takes for the real one. */
  #endEarly(kind: OutcomeKind, code: ErrorCode, message: string): void {
    const answer = this.#answer;
    if (this.#state === 'settled' || answer === null) return;
    if (answer.bytes === 0) {
      // The head came in the same read as the end: nothing has left yet.
      this.#answer = null;
      this.#record.status = 0;
      this.#refuse(kind, code, message);
      return;
    }
    this.#record.errorCode = code;
    answer.cut(code, message);
    this.#settle(kind);
    answer.abort();
  }

  #settle(kind: RecordOutcome): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    const record = this.#record;
    const isFree = kind === 'ok' && this.#flight?.isBodyFree === true;
    this.#flight?.cancel();
    this.#flight = null;
    if (kind !== 'refused') this.#attempt?.end(kind, record.status);
    this.#ranked?.release(isFree);
    this.#body?.release(isFree || this.#ranked !== null);
    record.outcome = kind;
    if (this.#answer !== null) record.bytesOut = this.#answer.bytes;
    this.#ctx.settled(record, this.#attempt?.series, this.#meter?.count ?? 0);
  }
}
