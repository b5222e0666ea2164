/**
 * One request to every worker at once, for what only one of them knows (a stored response): the first answer below
 * 400 wins and the others are cancelled; else the last answer, or an error if nobody had one.
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import { clientHeadText } from '../answer/response-fields.ts';
import type { ServedRequest } from '../client/served-request.ts';
import { connectionField } from '../client/whole-answer.ts';
import { Attempt } from '../dispatch/attempt.ts';
import { clientErrorOf } from '../dispatch/client-error.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { Selection } from '../dispatch/selection.ts';
import { RequestBody } from '../request/body.ts';
import type { BodyMemory } from '../request/body-memory.ts';
import type { RequestFieldRules } from '../request/fields.ts';
import type { AnswerHead, Flight, Pieces, Sink, UpstreamRequest } from '../upstream/seam.ts';
import type { AdmittedLater, ClientSide, SideOwner } from './client-side.ts';

/** Asked at the same time; the others wait for an answer that is none. Source: sglang_router 0.3.2. */
const PARALLEL = 32;
/** A stored response that is larger than this is not passed on. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface EveryParts {
  readonly settings: { readonly maxReplayBytes: number; readonly requestTimeoutMs: number };
  readonly dispatch: Dispatch;
  readonly selection: Selection;
  readonly memory: BodyMemory;
  readonly fields: RequestFieldRules;
}

export class EveryExchange implements ServedRequest, SideOwner, AdmittedLater {
  readonly #side: ClientSide;
  readonly #parts: EveryParts;
  readonly #body: RequestBody | null;
  readonly #legs = new Set<Leg>();
  #waiting: WorkerIndex[] = [];
  #last: Leg | null = null;

  constructor(side: ClientSide, parts: EveryParts) {
    const { head } = side.record;
    this.#side = side;
    this.#parts = parts;
    this.#body = head.chunked || head.contentLength >= 0 ? new RequestBody(head.chunked ? -1 : head.contentLength, parts.memory) : null;
    side.serve(this);
  }

  bodyData(buf: Buffer, start: number, end: number): void {
    this.#side.record.bytesIn += end - start;
    const limit = this.#parts.settings.maxReplayBytes;
    if (this.#body !== null && this.#body.hold(buf, start, end, limit) < end) {
      this.bodyFailed('payload_too_large', `the body of this route is limited to ${limit} bytes`);
    }
  }

  bodySpace(): null {
    return null;
  }

  bodyPlaced(): void {}

  bodyEnd(): void {
    if (this.#side.isSettled) return;
    if (this.#body !== null) this.#body.complete = true;
    this.#side.connection.setDue(this.#parts.settings.requestTimeoutMs);
    if (this.#side.isAdmitted(this)) this.admitted();
  }

  admitted(): void {
    const { selection, dispatch } = this.#parts;
    const { workers, total } = dispatch.fleet.current;
    // The ranks of an engine are one server.
    this.#waiting = [...selection.eligible].filter((worker) => (workers[worker]?.rank?.number ?? 0) === 0);
    if (this.#waiting.length > 0) this.#next();
    else if (total === 0) this.#side.refuse('refused', 'no_workers', 'no worker is registered');
    else this.#side.refuse('refused', 'no_available_workers', 'no worker can take requests now');
  }

  bodyFailed(code: ErrorCode, message: string): void {
    this.#side.refuse('client-gone', code, message);
  }

  clientGone(): void {
    this.#side.settle('client-gone');
  }

  clientDrained(): void {}

  duePassed(): void {
    if (this.#side.isWaiting) {
      this.#side.connection.setDue(this.#parts.settings.requestTimeoutMs);
      return;
    }
    const { code, message } = clientErrorOf('timeout');
    this.#side.refuse('timeout', code, message);
  }

  /** A leg has its whole answer, or has none. */
  legEnded(leg: Leg): void {
    const side = this.#side;
    this.#legs.delete(leg);
    this.#parts.dispatch.turn.begin();
    if (side.isSettled) return;
    if (leg.head !== null && leg.failure === null) {
      this.#last = leg;
      if (leg.head.status < 400) {
        this.#answer(leg);
        return;
      }
    }
    this.#next();
    if (side.isSettled || this.#legs.size > 0 || this.#waiting.length > 0) return;
    if (this.#last === null) side.refuse('refused', 'no_worker_response', 'no worker had an answer');
    else this.#answer(this.#last);
  }

  release(): void {
    for (const leg of this.#legs) leg.cancel();
    this.#legs.clear();
    this.#waiting = [];
    this.#body?.release(false);
  }

  #next(): void {
    const { head, requestId, engineTarget } = this.#side.record;
    const { fields, dispatch, selection } = this.#parts;
    const selected = fields.select(head, requestId);
    while (!this.#side.isSettled && this.#legs.size < PARALLEL) {
      const worker = this.#waiting.shift();
      if (worker === undefined) return;
      const upstream = dispatch.upstreams.find(worker);
      if (upstream === undefined) continue;
      const leg = new Leg(this, new Attempt(dispatch, worker, null, selection));
      this.#legs.add(leg);
      const request: UpstreamRequest = { method: head.method, target: engineTarget, fields: selected, body: this.#body };
      leg.start(upstream.send(request, leg));
    }
  }

  #answer(leg: Leg): void {
    const { record, connection } = this.#side;
    const answer = leg.head;
    if (answer === null) return;
    const body = Buffer.concat(leg.parts);
    const persist = connection.persists(record.head);
    const framing = answer.hasBody ? 'length' : 'none';
    const text = clientHeadText(answer, framing, record, connectionField(record.head.minor, persist), body.length);
    record.status = answer.status;
    record.worker = leg.attempt.series?.url ?? '';
    this.#side.respond('ok', Buffer.concat([Buffer.from(text, 'latin1'), body]), persist);
  }
}

/** One worker's part: gathers its answer. */
class Leg implements Sink {
  readonly #owner: EveryExchange;
  readonly attempt: Attempt;
  head: AnswerHead | null = null;
  parts: Buffer[] = [];
  failure: OutcomeKind | null = null;
  #bytes = 0;
  #flight: Flight | null = null;
  #isOver = false;

  constructor(owner: EveryExchange, attempt: Attempt) {
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

  onHead(head: AnswerHead): void {
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
