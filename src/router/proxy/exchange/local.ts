/** One request that the router answers itself: holds the (small) body, calls the handler, writes what it returns. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { LocalResponse, LocalRoute, SlicedResponse } from '../../../base/core/local-route.ts';
import type { Logger } from '../../../base/core/logger.ts';
import type { ServedRequest } from '../client/served-request.ts';
import { answerFrame, localResponse } from '../client/whole-answer.ts';
import { pathParams } from '../routing/path-pattern.ts';
import type { Turn } from '../turn.ts';
import type { AdmittedLater, ClientSide, SideOwner } from './client-side.ts';
import { SlicedAnswer } from './sliced-answer.ts';

/** Bodies of the control API are small. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface LocalParts {
  readonly turn: Turn;
  readonly logger: Logger;
  readonly settings: { readonly requestTimeoutMs: number; readonly guardsControl: boolean };
}

export class LocalExchange implements ServedRequest, SideOwner, AdmittedLater {
  readonly #side: ClientSide;
  readonly #parts: LocalParts;
  readonly #local: LocalRoute;
  #body: Buffer[] = [];
  /** Of an answer that is made slice by slice. */
  #sliced: SlicedAnswer | null = null;

  constructor(side: ClientSide, parts: LocalParts, local: LocalRoute) {
    this.#side = side;
    this.#parts = parts;
    this.#local = local;
    side.serve(this);
  }

  bodyData(buf: Buffer, start: number, end: number): void {
    const { record } = this.#side;
    record.bytesIn += end - start;
    if (record.bytesIn > MAX_BODY_BYTES) {
      this.bodyFailed('payload_too_large', `the body of this route is limited to ${MAX_BODY_BYTES} bytes`);
      return;
    }
    this.#body.push(Buffer.from(buf.subarray(start, end)));
  }

  bodySpace(): null {
    return null;
  }

  bodyPlaced(): void {}

  bodyEnd(): void {
    this.#side.connection.setDue(this.#parts.settings.requestTimeoutMs);
    if (this.#side.isAdmitted(this)) this.admitted();
  }

  admitted(): void {
    const { head } = this.#side.record;
    try {
      const answer = this.#local.handle({
        method: head.method,
        path: head.path,
        query: new URLSearchParams(head.query),
        params: pathParams(this.#local.path, head.path),
        authorization: this.#parts.settings.guardsControl ? null : (head.find('authorization') ?? null),
        body: Buffer.concat(this.#body),
      });
      if (answer instanceof Promise) answer.then((value) => this.#answer(value)).catch((error: unknown) => this.#broken(error));
      else if ('slices' in answer) this.#answerInSlices(answer).catch((error: unknown) => this.#broken(error));
      else this.#answer(answer);
    } catch (error) {
      this.#broken(error);
    }
  }

  bodyFailed(code: ErrorCode, message: string): void {
    if (this.#sliced?.hasBegun !== true) {
      this.#side.refuse('refused', code, message);
      return;
    }
    this.#side.record.errorCode = code;
    this.#cut(this.#sliced, 'refused');
  }

  clientGone(): void {
    this.#side.settle('client-gone');
  }

  clientDrained(): void {
    if (this.#side.isSettled) return;
    this.#parts.turn.begin();
    this.#side.connection.setDue(this.#parts.settings.requestTimeoutMs);
    this.#sliced?.drained();
  }

  duePassed(): void {
    // A client that has read nothing for as long as a request may last has left.
    if (this.#sliced?.isWaiting === true) this.#cut(this.#sliced, 'client-gone');
    else this.bodyFailed('internal_error', 'the router did not answer in time');
  }

  release(): void {
    this.#body = [];
    const sliced = this.#sliced;
    if (sliced === null) return;
    if (sliced.hasBegun) {
      this.#side.record.status = sliced.status;
      this.#side.record.bytesOut = sliced.bytes;
    }
    sliced.end();
  }

  #answer(response: LocalResponse): void {
    const side = this.#side;
    if (side.isSettled) return;
    const { turn } = this.#parts;
    turn.begin();
    side.record.status = response.status;
    const persist = side.connection.persists(side.record.head);
    side.respond('ok', localResponse(response, answerFrame(side.record, persist, turn.date)), persist);
  }

  async #answerInSlices(response: SlicedResponse): Promise<void> {
    const { connection, record } = this.#side;
    // A client of HTTP/1.0 knows no chunks: its answer ends with the connection.
    const isChunked = record.head.minor === 1;
    const persist = isChunked && connection.persists(record.head);
    const sliced = new SlicedAnswer(connection, response, answerFrame(record, persist, this.#parts.turn.date), isChunked);
    this.#sliced = sliced;
    if (!(await sliced.write())) return;
    this.#parts.turn.begin();
    this.#side.settle('ok');
    connection.finish(persist);
  }

  /** The answer ends in the middle, in a way that no client takes for its end. */
  #cut(sliced: SlicedAnswer, outcome: 'refused' | 'client-gone'): void {
    this.#side.settle(outcome);
    this.#side.connection.abort(!sliced.isChunked);
  }

  #broken(error: unknown): void {
    const { record } = this.#side;
    this.#parts.logger.error({ err: error, path: this.#local.path, request_id: record.requestId }, 'a route of the router failed');
    this.#parts.turn.begin();
    this.bodyFailed('internal_error', 'the router failed to answer; its log has the details');
  }
}
