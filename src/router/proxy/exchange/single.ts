/**
 * One request to a worker and its answer.
 *
 *   RECEIVING --compressed, and the router writes into it--> DECODING --plain--> admitted? (below)
 *   RECEIVING --body held whole, or more than is held--> admitted? --no--> ADMITTING --the gate opens--.
 *                                                            | yes                                     |
 *                                                            v                                         v
 *      .---> DELAYED --pause over--------------------> choose a worker, send <-------------------------'
 *      |                                                     |       ^
 *      |                                                  WAITING ---' failed (no answer, or a retryable status): the plan allows
 *      '--failed, the plan allows another attempt later------|         another attempt at once
 *                                                            | head of the answer
 *                                                        RELAYING --whole--> SETTLED: ok
 *                                                            '--worker gone or silent--> SETTLED: error event, connection aborted
 *   RECEIVING, DECODING, ADMITTING, DELAYED, WAITING --refused, failed--> SETTLED: error answer
 *   any --client gone--> SETTLED
 *
 * ClientSide writes what the client gets and ends the request; `release` gives back what this exchange holds.
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Prompt } from '../../../base/core/route-input.ts';
import { NONE, type WorkerIndex, type WorkerType } from '../../../base/core/worker.ts';
import { Deadline, type TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import type { ServedRequest } from '../client/served-request.ts';
import { Attempt } from '../dispatch/attempt.ts';
import { clientErrorOf, POISON } from '../dispatch/client-error.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { RetryCounts } from '../dispatch/retry-counts.ts';
import { type Again, RetryPlan, type RetrySettings, type RetryWorld, type Stop } from '../dispatch/retry-plan.ts';
import type { Selection } from '../dispatch/selection.ts';
import { RequestBody } from '../request/body.ts';
import { codingOf, decodeBody } from '../request/body-coding.ts';
import type { BodyMemory } from '../request/body-memory.ts';
import type { RequestFieldRules } from '../request/fields.ts';
import type { RankBodies } from '../request/rank-body.ts';
import { type RequestReader, whyNotJson } from '../request/reader.ts';
import { NO_PROMPT } from '../request/scanned-prompt.ts';
import { noWorker } from '../routing/no-worker.ts';
import type { RecordOutcome } from '../routing/request-record.ts';
import type { AnswerHead, Flight, Pieces, Retry, Sink } from '../upstream/seam.ts';
import type { AdmittedLater, ClientSide, SideOwner } from './client-side.ts';

export interface SingleSettings {
  readonly maxPayloadBytes: number;
  /** Bodies up to this size are held whole and can be sent again. */
  readonly maxReplayBytes: number;
  /** From the last byte of the request to the end of the answer. */
  readonly requestTimeoutMs: number;
  /** Longest silence of a worker within an answer; 0: no limit. */
  readonly streamIdleTimeoutMs: number;
  /** Silence after which an event stream gets a comment; 0: never. */
  readonly sseKeepaliveMs: number;
}

/** What all of these exchanges share. */
export interface SingleParts {
  readonly settings: SingleSettings;
  readonly retries: RetrySettings;
  readonly retryWorld: RetryWorld;
  readonly retryCounts: RetryCounts;
  readonly wheel: TimerWheel;
  readonly dispatch: Dispatch;
  readonly selection: Selection;
  /** Of the workers that `selection` chooses from. */
  readonly type: WorkerType;
  readonly memory: BodyMemory;
  readonly reader: RequestReader;
  readonly fields: RequestFieldRules;
  /** Null: requests name no data-parallel rank. */
  readonly ranks: RankBodies | null;
}

type State = 'receiving' | 'decoding' | 'admitting' | 'waiting' | 'delayed' | 'relaying' | 'settled';

export class SingleExchange implements ServedRequest, Sink, SideOwner, AdmittedLater {
  readonly #side: ClientSide;
  readonly #parts: SingleParts;
  #body: RequestBody | null;
  /** The body came compressed, and is plain now. */
  #isDecoded = false;
  /** The body as this attempt's worker gets it, where it names a rank; null: as the client sent it. */
  #ranked: RequestBody | null = null;
  #fields: readonly string[] | null = null;
  #state: State = 'receiving';
  #plan: RetryPlan | null = null;
  #delay: Deadline | null = null;
  #attempt: Attempt | null = null;
  #flight: Flight | null = null;

  constructor(side: ClientSide, parts: SingleParts) {
    const { head } = side.record;
    this.#side = side;
    this.#parts = parts;
    this.#body = head.chunked || head.contentLength >= 0 ? new RequestBody(head.chunked ? -1 : head.contentLength, parts.memory) : null;
    side.serve(this);
  }

  // ---- what the client sends

