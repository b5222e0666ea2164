/**
 * One request to a prefill-decode pair and its answer. Both legs get the same body at once; the client gets decode's answer from its
 * first byte on, whether prefill has ended or not.
 *
 *   RECEIVING --body whole and compressed--> DECODING --plain--> admitted? (below)
 *   RECEIVING --body whole--> admitted? --no--> ADMITTING --the gate opens--.
 *                                 | yes                                      |
 *                                 v                                          v
 *      .--> DELAYED --pause--> choose both workers, draw a room, send both legs <---.
 *      |                          |                                                 |
 *      |                       WAITING --a leg failed, the plan allows another pair-'
 *      '--the same, later---------|
 *                                 |--first byte of decode-----------------> RELAYING decode
 *                                 |--first byte of decode, merged answers-> MERGING --both whole--> SETTLED: ok
 *                                 |--a leg refused (status, error event)--> RELAYING that leg
 *                                 |--a leg gone, or both silent-----------> SETTLED: error answer
 *   RELAYING --whole----------------------> SETTLED: ok, or status
 *   RELAYING, MERGING --a leg that the answer needs is gone or silent--> SETTLED: error event (SSE), connection aborted
 *   RECEIVING, DECODING, ADMITTING, DELAYED --refused, too late--> SETTLED: error answer
 *   any --client gone--> SETTLED
 *
 * A stream begins after `streamStartMs` at the latest, also if decode has only sent its head: WAITING --late--> RELAYING or MERGING.
 * From then on no other pair is tried, and prefill is needed until decode's first event.
 *
 * MERGING is WAITING as long as nothing of the merged answer has been written: another pair can still be tried.
 *
 * As soon as a leg has failed, or the client is gone, the other leg is aborted in the same turn: its socket is closed and its engine
 * told. Only the leg that failed is blamed. Once decode has begun, prefill does not matter any more (unless answers are merged): the KV
 * has arrived. A prefill that is not whole when decode is lingers: it is read to its end, for a while.
 *
 * A pair ends, and leaves the ledger, when both of its legs are over (`legOver`).
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import { isUnreachable, type OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import { Deadline, type TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import { hasOutput } from '../../../wire/sse/token-events.ts';
import type { ByteSink } from '../../pair/logprob-splicer.ts';
import type { ServedRequest } from '../client/served-request.ts';
import { clientErrorOf, POISON } from '../dispatch/client-error.ts';
import type { RetryCounts } from '../dispatch/retry-counts.ts';
import { RetryPlan, type RetrySettings, type RetryWorld } from '../dispatch/retry-plan.ts';
import type { AdmittedLater, ClientSide, SideOwner } from '../exchange/client-side.ts';
import { RequestBody } from '../request/body.ts';
import { codingOf, decodeBody } from '../request/body-coding.ts';
import type { RequestFieldRules } from '../request/fields.ts';
import { whyNotJson } from '../request/reader.ts';
import type { RecordOutcome } from '../routing/request-record.ts';
import type { Turn } from '../turn.ts';
import type { Pieces, Retry } from '../upstream/seam.ts';
import type { LegOwner, PairLeg } from './leg.ts';
import { openPair, type Pair, type PairMakers, type PairOrder } from './pair.ts';
import type { Lingering } from './pairing.ts';
import { PairTimes } from './times.ts';

const NEVER = Number.POSITIVE_INFINITY;

export interface PairExchangeSettings {
  readonly maxPayloadBytes: number;
  /** From the last byte of the request to the end of the answer. */
  readonly requestTimeoutMs: number;
  /** Longest silence of a worker within an answer; 0: no limit. */
  readonly streamIdleTimeoutMs: number;
  /** Silence after which an event stream gets a comment; 0: never. */
  readonly sseKeepaliveMs: number;
}

/** What all of these exchanges share. */
export interface PairParts extends PairMakers {
  readonly settings: PairExchangeSettings;
  readonly retries: RetrySettings;
  readonly retryWorld: RetryWorld;
  readonly retryCounts: RetryCounts;
  readonly wheel: TimerWheel;
  readonly fields: RequestFieldRules;
}

type State = 'receiving' | 'decoding' | 'admitting' | 'waiting' | 'delayed' | 'relaying' | 'merging' | 'settled';

