/**
 * One request to a prefill-decode pair and its answer. Both legs get the same body at once; the client gets decode's answer
 * from its first byte on, whether prefill has ended or not.
 *
 *   RECEIVING --body whole--> choose both workers, draw a room, send both legs
 *       |                          |         ^
 *       |                       WAITING -----'  a leg failed, and there is another worker for it (at most 3 pairs)
 *       |                          |
 *       |                          |-- first byte of decode -----------------> RELAYING decode --whole--> settled: ok
 *       |                          |-- a leg answered >= 300, or with an            | decode gone or silent:
 *       |                          |   error event: that answer is the client's     | error event (SSE), connection aborted
 *       |                          |   ------------------------------------> RELAYING that leg
 *       '--refused, client gone----'-- a leg gone or silent: error answer --------> settled
 *
 * As soon as a leg has failed, or the client is gone, the other leg is aborted in the same turn: its socket is closed and its
 * engine told. Only the leg that failed is blamed. Once decode has begun, prefill does not matter any more: the KV has
 * arrived. A prefill that is not whole when decode is lingers: it is read to its end, for a while.
 *
 * `#settle` is the one end of the request; a pair ends, and leaves the ledger, when both of its legs are over (`legOver`).
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import { isUnreachable, type OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import { ShapeKeeper } from '../../../base/runtime/object-shape.ts';
import type { ResponseHead } from '../../../wire/http1/response-head.ts';
import type { PromptFields } from '../../../wire/json/prompt-fields.ts';
import { FirstEvent, type StreamFailure } from '../../pair/first-event.ts';
import type { ByteSink } from '../../pair/logprob-splicer.ts';
import { EventMeter } from '../answer/event-meter.ts';
import { RelayedAnswer } from '../answer/relayed-answer.ts';
import { isRelayedEventStream } from '../answer/response-fields.ts';
import type { ClientConnection } from '../client/connection.ts';
import { answerFrame, errorResponse } from '../client/whole-answer.ts';
import type { ProxyContext } from '../context.ts';
import { failureOf } from '../dispatch/failure.ts';
import type { ServerExchange } from '../exchange/server-exchange.ts';
import { RequestBody } from '../request/body.ts';
import type { RecordOutcome, RequestRecord } from '../routing/request-record.ts';
import type { Pieces } from '../upstream/seam.ts';
import type { LegOwner, PairLeg } from './leg.ts';
import type { PairMerge } from './merge.ts';
import { type FailedWorkers, openPair, type Pair } from './pair.ts';
import type { Lingering, Pairing } from './pairing.ts';
import type { PairRequest } from './reader.ts';
import { PairRetries } from './retry.ts';
import { abortFields } from './rids.ts';
import { PairTimes } from './times.ts';

/** An engine may still be reading a request that was sent this long ago. */
const YOUNG_MS = 1000;

const NEVER = Number.POSITIVE_INFINITY;
const NOBODY: readonly WorkerIndex[] = [];
const SHAPE = new ShapeKeeper();

type State = 'receiving' | 'waiting' | 'relaying' | 'settled';

export class PairExchange implements ServerExchange, LegOwner, Lingering, ByteSink {
  readonly #ctx: ProxyContext;
  readonly #pairing: Pairing;
  readonly #connection: ClientConnection;
  readonly #record: RequestRecord;
  readonly #prompt: PromptFields;
  readonly #body: RequestBody;
  readonly #meter = new EventMeter();
  #state: State = 'receiving';
  #request: PairRequest | null = null;
  /** The client asked for a stream. */
  #isStream = false;
  #fields: readonly string[] = [];
  #pair: Pair | null = null;
  readonly #failed: FailedWorkers = { prefill: NOBODY, decode: NOBODY };
  readonly #retries = new PairRetries();
  /** Whose answer the client gets. */
  #answering: PairLeg | null = null;
  /** The same leg, if its bytes pass as they are. */
  #direct: PairLeg | null = null;
  #answer: RelayedAnswer | null = null;
  previous: Lingering | null = null;
  next: Lingering | null = null;
  isListed = false;
  lingersUntilMs = 0;
  readonly #times: PairTimes;
  /** When the last bytes of the answer came, or the client took some again. */
  #lastMs = 0;

