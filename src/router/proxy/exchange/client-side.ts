/**
 * The client's side of one request: the answer that the client gets, written once for all exchanges, and the one end.
 *
 *   OPEN --refuse, respond--------------------------> SETTLED  a whole answer of the router
 *     '--begin--> ANSWERING --finish----------------> SETTLED  the worker's answer is whole
 *                    '--cut, before any byte left---> SETTLED  as refuse
 *                    '--cut------------------------->  SETTLED  what is whole leaves, then an end that no client takes for the real one
 *   OPEN, ANSWERING --settle (the client left)------> SETTLED  nothing more is written
 *
 * On the way to SETTLED the owner releases what it holds (attempts, bodies), the ticket goes back to the gate, and the accounts
 * hear of the request: exactly once, on every path.
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { WorkerSeries } from '../../telemetry/worker-series.ts';
import type { Accounts } from '../answer/accounts.ts';
import { AnswerWriter } from '../answer/answer-writer.ts';
import { EventMeter } from '../answer/event-meter.ts';
import type { ClientConnection } from '../client/connection.ts';
import { answerFrame, errorResponse, localResponse } from '../client/whole-answer.ts';
import type { Attempt } from '../dispatch/attempt.ts';
import type { Refusal, Ticket, TicketHolder } from '../gate/gate.ts';
import type { RecordOutcome, RequestRecord } from '../routing/request-record.ts';
import type { Turn } from '../turn.ts';
import type { AnswerHead, Pieces } from '../upstream/seam.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** An exchange, as its client's side sees it. */
export interface SideOwner {
  /** The request is over: releases attempts and bodies. Called once. */
  release(outcome: RecordOutcome): void;
}

/** An exchange that can wait behind the gate. */
export interface AdmittedLater {
  admitted(): void;
}

export class ClientSide implements TicketHolder {
  readonly connection: ClientConnection;
  readonly record: RequestRecord;
  /** The worker's answer; null before it begins. */
  answer: AnswerWriter | null = null;
  /** Of the worker that answers, or was asked last. */
  series: WorkerSeries | undefined = undefined;
  isSettled = false;
  /** When the last bytes of the request arrived. */
  askedMs = 0;
  /** When the last bytes of the answer arrived, or the client took some again. */
  lastMs = 0;
  readonly #turn: Turn;
  readonly #accounts: Accounts;
  readonly #ticket: Ticket | null;
  #owner: SideOwner | null = null;
  /** Waits behind the gate. */
  #later: AdmittedLater | null = null;
  #waitsSinceMs = 0;
  /** Of an event stream. */
  #meter: EventMeter | null = null;

  /** `ticket`: null for a request that passed the gate without one. */
  constructor(connection: ClientConnection, record: RequestRecord, turn: Turn, accounts: Accounts, ticket: Ticket | null) {
    this.connection = connection;
    this.record = record;
    this.#turn = turn;
    this.#accounts = accounts;
    this.#ticket = ticket;
  }

  /** Called once, by the exchange that takes the request. */
  serve(owner: SideOwner): void {
    this.#owner = owner;
  }