export class PairExchange implements ServedRequest, SideOwner, AdmittedLater, LegOwner, Lingering, ByteSink {
  readonly #side: ClientSide;
  readonly #parts: PairParts;
  #body: RequestBody;
  /** The body came compressed, and is plain now. */
  #isDecoded = false;
  /** Null before the first failure. */
  #plan: RetryPlan | null = null;
  readonly #times: PairTimes;
  #state: State = 'receiving';
  /** Null before the body has been read, and when nothing is sent again. */
  #order: PairOrder | null = null;
  #pair: Pair | null = null;
  #delay: Deadline | null = null;
  /** The stream began before decode's first event. */
  #hasStartedEarly = false;
  /** Whose answer the client gets. */
  #answering: PairLeg | null = null;
  previous: Lingering | null = null;
  next: Lingering | null = null;
  isListed = false;
  lingersUntilMs = 0;

  constructor(side: ClientSide, parts: PairParts) {
    const { head, startMs } = side.record;
    this.#side = side;
    this.#parts = parts;
    this.#times = new PairTimes(parts.pairing.series, startMs);
    this.#body = new RequestBody(head.chunked ? -1 : Math.max(0, head.contentLength), parts.memory);
    side.serve(this);
  }

  get turn(): Turn {
    return this.#parts.dispatch.turn;
  }

  // ---- what the client sends