  bodyData(buf: Buffer, start: number, end: number): void {
    const side = this.#side;
    side.record.bytesIn += end - start;
    const body = this.#body;
    if (body === null || this.#state === 'settled') return;
    if (this.#isUploading) {
      this.#side.askedMs = this.#now;
      // Until a worker has been chosen, what a read still brings joins what is held.
      if (this.#flight === null) body.append(buf, start, end);
      else if (!this.#flight.writeBody(buf, start, end)) side.connection.pauseReading();
      return;
    }
    const held = body.hold(buf, start, end, this.#heldBytes);
    if (held === end) return;
    if (this.#isRanked) {
      side.refuse('refused', 'body_memory_full', 'the request bodies that the router holds take all the memory that they may');
      return;
    }
    // More than is held: from here on the body streams. What this read brought still waits with the rest for a connection.
    body.append(buf, held, end);
    body.streamed = true;
    this.#side.askedMs = this.#now;
    side.record.streamedBody = true;
    side.connection.pauseReading();
    this.#dispatchIfAdmitted();
  }

  bodySpace(bytes: number): Buffer | null {
    if (this.#body === null || this.#isUploading || this.#state !== 'receiving') return null;
    return this.#body.space(bytes, this.#heldBytes);
  }

  bodyPlaced(bytes: number): void {
    this.#side.record.bytesIn += bytes;
    this.#body?.placed(bytes);
  }

  bodyEnd(): void {
    if (this.#state === 'settled') return;
    const { connection } = this.#side;
    this.#side.askedMs = this.#now;
    // The answer may have begun before the request was whole; the silence of a worker that waited for it begins now.
    this.#side.lastMs = this.#now;
    if (this.#state === 'relaying') this.duePassed();
    else connection.setDue(this.#parts.settings.requestTimeoutMs);
    if (this.#isUploading) {
      if (this.#flight !== null) this.#flight.endBody();
      else if (this.#body !== null) this.#body.complete = true;
      // Nothing more of the body can come; only a reader sees the client leave, or ask again.
      connection.resumeReading();
      return;
    }
    const body = this.#body;
    if (body !== null) body.complete = true;
    const coding = body !== null && this.#isRanked ? codingOf(this.#side.record.head) : null;
    if (body === null || coding === null) this.#dispatchIfAdmitted();
    else this.#decode(body, coding);
  }

  #decode(encoded: RequestBody, coding: string): void {
    const { settings, memory, dispatch } = this.#parts;
    this.#state = 'decoding';
    decodeBody(encoded, coding, settings.maxPayloadBytes, memory, (body) => {
      dispatch.turn.begin();
      if ('code' in body) {
        this.#side.refuse('refused', body.code, body.message);
      } else if (this.#state === 'decoding') {
        encoded.release(true);
        this.#body = body;
        this.#isDecoded = true;
        this.#dispatchIfAdmitted();
      } else body.release(true);
    });
  }

  bodyFailed(code: ErrorCode, message: string): void {
    this.#fail(code === 'shutting_down' ? 'cancelled' : 'client-gone', code, message);
  }

  clientGone(): void {
    this.#side.settle('client-gone');
  }

  clientDrained(): void {
    const { answer, connection } = this.#side;
    if (answer === null || !answer.stalled) return;
    answer.drained();
    this.#flight?.resume();
    // The router did not read the worker meanwhile: its silence begins now.
    this.#parts.dispatch.turn.begin();
    this.#side.lastMs = this.#now;
    if (connection.requestComplete) this.duePassed();
  }

  duePassed(): void {
    const { requestTimeoutMs, streamIdleTimeoutMs } = this.#parts.settings;
    if (this.#side.isWaiting) {
      this.#side.connection.setDue(requestTimeoutMs);
      return;
    }
    const requestDue = this.#side.askedMs + requestTimeoutMs - this.#now;
    // While the client does not read, the worker cannot be blamed for silence.
    const isIdleLimited = this.#state === 'relaying' && streamIdleTimeoutMs > 0 && this.#side.answer?.stalled !== true;
    const idleDue = isIdleLimited ? this.#side.lastMs + streamIdleTimeoutMs - this.#now : Number.POSITIVE_INFINITY;
    const due = Math.min(requestDue, idleDue);
    if (due > 0) {
      this.#side.connection.setDue(Math.min(due, this.#keepAlive()));
      return;
    }
    const { code, message } = clientErrorOf('timeout');
    this.#fail('timeout', code, message);
  }

  /** Keeps a silent event stream alive. Returns the time to the next comment. */
  #keepAlive(): number {
    const { sseKeepaliveMs } = this.#parts.settings;
    if (this.#now >= this.#side.keepAliveDue(sseKeepaliveMs)) this.#side.keepAlive();
    return this.#side.keepAliveDue(sseKeepaliveMs) - this.#now;
  }

  // ---- the choice

  admitted(): void {
    if (this.#state === 'admitting') this.#dispatch();
  }

  #dispatchIfAdmitted(): void {
    this.#state = 'admitting';
    if (this.#side.isAdmitted(this)) this.#dispatch();
  }

  #dispatch(): void {
    const { dispatch, selection } = this.#parts;
    const { record } = this.#side;
    const prompt = this.#read();
    if (typeof prompt === 'string') {
      this.#side.refuse('refused', 'json_parse_error', prompt);
      return;
    }
    const failed = this.#avoided();
    const { head, requestId, route } = record;
    const choice = route.kind === 'policy' ? selection.choose(prompt, head, this.#now, failed) : null;
    if (this.#plan === null) this.#parts.retryWorld.budget.request(this.#now);
    const worker = choice === null ? firstOther(selection.eligible, failed) : choice.worker;
    const upstream = worker === NONE ? undefined : dispatch.upstreams.find(worker);
    if (upstream === undefined) {
      this.#refuseNoWorker();
      return;
    }
    if (!this.#nameRank(worker)) return;
    this.#fields ??= this.#parts.fields.select(head, requestId, this.#isDecoded);
    const attempt = new Attempt(dispatch, worker, choice, selection);
    this.#parts.reader.forget();
    this.#attempt = attempt;
    this.#side.series = attempt.series;
    this.#state = 'waiting';
    record.attempts++;
    record.worker = attempt.series?.url ?? '';
    const flight = upstream.send(
      { method: head.method, target: record.engineTarget, fields: this.#fields, body: this.#ranked ?? this.#body },
      attempt.listen(this),
    );
    // It may have failed at once and been tried elsewhere.
    if (this.#attempt === attempt) this.#flight = flight;
  }

  /** Makes the body that goes to the worker; false: it cannot be made, and the request is refused. */
  #nameRank(worker: WorkerIndex): boolean {
    const { ranks, dispatch } = this.#parts;
    if (ranks === null || this.#body === null || !this.#isRanked) return true;
    const rank = dispatch.fleet.current.workers[worker]?.rank ?? null;
    if (rank === null) return true;
    const ranked = ranks.make(this.#body, rank);
    if (typeof ranked === 'string') {
      this.#side.refuse('refused', 'invalid_request', ranked);
      return false;
    }
    this.#ranked = ranked;
    return true;
  }

  /** A body that cannot be read has no prompt, and its engine judges it. A text: the router must write into it. */
  #read(): Prompt | string {
    const { reader } = this.#parts;
    const { route, head } = this.#side.record;
    if (route.prompt === null || this.#body === null || !reader.needsPrompt) return NO_PROMPT;
    if (!this.#isRanked && codingOf(head) !== null) return NO_PROMPT;
    const read = reader.read(this.#body, route.prompt);
    if (typeof read === 'string') return this.#isRanked ? whyNotJson(this.#body, read) : NO_PROMPT;
    this.#side.record.model = reader.model;
    return read;
  }

  // ---- what the worker sends

  onDrain(): void {
    this.#side.connection.resumeReading();
  }

  onHead(head: AnswerHead): void {
    const { dispatch, settings, retries } = this.#parts;
    const { connection } = this.#side;
    dispatch.turn.begin();
    const upstream = this.#attempt?.series?.upstream(head.status);
    if (upstream !== undefined) upstream.value++;
    if (head.status >= 400 && (head.status === 500 || retries.statuses.has(head.status)) && this.#refused(head.status)) return;
    this.#state = 'relaying';
    this.#side.begin(head);
    if ((settings.streamIdleTimeoutMs > 0 || settings.sseKeepaliveMs > 0) && connection.requestComplete) this.duePassed();
  }

  /** A worker answers with a status that another worker may not have. True: the request is tried again, and this answer is dropped. */
  #refused(status: number): boolean {
    const attempt = this.#attempt;
    if (attempt === null) return false;
    const body = this.#body;
    const retry = body === null || (body.complete && !body.streamed) ? 'sent' : 'never';
    const again = this.#after(attempt, 'status', status, retry);
    if ('stop' in again) return false;
    this.#flight?.cancel();
    this.#giveUp(attempt, status >= 500 ? 'status' : 'ok', status);
    this.#tryAgain(again.afterMs);
    return true;
  }

  /** What the plan says, with an eye on who else is there. */
  #after(failed: Attempt, kind: OutcomeKind, status: number, retry: Retry): Stop | Again {
    const { retries, retryWorld, retryCounts, selection, type, dispatch } = this.#parts;
    this.#plan ??= new RetryPlan(retries, retryWorld);
    const { worker } = failed;
    const again = this.#plan.after({ kind, status, retry, afterMs: dispatch.turn.nowMs - failed.startMs, worker, type });
    failed.isBlameless = this.#plan.isBlameless;
    if ('stop' in again) {
      if (again.stop === 'blamed') for (const one of this.#plan.accused) if (one !== worker) dispatch.attempts.forgive(one);
      retryCounts.stopped(again.stop, this.#side.record);
      return again;
    }
    if (again.needsOther && !selection.hasOther(kind === 'status' ? again.exclude : [worker], 'workers')) return { stop: 'attempts' };
    retryCounts.retried(type, again.afterMs);
    return again;
  }

  /** The failed workers, unless they are all that is left. */
  #avoided(): readonly WorkerIndex[] | undefined {
    const failed = this.#plan?.failed(this.#parts.type);
    return failed !== undefined && this.#parts.selection.hasOther(failed.slice(-1), 'workers') ? failed : undefined;
  }

  onPieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    const { answer } = this.#side;
    if (answer === null) return;
    this.#side.pieces(buf, start, end, pieces);
    // What comes with the end leaves with the end.
    if (pieces.isLast) return;
    this.#parts.dispatch.turn.begin();
    answer.flush();
    this.#observe();
    if (answer.stalled) this.#flight?.pause();
  }

  onEnd(): void {
    this.#parts.dispatch.turn.begin();
    this.#side.answer?.end();
    this.#observe();
    this.#side.finish(this.#side.record.status >= 500 ? 'status' : 'ok');
  }

  onError(kind: OutcomeKind, retry: Retry): void {
    this.#parts.dispatch.turn.begin();
    const failed = this.#attempt;
    if (this.#state === 'waiting' && failed !== null) {
      const again = this.#after(failed, kind, 0, retry);
      if (!('stop' in again)) {
        this.#giveUp(failed, kind, 0);
        this.#tryAgain(again.afterMs);
        return;
      }
    }
    const { code, message } = this.#plan?.stopped === 'poison' ? POISON : clientErrorOf(kind);
    this.#fail(kind, code, message);
  }

  /** Ends an attempt whose request goes to another worker. */
  #giveUp(failed: Attempt, kind: OutcomeKind, status: number): void {
    this.#attempt = null;
    this.#flight = null;
    this.#ranked?.release(false);
    this.#ranked = null;
    failed.end(kind, status);
  }

  #tryAgain(afterMs: number): void {
    const waitMs = afterMs > 0 ? afterMs : (this.#plan?.verdictMs ?? 0);
    if (waitMs === 0) {
      this.#dispatch();
      return;
    }
    this.#state = 'delayed';
    this.#delay ??= new Deadline(() => {
      this.#parts.dispatch.turn.begin();
      this.#tryAgain(0);
    });
    this.#parts.wheel.arm(this.#delay, waitMs);
  }

  #observe(): void {
    if (this.#attempt !== null) this.#side.observe(this.#attempt);
  }

  // ---- ends

  #fail(kind: OutcomeKind, code: ErrorCode, message: string): void {
    if (this.#state === 'relaying') this.#side.cut(kind, code, message);
    else this.#side.refuse(kind, code, message);
  }

  #refuseNoWorker(): void {
    const { code, message, headers } = noWorker(this.#parts.dispatch.fleet.current, this.#parts.type);
    this.#side.refuse('refused', code, message, null, headers);
  }

  release(outcome: RecordOutcome): void {
    this.#state = 'settled';
    const isFree = outcome === 'ok' && this.#flight?.isBodyFree === true;
    this.#flight?.cancel();
    this.#flight = null;
    if (this.#delay !== null) this.#parts.wheel.cancel(this.#delay);
    if (outcome !== 'refused') this.#attempt?.end(outcome, this.#side.record.status);
    this.#ranked?.release(isFree);
    this.#body?.release(isFree || this.#ranked !== null);
  }

  /** From now on what the client sends goes straight to the worker. */
  get #isUploading(): boolean {
    return this.#body?.streamed === true;
  }

  get #now(): number {
    return this.#parts.dispatch.turn.nowMs;
  }

  /** Requests of this route name the rank that they go to. */
  get #isRanked(): boolean {
    return this.#parts.ranks !== null && this.#side.record.route.prompt !== null;
  }

  /** How much of the body is held before it streams. A rank can only be put into a body that is there whole. */
  get #heldBytes(): number {
    const { maxPayloadBytes, maxReplayBytes } = this.#parts.settings;
    return this.#isRanked ? maxPayloadBytes : maxReplayBytes;
  }
}

/** The first worker that is none of the failed ones, else the first that is not the last of them. */
function firstOther(eligible: Int32Array, failed: readonly WorkerIndex[] = []): WorkerIndex {
  const fresh = eligible.find((worker) => !failed.includes(worker));
  return fresh ?? eligible.find((worker) => worker !== failed.at(-1)) ?? NONE;
}