  /**
   * Called once, when the request can be dispatched. True: it may. False: `later.admitted` is called when it may, or the client gets
   * the refusal, perhaps before this returns.
   */
  isAdmitted(later: AdmittedLater): boolean {
    if (this.#ticket === null) return true;
    const taken = this.#ticket.take(this);
    if (taken === 'open') return true;
    if (taken === 'waits') {
      this.#later = later;
      this.#waitsSinceMs = this.#turn.nowMs;
    } else this.refused(taken);
    return false;
  }

  /** The request waits behind the gate: its ticket says how long. */
  get isWaiting(): boolean {
    return this.#later !== null;
  }

  admitted(): void {
    const later = this.#later;
    this.#turn.begin();
    this.#endWait();
    later?.admitted();
  }

  refused({ code, message, headers }: Refusal): void {
    this.#turn.begin();
    this.#endWait();
    this.refuse('refused', code, message, null, headers);
  }

  /** An error answer. Nothing must have been written. `param`: the field of the request that is to blame. */
  refuse(outcome: RecordOutcome, code: ErrorCode, message: string, param: string | null = null, headers: Refusal['headers'] = {}): void {
    if (this.isSettled) return;
    const { record } = this;
    const persist = this.connection.persists(record.head);
    record.errorCode = code;
    this.respond(outcome, errorResponse(code, message, answerFrame(record, persist, this.#turn.date), headers, param), persist);
  }

  /** The answer to a web page that asks whether it may send a request. `cors`: its field lines. */
  preflight(cors: string): void {
    const { record, connection } = this;
    const persist = connection.persists(record.head);
    record.status = 200;
    const { allow } = record.route;
    const response = { status: 200, headers: allow === null ? {} : { allow }, body: '' };
    this.respond('ok', localResponse(response, { ...answerFrame(record, persist, this.#turn.date), cors }), persist);
  }

  /** A whole answer, head included. `persist`: what its Connection field says. */
  respond(outcome: RecordOutcome, answer: Buffer, persist: boolean): void {
    if (this.isSettled) return;
    this.record.bytesOut = answer.length;
    this.connection.write(answer);
    this.settle(outcome);
    this.connection.finish(persist);
  }

  /** A worker's answer begins. `length`: of the body, where it is not the worker's; -1: not known. */
  begin(head: AnswerHead, length: number = head.contentLength): AnswerWriter {
    const answer = new AnswerWriter(this.connection, this.record, head, length);
    this.answer = answer;
    this.lastMs = this.#turn.nowMs;
    this.#meter = answer.isEvents ? new EventMeter() : null;
    return answer;
  }

  /** The payload of one read of the worker. */
  pieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    this.#meter?.pieces(buf, pieces);
    this.answer?.pieces(buf, start, end, pieces);
  }

  /** Payload of the answer. */
  data(buf: Buffer, start: number, end: number): void {
    this.#meter?.piece(buf, start, end);
    this.answer?.data(buf, start, end);
  }

  /** All of a read of the worker has been passed on. `attempt`: of the worker that streams. */
  observe(attempt: Attempt): void {
    this.lastMs = this.#turn.nowMs;
    this.#meter?.observe(this.lastMs, attempt, this.record);
  }

  /** When a silent event stream gets a comment; never if `everyMs` is 0, or while the client does not read. */
  keepAliveDue(everyMs: number): number {
    const { answer } = this;
    if (everyMs === 0 || answer === null || !answer.takesComments || answer.stalled) return NEVER;
    return Math.max(this.lastMs, this.#meter?.commentMs ?? 0) + everyMs;
  }

  /** A comment, unless an event has begun to leave. */
  keepAlive(): void {
    if (this.#meter !== null) this.#meter.commentMs = this.#turn.nowMs;
    this.answer?.comment();
  }

  /** All of the worker's answer has been written. */
  finish(outcome: RecordOutcome): void {
    this.settle(outcome);
    this.answer?.finish();
  }

  /** Nothing more comes of an answer that has begun. */
  cut(outcome: RecordOutcome, code: ErrorCode, message: string): void {
    const { answer } = this;
    if (this.isSettled || answer === null) return;
    if (answer.bytes === 0) {
      // The head came in the same read as the end: nothing has left yet.
      this.answer = null;
      this.record.status = 0;
      this.refuse(outcome, code, message);
      return;
    }
    this.record.errorCode = code;
    answer.cut(code, message);
    this.settle(outcome);
    answer.abort();
  }

  /** The end, without a further word to the client. */
  settle(outcome: RecordOutcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#endWait();
    this.#owner?.release(outcome);
    this.#ticket?.release();
    const { record } = this;
    record.outcome = outcome;
    if (this.answer !== null) record.bytesOut = this.answer.bytes;
    this.#accounts.settled(record, this.series, this.#meter?.count ?? 0);
  }

  #endWait(): void {
    if (this.#later === null) return;
    this.#later = null;
    this.record.queuedMs = this.#turn.nowMs - this.#waitsSinceMs;
  }
}