  constructor(ctx: ProxyContext, pairing: Pairing, connection: ClientConnection, record: RequestRecord, prompt: PromptFields) {
    const { head } = record;
    this.#ctx = ctx;
    this.#pairing = pairing;
    this.#connection = connection;
    this.#record = record;
    this.#prompt = prompt;
    this.#times = new PairTimes(pairing.series, record.startMs);
    this.#body = new RequestBody(head.chunked ? -1 : Math.max(0, head.contentLength), ctx.memory);
    SHAPE.made(this);
  }

  // ---- what the client sends

  bodyData(buf: Buffer, start: number, end: number): void {
    this.#record.bytesIn += end - start;
    if (this.#state !== 'receiving') return;
    if (this.#body.hold(buf, start, end, this.#ctx.settings.maxPayloadBytes) === end) return;
    this.#refuse('refused', 'body_memory_full', 'the request bodies that the router holds take all the memory that they may');
  }

  bodySpace(bytes: number): Buffer | null {
    return this.#state === 'receiving' ? this.#body.space(bytes, this.#ctx.settings.maxPayloadBytes) : null;
  }

  bodyPlaced(bytes: number): void {
    this.#record.bytesIn += bytes;
    this.#body.placed(bytes);
  }

  bodyEnd(): void {
    if (this.#state !== 'receiving') return;
    const { head, requestId, route } = this.#record;
    this.#body.complete = true;
    this.#times.askedMs = this.#ctx.turnMs;
    if (head.find('content-encoding') !== undefined) {
      this.#refuse('refused', 'unsupported_media_type', 'the body has a content-encoding: a router of pairs must read it');
      return;
    }
    const request = this.#pairing.reader.read(this.#body, route.endpoint, this.#prompt);
    if (typeof request === 'string') {
      this.#refuse('refused', 'json_parse_error', `the request body is not valid JSON: ${request}`);
    } else if ('message' in request) {
      this.#refuse('refused', 'invalid_request', request.message, request.param);
    } else {
      this.#request = request;
      this.#isStream = request.isStream;
      this.#fields = this.#ctx.fieldRules.select(head, requestId);
      this.#try(request);
    }
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
    this.#answering?.resume();
    // The worker was not heard meanwhile: its silence begins now.
    this.#ctx.touch();
    this.#lastMs = this.#ctx.turnMs;
    this.duePassed();
  }

  duePassed(): void {
    const now = this.#ctx.turnMs;
    const { requestTimeoutMs } = this.#ctx.settings;
    const requestDue = this.#times.askedMs + requestTimeoutMs;
    const due = Math.min(requestDue, this.#silenceDue());
    if (now < due) this.#connection.setDue(due - now);
    else if (this.#state === 'waiting') this.#bootstrapOver(now < requestDue);
    else this.#cutSilent();
  }

  /** When the engines have been silent for too long. */
  #silenceDue(): number {
    const { streamIdleTimeoutMs } = this.#ctx.settings;
    if (this.#state === 'waiting') return this.#times.bootstrapDue(this.#pairing.settings.bootstrapTimeoutMs, this.#isStream);
    // While the client does not read, the worker cannot be blamed for silence.
    return streamIdleTimeoutMs > 0 && this.#answer?.stalled !== true ? this.#lastMs + streamIdleTimeoutMs : NEVER;
  }

  // ---- the choice

  #try(request: PairRequest): void {
    const record = this.#record;
    const pair = openPair(this.#ctx, this.#pairing, this, request, this.#body, record, this.#failed);
    this.#pairing.reader.forget();
    if ('code' in pair) {
      this.#refuse('refused', pair.code, pair.message);
      return;
    }
    this.#pair = pair;
    this.#state = 'waiting';
    this.#times.sent(pair.live);
    record.attempts++;
    record.worker = pair.decode.worker.url;
    record.prefillWorker = pair.prefill.worker.url;
    this.duePassed();
    this.#send(pair.prefill);
    // The first leg may have failed at once, and another pair be tried by now.
    if (!pair.decode.isOver) this.#send(pair.decode);
  }

  #send(leg: PairLeg): void {
    const { method, target } = this.#record.head;
    const upstream = this.#ctx.upstreams.find(leg.worker.index);
    if (upstream === undefined) this.legFailed(leg, 'connect-failed');
    else leg.send(upstream, method, target, this.#fields);
  }

  /** Gives the pair up and tries another, if the failure allows it and there is another worker to do it. */
  #tryAnother(leg: PairLeg, kind: OutcomeKind, status: number, mayBeOther = false): boolean {
    const request = this.#request;
    const pair = this.#pair;
    if (request === null || pair === null) return false;
    this.#pairing.series.failures[leg.role].value++;
    const afterMs = this.#ctx.turnMs - pair.live.startMs;
    if (!this.#retries.mayTryAnother({ kind, status, afterMs })) return false;
    const selection = this.#pairing[leg.role];
    if (!selection.hasOther([leg.worker.index], isUnreachable(kind) ? 'engines' : 'workers')) return false;
    const other = leg.role === 'prefill' ? pair.decode : pair.prefill;
    // An engine refuses a request id that it still works on, and would take the abort for the new request; our ids are new with
    // every pair, the client's is not.
    const hasOwnId = pair.rids.isClients && other.isAtWork;
    if (hasOwnId && !this.#pairing[other.role].hasOther([other.worker.index], 'engines')) return false;
    if (kind === 'timeout') this.#abort(pair, leg, kind);
    else leg.end(kind, status);
    this.#abort(pair, other, 'cancelled');
    this.#failed[leg.role] = [...this.#failed[leg.role], leg.worker.index];
    if (hasOwnId || mayBeOther) this.#failed[other.role] = [...this.#failed[other.role], other.worker.index];
    this.#pairing.series.retries.value++;
    this.#pairing.reader.scan(this.#body, this.#prompt);
    this.#try(request);
    return true;
  }

  /** Closes a leg's socket and tells its engine. */
  #abort(pair: Pair, leg: PairLeg, kind: OutcomeKind, isTold = true): void {
    const upstream = leg.abort(kind);
    if (upstream === null || !isTold) return;
    const { aborts } = this.#pairing;
    const fields = abortFields(this.#fields);
    // A stream's engine sees at once that its socket is closed. An id of the client may have come back with a new request by then.
    const isYoung = !this.#isStream && !pair.rids.isClients && this.#ctx.turnMs - pair.live.startMs < YOUNG_MS;
    for (const rid of pair.rids.all) {
      if (isYoung) aborts.sendTwice(upstream, rid, fields);
      else aborts.send(upstream, rid, fields);
    }
  }

  // ---- what the workers send

  legHead(leg: PairLeg, head: ResponseHead): void {
    const isEvents = isRelayedEventStream(head);
    if (isEvents) leg.first = new FirstEvent();
    if (this.#state !== 'waiting') return;
    if (head.status < 300) {
      const merge = this.#pair?.merge;
      if (leg.role === 'prefill') merge?.prefillHead(isEvents);
      else merge?.decodeHead(isEvents);
      return;
    }
    if (head.status >= 500 && this.#tryAnother(leg, 'status', head.status)) return;
    leg.first = null;
    this.#answerWith(leg, head);
  }

  legPieces(leg: PairLeg, buf: Buffer, start: number, end: number, pieces: Pieces): void {
    if (leg === this.#direct) {
      this.#meter.saw(pieces.count);
      this.#answer?.pieces(buf, start, end, pieces);
    } else {
      const { offsets, count } = pieces;
      for (let i = 0; i < count && !leg.isOver; i++) this.#legData(leg, buf, offsets[2 * i]!, offsets[2 * i + 1]!);
    }
    // What comes with the end leaves with the end.
    if (!pieces.isLast) this.#legRead(leg);
  }

  #legData(leg: PairLeg, buf: Buffer, start: number, end: number): void {
    if (leg === this.#direct) {
      this.#meter.saw(1);
      this.#answer?.data(buf, start, end);
      return;
    }
    if (!leg.hasAnswered) this.#legBegins(leg);
    const { first } = leg;
    if (first === null) {
      this.#said(leg, buf, start, end);
      return;
    }
    const verdict = first.push(buf, start, end);
    if (verdict === 'more') return;
    leg.first = null;
    const isHeld = first.held.length > 0;
    const [from, at, to] = isHeld ? [first.held, 0, first.held.length] : [buf, start, end];
    if (verdict === 'answer') this.#said(leg, from, at, to);
    else this.#streamFailed(leg, verdict, from, at, to);
  }

  /** All of a read has been passed on. */
  #legRead(leg: PairLeg): void {
    const answer = this.#answer;
    if (leg === this.#direct && answer !== null) {
      answer.flush();
      this.#observe(leg, answer);
      if (answer.stalled) leg.pause();
    } else if (!leg.isOver && this.#pair !== null && this.#pair.merge !== null) this.#merged(this.#pair, this.#pair.merge);
  }

  legWhole(leg: PairLeg): void {
    const { head, first } = leg;
    const pair = this.#pair;
    if (pair === null) return;
    if (!leg.hasAnswered) this.#legBegins(leg);
    if (this.#state === 'waiting' && head !== null && first !== null && first.held.length > 0) {
      // Half of an event: it is what there is.
      this.#said(leg, first.held, 0, first.held.length);
    }
    const status = leg.failedStatus === 0 ? (head?.status ?? 0) : leg.failedStatus;
    const kind = status >= 500 ? 'status' : 'ok';
    if (leg.role === 'prefill') this.#times.prefillEnds(this.#ctx.turnMs);
    if (leg !== this.#direct && pair.merge !== null && this.#state !== 'settled') {
      if (leg.role === 'decode' && head !== null && this.#times.begunMs === 0) this.#decodes(leg, head);
      leg.end(kind, status);
      if (leg.role === 'prefill') pair.merge.prefillEnd();
      else pair.merge.decodeEnd();
      this.#merged(pair, pair.merge);
      return;
    }
    // An answer without a body.
    if (this.#state === 'waiting' && leg.role === 'decode' && head !== null) this.#decodes(leg, head);
    const answer = this.#answer;
    if (leg !== this.#direct || answer === null) {
      leg.end(kind, status);
      if (this.#state === 'waiting') this.duePassed();
      return;
    }
    answer.end();
    this.#observe(leg, answer);
    leg.end(kind, status);
    this.#finish(leg, answer, kind);
  }

  legFailed(leg: PairLeg, kind: OutcomeKind): void {
    if (leg === this.#answering && this.#state === 'relaying') {
      this.#cut(leg, kind);
      return;
    }
    const isNeeded = this.#state === 'relaying' && this.#direct === null && this.#pair?.merge?.isPrefillDone === false;
    if (isNeeded) {
      this.#cut(leg, kind);
      return;
    }
    // After decode's first byte nobody needs prefill any more.
    if (this.#state !== 'waiting') {
      leg.end(kind, 0);
      return;
    }
    if (this.#tryAnother(leg, kind, 0)) return;
    leg.end(kind, 0);
    const { code, message } = failureOf(kind, nameOf(leg));
    this.#refuse(kind, code, message);
  }

  legOver(): void {
    const pair = this.#pair;
    if (pair === null || !pair.prefill.isOver || !pair.decode.isOver) return;
    this.#pairing.ledger.close(pair.live);
    this.#pairing.lingering.delete(this);
  }

  /** The first byte of a leg's answer. */
  #legBegins(leg: PairLeg): void {
    leg.hasAnswered = true;
    if (leg.role !== 'prefill') return;
    this.#ctx.touch();
    this.#times.prefillAnswers(this.#ctx.turnMs);
  }

  /** Bytes of a leg's answer, of which the first event, if it is a stream, is a good one. */
  #said(leg: PairLeg, buf: Buffer, start: number, end: number): void {
    const { head } = leg;
    const merge = this.#pair?.merge ?? null;
    if (this.#state === 'settled' || head === null) return;
    if (leg.role === 'prefill') {
      if (merge !== null && !merge.prefillData(buf, start, end)) this.#tooLargeToMerge();
      return;
    }
    if (this.#times.begunMs === 0) this.#decodes(leg, head);
    if (merge === null) {
      this.#meter.saw(1);
      this.#answer?.data(buf, start, end);
    } else if (!merge.decodeData(buf, start, end)) this.#tooLargeToMerge();
  }

  /** Decode has sent its first byte: the KV has arrived, and its answer is the client's. */
  #decodes(leg: PairLeg, head: ResponseHead): void {
    const pair = this.#pair;
    if (pair === null) return;
    this.#ctx.touch();
    this.#times.decodeAnswers(this.#ctx.turnMs);
    if (pair.merge !== null) return;
    this.#direct = leg;
    this.#relay(leg, head);
  }

  /** Merged bytes of a stream. */
  onBytes(buf: Buffer, start: number, end: number): void {
    const decode = this.#pair?.decode;
    if (this.#state === 'waiting' && decode !== undefined && decode.head !== null) {
      // What is put in makes it longer than the worker said.
      this.#relay(decode, decode.head, -1);
    }
    this.#meter.saw(1);
    this.#answer?.data(buf, start, end);
  }

  /** After a read of either leg whose answers are merged. */
  #merged(pair: Pair, merge: PairMerge): void {
    const { decode } = pair;
    if (this.#state === 'settled' || this.#direct !== null) return;
    if (merge.isWhole && decode.head !== null) {
      if (this.#answer === null) this.#relay(decode, decode.head, merge.isPlain ? merge.partBytes : -1);
      const answer = this.#answer;
      if (answer === null) return;
      for (const part of merge.parts) answer.data(part, 0, part.length);
      answer.end();
      this.#observe(decode, answer);
      this.#finish(decode, answer, 'ok');
      return;
    }
    const answer = this.#answer;
    if (answer !== null) {
      answer.flush();
      this.#observe(decode, answer);
    }
    if (merge.isWaiting || answer?.stalled === true) decode.pause();
    else decode.resume();
    this.duePassed();
  }

  #tooLargeToMerge(): void {
    const message = 'the logprobs of the prompt are more than the router keeps to put them into the answer';
    if (this.#state === 'relaying') this.#endEarly('cancelled', 'merge_too_large', message);
    else this.#refuse('refused', 'merge_too_large', message);
  }

  /** A leg has failed with an answer of its own: the client gets it as it is. */
  #answerWith(leg: PairLeg, head: ResponseHead): void {
    const pair = this.#pair;
    if (pair === null) return;
    // A client's id that is at work already is refused by both engines, and an abort would end the request that has it.
    const isDoubtful = pair.rids.isClients && (leg.failedStatus || head.status) === 400;
    this.#abort(pair, leg.role === 'prefill' ? pair.decode : pair.prefill, 'cancelled', !isDoubtful);
    this.#record.worker = leg.worker.url;
    this.#direct = leg;
    this.#relay(leg, head);
  }

  /** The first event of a stream says that there will be no answer. */
  #streamFailed(leg: PairLeg, { status }: StreamFailure, buf: Buffer, start: number, end: number): void {
    const { head } = leg;
    leg.failedStatus = status;
    if (this.#state !== 'waiting' || head === null) return;
    if (status >= 500 && this.#tryAnother(leg, 'status', status)) return;
    this.#answerWith(leg, head);
    this.#meter.saw(1);
    this.#answer?.data(buf, start, end);
  }

  /** `length`: of the body, where it is not the worker's; -1: not known. */
  #relay(leg: PairLeg, head: ResponseHead, length: number = head.contentLength): void {
    this.#state = 'relaying';
    this.#answering = leg;
    this.#answer = new RelayedAnswer(this.#connection, this.#record, head, length);
    // Nothing is sent again.
    this.#body.release(true);
    this.#request = null;
    this.#lastMs = this.#ctx.turnMs;
    this.duePassed();
  }

  #observe(leg: PairLeg, answer: RelayedAnswer): void {
    const now = this.#ctx.turnMs;
    if (answer.isEvents) this.#meter.observe(now, leg.attempt, this.#record);
    this.#lastMs = now;
  }

  // ---- ends

  /** All of the answer has been written. */
  #finish(leg: PairLeg, answer: RelayedAnswer, kind: 'ok' | 'status'): void {
    if (leg.role === 'decode' && kind === 'ok') this.#times.decodeEnds(this.#ctx.turnMs);
    this.#settle(kind);
    answer.finish();
  }

  /**
   * Neither engine has said anything that counts. A prefill that has answered is done; while both are silent nobody can tell
   * which of them hangs: prefill is blamed, for decode waits for it, and neither is asked again.
   */
  #bootstrapOver(mayTryAgain: boolean): void {
    const pair = this.#pair;
    if (pair === null) return;
    const leg = pair.prefill.isOver ? pair.decode : pair.prefill;
    if (mayTryAgain && this.#tryAnother(leg, 'timeout', 0, true)) return;
    this.#abort(pair, leg, 'timeout');
    const { code, message } = failureOf('timeout', nameOf(leg));
    this.#refuse('timeout', code, message);
  }

  /** Nothing has been written: an error answer. */
  #refuse(kind: RecordOutcome, code: ErrorCode, message: string, param: string | null = null): void {
    if (this.#state === 'settled') return;
    const connection = this.#connection;
    const persist = connection.persists(this.#record.head);
    const answer = errorResponse(code, message, answerFrame(this.#record, persist, this.#ctx.date), {}, param);
    this.#record.errorCode = code;
    this.#record.bytesOut = answer.length;
    connection.write(answer);
    this.#settle(kind);
    connection.finish(persist);
  }

  /** The answer has begun, and nothing more comes of it. */
  #cutSilent(): void {
    const leg = this.#answering;
    if (leg === null || this.#pair === null) return;
    // Where answers are merged decode may have ended, and it is prefill that is waited for.
    this.#cut(leg.isOver ? this.#pair.prefill : leg, 'timeout');
  }

  /** A leg that the answer needs has failed. */
  #cut(leg: PairLeg, kind: OutcomeKind): void {
    const pair = this.#pair;
    const { code, message } = failureOf(kind, nameOf(leg));
    if (kind === 'timeout' && pair !== null) this.#abort(pair, leg, kind);
    else leg.end(kind, 0);
    this.#endEarly(kind, code, message);
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
    const pair = this.#pair;
    record.outcome = kind;
    if (this.#answer !== null) record.bytesOut = this.#answer.bytes;
    if (pair !== null) {
      const ofOther = kind === 'client-gone' ? 'client-gone' : 'cancelled';
      this.#abort(pair, pair.decode, ofOther);
      if (this.#answering === pair.decode && (kind === 'ok' || kind === 'status')) this.#linger(pair.prefill);
      else this.#abort(pair, pair.prefill, ofOther);
    }
    this.#body.release(false);
    this.#request = null;
    this.#ctx.settled(record, (this.#answering ?? pair?.decode)?.attempt.series, this.#meter.count);
  }

  /** Decode has ended; prefill is read to its end, so that its connection can be used again. */
  #linger(prefill: PairLeg): void {
    if (!prefill.isOver) this.#pairing.linger(this);
  }

  giveUp(kind: OutcomeKind): void {
    if (this.#pair !== null) this.#abort(this.#pair, this.#pair.prefill, kind);
  }
}

function nameOf(leg: PairLeg): string {
  return `the ${leg.role} worker`;
}