  bodyData(buf: Buffer, start: number, end: number): void {
    this.#side.record.bytesIn += end - start;
    if (this.#state !== 'receiving') return;
    if (this.#body.hold(buf, start, end, this.#parts.settings.maxPayloadBytes) === end) return;
    this.#side.refuse('refused', 'body_memory_full', 'the request bodies that the router holds take all the memory that they may');
  }

  bodySpace(bytes: number): Buffer | null {
    return this.#state === 'receiving' ? this.#body.space(bytes, this.#parts.settings.maxPayloadBytes) : null;
  }

  bodyPlaced(bytes: number): void {
    this.#side.record.bytesIn += bytes;
    this.#body.placed(bytes);
  }

  bodyEnd(): void {
    if (this.#state !== 'receiving') return;
    this.#body.complete = true;
    this.#side.askedMs = this.#now;
    const coding = codingOf(this.#side.record.head);
    if (coding === null) this.#begin();
    else this.#decode(coding);
  }

  #decode(coding: string): void {
    const encoded = this.#body;
    const { settings, memory, dispatch } = this.#parts;
    this.#state = 'decoding';
    this.duePassed();
    decodeBody(encoded, coding, settings.maxPayloadBytes, memory, (body) => {
      dispatch.turn.begin();
      if ('code' in body) {
        this.#side.refuse('refused', body.code, body.message);
      } else if (this.#state === 'decoding') {
        encoded.release(true);
        this.#body = body;
        this.#isDecoded = true;
        this.#begin();
      } else body.release(true);
    });
  }

  /** The body is whole and plain. */
  #begin(): void {
    this.#order = this.#read();
    if (this.#order === null) return;
    this.#parts.retryWorld.budget.request(this.#now);
    this.#state = 'admitting';
    if (this.#side.isAdmitted(this)) this.#try(this.#order);
    else if (this.#side.isWaiting) this.duePassed();
  }

  bodyFailed(code: ErrorCode, message: string): void {
    this.#fail(code === 'shutting_down' ? 'cancelled' : 'client-gone', code, message);
  }

  clientGone(): void {
    this.#side.settle('client-gone');
  }

  clientDrained(): void {
    const { answer } = this.#side;
    if (answer === null || !answer.stalled) return;
    answer.drained();
    this.#answering?.resume();
    // The router did not read the worker meanwhile: its silence begins now.
    this.#parts.dispatch.turn.begin();
    this.#side.lastMs = this.#now;
    this.duePassed();
  }

  duePassed(): void {
    if (this.#side.isWaiting) {
      this.#side.connection.setDue(this.#parts.settings.requestTimeoutMs);
      return;
    }
    const requestDue = this.#side.askedMs + this.#parts.settings.requestTimeoutMs;
    const due = Math.min(requestDue, this.#silenceDue());
    const startDue = this.#startDue();
    if (this.#now >= startDue && this.#now < due) this.#startStream();
    else if (this.#now < due) this.#side.connection.setDue(Math.min(due, startDue, this.#keepAlive()) - this.#now);
    else if (this.#state === 'waiting') this.#bootstrapOver(this.#now < requestDue);
    else this.#cutSilent();
  }

  /** Keeps a silent event stream alive. Returns when the next comment is due. */
  #keepAlive(): number {
    const { sseKeepaliveMs } = this.#parts.settings;
    if (this.#now >= this.#side.keepAliveDue(sseKeepaliveMs)) this.#side.keepAlive();
    return this.#side.keepAliveDue(sseKeepaliveMs);
  }

  /** When a stream begins whose decode has sent its head and no event. */
  #startDue(): number {
    const decode = this.#pair?.decode;
    if (this.#state !== 'waiting' || decode === undefined || !decode.isEventStream) return NEVER;
    return this.#side.askedMs + this.#parts.pairing.settings.streamStartMs;
  }

  /** The client gets decode's head and its comments, and whatever comes. */
  #startStream(): void {
    const pair = this.#pair;
    if (pair === null) return;
    const { decode } = pair;
    this.#hasStartedEarly = true;
    const held = decode.stopPeeking();
    if (pair.merge === null) {
      this.#relay(decode);
      this.#side.data(held, 0, held.length);
    } else {
      this.#mergeInto(decode, -1);
      pair.merge.beginEarly();
      pair.merge.decodeData(held, 0, held.length);
    }
    this.#side.answer?.flush();
  }

  /** When the engines have been silent for too long. */
  #silenceDue(): number {
    const { streamIdleTimeoutMs } = this.#parts.settings;
    if (this.#state === 'waiting' || this.#isEarly) {
      return this.#times.bootstrapDue(this.#parts.pairing.settings.bootstrapTimeoutMs, this.#isEarly || this.#isStream);
    }
    // While the client does not read, the worker cannot be blamed for silence.
    const isLimited = this.#hasBegun && streamIdleTimeoutMs > 0 && this.#side.answer?.stalled !== true;
    return isLimited ? this.#side.lastMs + streamIdleTimeoutMs : NEVER;
  }

  /** Null: the request cannot be sent, and is refused. */
  #read(): PairOrder | null {
    const { head, requestId, route } = this.#side.record;
    if (route.prompt === null) return null; // Routes of pairs have one.
    const { reader } = this.#parts.pairing;
    const request = reader.read(this.#body, route.endpoint, route.prompt);
    if (typeof request === 'string') {
      this.#side.refuse('refused', 'json_parse_error', whyNotJson(this.#body, request));
      return null;
    }
    if ('message' in request) {
      this.#side.refuse('refused', 'invalid_request', request.message, request.param);
      return null;
    }
    this.#side.record.model = reader.model;
    const fields = this.#parts.fields.select(head, requestId, this.#isDecoded);
    return { request, body: this.#body, record: this.#side.record, fields };
  }

  // ---- the choice

  admitted(): void {
    if (this.#state === 'admitting') this.#tryLater();
  }

  /** Other requests have been read since this one. */
  #tryLater(): void {
    const { prompt } = this.#side.record.route;
    if (this.#order === null || prompt === null) return;
    this.#parts.pairing.reader.scan(this.#body, prompt);
    this.#try(this.#order);
  }

  #try(order: PairOrder): void {
    const { record } = this.#side;
    const pair = openPair(this.#parts, this, order, this.#plan);
    this.#parts.pairing.reader.forget();
    if ('code' in pair) {
      this.#side.refuse('refused', pair.code, pair.message, null, pair.headers);
      return;
    }
    this.#pair = pair;
    this.#state = 'waiting';
    this.#times.sent(pair.live);
    this.#side.series = pair.decode.attempt.series;
    record.attempts++;
    record.worker = pair.decode.worker.url;
    record.prefillWorker = pair.prefill.worker.url;
    this.duePassed();
    this.#send(pair.prefill, order.fields);
    // The first leg may have failed at once, and another pair be tried by now.
    if (!pair.decode.isOver) this.#send(pair.decode, order.fields);
  }

  #send(leg: PairLeg, fields: readonly string[]): void {
    const { head, engineTarget } = this.#side.record;
    const upstream = this.#parts.dispatch.upstreams.find(leg.worker.index);
    if (upstream === undefined) this.legFailed(leg, 'connect-failed', 'unsent');
    else leg.send(upstream, head.method, engineTarget, fields);
  }

  /** Gives the pair up for another, if the plan allows it and another worker exists. `mayBeOther`: the other leg may be to blame. */
  #tryAnother(leg: PairLeg, kind: OutcomeKind, retry: Retry, mayBeOther = false): boolean {
    const pair = this.#pair;
    if (this.#order === null || pair === null) return false;
    const { pairing } = this.#parts;
    pairing.series.failures[leg.role].value++;
    const afterMs = this.#now - pair.live.startMs;
    const status = kind === 'status' ? leg.status : 0;
    this.#plan ??= new RetryPlan(this.#parts.retries, this.#parts.retryWorld);
    const plan = this.#plan;
    const again = plan.after({ kind, status, retry, afterMs, worker: leg.worker.index, type: leg.role });
    leg.attempt.isBlameless = plan.isBlameless;
    if ('stop' in again) {
      if (again.stop === 'blamed') this.#forgive(plan.accused, leg);
      this.#parts.retryCounts.stopped(again.stop, this.#side.record);
      return false;
    }
    const failed = kind === 'status' && again.needsOther ? again.exclude : [leg.worker.index];
    if (!pairing[leg.role].hasOther(failed, isUnreachable(kind) ? 'engines' : 'workers')) return false;
    const other = pair.other(leg);
    // An engine refuses a request id that it still works on, and would take the abort for the new request. The router's ids are new
    // with every pair; the client's is not.
    const hasOwnId = pair.rids.isClients && other.isAtWork;
    if (hasOwnId && !pairing[other.role].hasOther([other.worker.index], 'engines')) return false;
    if (kind === 'timeout') pair.abort(leg, kind);
    else leg.end(status > 0 && status < 500 ? 'ok' : kind, status);
    pair.abort(other, 'cancelled');
    if (hasOwnId || mayBeOther) plan.avoid(other.role, other.worker.index);
    pairing.series.retries.value++;
    this.#parts.retryCounts.retried(leg.role, again.afterMs);
    this.#tryAgain(again.afterMs);
    return true;
  }

  #forgive(accused: readonly WorkerIndex[], { worker }: PairLeg): void {
    for (const one of accused) if (one !== worker.index) this.#parts.dispatch.attempts.forgive(one);
  }

  #tryAgain(afterMs: number): void {
    const waitMs = afterMs > 0 ? afterMs : (this.#plan?.verdictMs ?? 0);
    if (waitMs === 0) {
      this.#tryLater();
      return;
    }
    this.#state = 'delayed';
    this.#delay ??= new Deadline(() => {
      this.#parts.dispatch.turn.begin();
      this.#tryAgain(0);
    });
    this.#parts.wheel.arm(this.#delay, waitMs);
  }

  // ---- what the workers send

  legOpens(leg: PairLeg, isEvents: boolean): void {
    const merge = this.#pair?.merge ?? null;
    if (leg.role === 'prefill') merge?.prefillHead(isEvents);
    else {
      merge?.decodeHead(isEvents);
      // The stream may have to begin.
      if (this.#state === 'waiting' && isEvents) this.duePassed();
    }
  }

  legBegins(leg: PairLeg): void {
    if (leg.role === 'prefill') this.#times.prefillAnswers(this.#now);
  }

  legRefused(leg: PairLeg, status: number): void {
    const pair = this.#pair;
    if (pair !== null && this.#isEarly && leg !== this.#answering) {
      const message = `${nameOf(leg)} refused the request with status ${status} after its answer had begun`;
      leg.end(status >= 500 ? 'status' : 'ok', status);
      this.#side.cut('status', 'call_upstream_refused', message);
      return;
    }
    if (this.#state !== 'waiting' || pair === null) return;
    const isRetried = status === 500 || this.#parts.retries.statuses.has(status);
    if (isRetried && this.#tryAnother(leg, 'status', 'sent')) return;
    // A client's id that is at work already is refused by both engines, and an abort would end the request that has it.
    const isDoubtful = pair.rids.isClients && status === 400;
    pair.abort(pair.other(leg), 'cancelled', !isDoubtful);
    this.#side.record.worker = leg.worker.url;
    this.#relay(leg);
  }

  legPieces(leg: PairLeg, buf: Buffer, start: number, end: number, pieces: Pieces): void {
    this.#side.pieces(buf, start, end, pieces);
    if (leg.role !== 'decode' || this.#times.begunMs !== 0) return;
    const { offsets, count } = pieces;
    for (let i = 0; i < count; i++) {
      if (!hasOutput(buf, offsets[2 * i]!, offsets[2 * i + 1]!)) continue;
      this.#times.decodeAnswers(this.#now, this.#side.askedMs);
      return;
    }
  }

  legData(leg: PairLeg, buf: Buffer, start: number, end: number): void {
    const merge = this.#pair?.merge ?? null;
    if (this.#state === 'settled') return;
    if (leg.role === 'decode' && !leg.isRelayed && this.#times.begunMs === 0) {
      if (this.#state === 'waiting') this.#decodes(leg);
      else if (hasOutput(buf, start, end)) this.#times.decodeAnswers(this.#now, this.#side.askedMs);
    }
    if (leg.isRelayed) this.#side.data(buf, start, end);
    else if (merge !== null) {
      const isKept = leg.role === 'prefill' ? merge.prefillData(buf, start, end) : merge.decodeData(buf, start, end);
      if (!isKept) this.#tooLargeToMerge();
    }
  }

  legRead(leg: PairLeg): void {
    const { answer } = this.#side;
    if (leg.isRelayed && answer !== null) {
      answer.flush();
      this.#side.observe(leg.attempt);
      if (answer.stalled) leg.pause();
    } else if (this.#pair !== null && this.#pair.merge !== null) this.#merged(this.#pair);
  }

  legWhole(leg: PairLeg): void {
    const pair = this.#pair;
    if (pair === null) return;
    const { status } = leg;
    const kind = status >= 500 ? 'status' : 'ok';
    if (leg.role === 'prefill') this.#times.prefillEnds(this.#now);
    if (leg.role === 'decode' && this.#state === 'waiting' && this.#times.begunMs === 0) this.#decodes(leg);
    if (!leg.isRelayed && pair.merge !== null && this.#state !== 'settled') {
      leg.end(kind, status);
      if (leg.role === 'prefill') pair.merge.prefillEnd();
      else pair.merge.decodeEnd();
      this.#merged(pair);
      return;
    }
    const { answer } = this.#side;
    if (!leg.isRelayed || answer === null) {
      leg.end(kind, status);
      if (this.#state === 'waiting') this.duePassed();
      return;
    }
    answer.end();
    this.#side.observe(leg.attempt);
    leg.end(kind, status);
    this.#finish(leg, kind);
  }

  legFailed(leg: PairLeg, kind: OutcomeKind, retry: Retry): void {
    const isAnswering = this.#hasBegun && leg === this.#answering;
    const isNeeded = this.#state === 'merging' && this.#pair?.merge?.isPrefillDone === false;
    if (isAnswering || isNeeded || this.#isEarly) {
      this.#cut(leg, kind);
      return;
    }
    // After decode's first byte nobody needs prefill any more.
    if (this.#state !== 'waiting') {
      leg.end(kind, 0);
      return;
    }
    if (this.#tryAnother(leg, kind, retry)) return;
    leg.end(kind, 0);
    const { code, message } = this.#plan?.stopped === 'poison' ? POISON : clientErrorOf(kind, nameOf(leg));
    this.#side.refuse(kind, code, message);
  }

  legOver(): void {
    const pair = this.#pair;
    if (pair === null || !pair.isOver) return;
    this.#parts.pairing.ledger.close(pair.live);
    this.#parts.pairing.liveRids.delete(pair.rids);
    this.#parts.pairing.lingering.delete(this);
  }

  /** Decode has sent its first byte: the KV has arrived, and its answer is the client's. */
  #decodes(leg: PairLeg): void {
    this.#times.decodeAnswers(this.#now, this.#side.askedMs);
    if (this.#pair?.merge === null) this.#relay(leg);
  }

  /** The client gets this leg's answer as it is. */
  #relay(leg: PairLeg): void {
    if (leg.head === null) return;
    leg.isRelayed = true;
    this.#state = 'relaying';
    this.#answers(leg);
    this.#side.begin(leg.head);
    this.duePassed();
  }

  /** The client gets decode's answer with what prefill has. `length`: of the body; -1: not known yet. */
  #mergeInto(decode: PairLeg, length: number): void {
    if (decode.head === null) return;
    this.#state = 'merging';
    this.#answers(decode);
    this.#side.begin(decode.head, length);
    this.duePassed();
  }

  /** Nothing is sent again from now on. */
  #answers(leg: PairLeg): void {
    this.#answering = leg;
    this.#side.series = leg.attempt.series;
    this.#body.release(true);
    this.#order = null;
    this.#side.lastMs = this.#now;
  }

  /** Merged bytes of a stream. */
  onBytes(buf: Buffer, start: number, end: number): void {
    const decode = this.#pair?.decode;
    // What is put in makes it longer than the worker said.
    if (this.#state === 'waiting' && decode !== undefined) this.#mergeInto(decode, -1);
    this.#side.data(buf, start, end);
  }

  /** After a read of either leg whose answers are merged. */
  #merged({ decode, merge }: Pair): void {
    if (merge === null || this.#state === 'settled' || this.#state === 'relaying') return;
    if (merge.isWhole) {
      if (this.#state === 'waiting') this.#mergeInto(decode, merge.isPlain ? merge.partBytes : -1);
      for (const part of merge.parts) this.#side.answer?.data(part, 0, part.length);
      this.#side.answer?.end();
      this.#side.observe(decode.attempt);
      this.#finish(decode, 'ok');
      return;
    }
    const { answer } = this.#side;
    if (answer !== null) {
      answer.flush();
      this.#side.observe(decode.attempt);
    }
    if (merge.isWaiting || answer?.stalled === true) decode.pause();
    else decode.resume();
    this.duePassed();
  }

  #tooLargeToMerge(): void {
    const message = 'the logprobs or experts of the prompt are more than the router keeps to put them into the answer';
    if (this.#hasBegun) this.#side.cut('cancelled', 'merge_too_large', message);
    else this.#side.refuse('refused', 'merge_too_large', message);
  }

  // ---- ends

  /** All of the answer has been written. */
  #finish(leg: PairLeg, kind: 'ok' | 'status'): void {
    if (leg.role === 'decode' && kind === 'ok') this.#times.decodeEnds(this.#now);
    this.#side.finish(kind);
  }

  /**
   * Neither engine has said anything that counts. A prefill that has answered is done; while both are silent nobody can tell which of
   * them hangs: prefill is blamed, for decode waits for it, and neither gets the request again.
   */
  #bootstrapOver(mayTryAgain: boolean): void {
    const pair = this.#pair;
    if (pair === null) return;
    const leg = pair.prefill.isOver ? pair.decode : pair.prefill;
    if (mayTryAgain && this.#tryAnother(leg, 'timeout', 'sent', true)) return;
    pair.abort(leg, 'timeout');
    const { code, message } = clientErrorOf('timeout', nameOf(leg));
    this.#side.refuse('timeout', code, message);
  }

  /** Too late, or the worker that answers has been silent for too long. */
  #cutSilent(): void {
    const leg = this.#answering;
    if (leg === null || this.#pair === null) {
      const { code, message } = clientErrorOf('timeout');
      this.#fail('timeout', code, message);
      return;
    }
    // Where answers are merged decode may have ended, and it is prefill that is waited for; in a stream that began early both are.
    const waitsForPrefill = leg.isOver || (this.#isEarly && !this.#pair.prefill.isOver);
    this.#cut(waitsForPrefill ? this.#pair.prefill : leg, 'timeout');
  }

  /** A leg that the answer needs has failed. */
  #cut(leg: PairLeg, kind: OutcomeKind): void {
    const { code, message } = clientErrorOf(kind, nameOf(leg));
    if (kind === 'timeout') this.#pair?.abort(leg, kind);
    else leg.end(kind, 0);
    this.#side.cut(kind, code, message);
  }

  #fail(kind: OutcomeKind, code: ErrorCode, message: string): void {
    if (this.#hasBegun) this.#side.cut(kind, code, message);
    else this.#side.refuse(kind, code, message);
  }

  release(outcome: RecordOutcome): void {
    this.#state = 'settled';
    const pair = this.#pair;
    if (pair !== null) {
      const ofOther = outcome === 'client-gone' ? 'client-gone' : 'cancelled';
      pair.abort(pair.decode, ofOther);
      // Decode has ended; prefill is read to its end, so that its connection can be used again.
      const isAnswered = this.#answering === pair.decode && (outcome === 'ok' || outcome === 'status');
      if (!isAnswered) pair.abort(pair.prefill, ofOther);
      else if (!pair.prefill.isOver) this.#parts.pairing.linger(this);
    }
    if (this.#delay !== null) this.#parts.wheel.cancel(this.#delay);
    this.#body.release(false);
    this.#order = null;
  }

  giveUp(kind: OutcomeKind): void {
    this.#pair?.abort(this.#pair.prefill, kind);
  }

  /** Something of the answer is on its way to the client. */
  get #hasBegun(): boolean {
    return this.#state === 'relaying' || this.#state === 'merging';
  }

  /** The stream has begun and decode has sent no event: prefill is still needed. */
  get #isEarly(): boolean {
    return this.#hasStartedEarly && this.#times.begunMs === 0;
  }

  /** The client asked for a stream. */
  get #isStream(): boolean {
    return this.#order?.request.isStream === true;
  }

  get #now(): number {
    return this.#parts.dispatch.turn.nowMs;
  }
}

function nameOf(leg: PairLeg): string {
  return `the ${leg.role} worker`;
}
