/**
 * Remembers the last response head of a peer, as bytes and parsed. The answers of one engine have the same head byte for
 * byte most of the time (streams within the same second, for example), and comparing bytes costs a tenth of parsing them.
 */
import { BAD_HEAD, findHeadEnd, NEED_MORE } from './head-end.ts';
import { HeadError } from './head-error.ts';
import { type EditFields, parseResponseHead, type ResponseHead } from './response-head.ts';

/** Longer heads are not remembered. */
const MAX_REMEMBERED_BYTES = 1024;

export class ResponseHeadMemo {
  readonly #bytes = Buffer.alloc(MAX_REMEMBERED_BYTES);
  #length = 0;
  #head: ResponseHead | null = null;
  #method = '';
  readonly #edit: EditFields | null;
  /** After `read`: index just past the head. */
  end = 0;

  /** `edit` is called once for each head that is parsed, not for those that are remembered. */
  constructor(edit: EditFields | null = null) {
    this.#edit = edit;
  }

  /**
   * The head that begins at `start`; NEED_MORE while it is not whole; BAD_HEAD when it cannot become a valid one.
   * `from`: up to where buf has been searched before.
   */
  read(
    buf: Buffer,
    start: number,
    from: number,
    end: number,
    requestMethod: string,
  ): ResponseHead | HeadError | typeof NEED_MORE | typeof BAD_HEAD {
    const length = this.#length;
    if (this.#head !== null && this.#method === requestMethod && end - start >= length) {
      if (this.#bytes.compare(buf, start, start + length, 0, length) === 0) {
        this.end = start + length;
        return this.#head;
      }
    }
    const headEnd = findHeadEnd(buf, start, from, end);
    if (headEnd === NEED_MORE || headEnd === BAD_HEAD) return headEnd;
    this.end = headEnd;
    const head = parseResponseHead(buf, start, headEnd, requestMethod, this.#edit);
    if (!(head instanceof HeadError) && headEnd - start <= MAX_REMEMBERED_BYTES) {
      this.#length = buf.copy(this.#bytes, 0, start, headEnd);
      this.#head = head;
      this.#method = requestMethod;
    }
    return head;
  }
}
