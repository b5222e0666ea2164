/**
 * Which web pages may read answers (CORS, Source: WHATWG Fetch 3.2). The text of the fields is made once, so that it costs a request nothing
 * but its bytes. Source of the fields: sglang_router 0.3.2, observed.
 */
import type { RequestHead } from '../../../wire/http1/request-head.ts';

const VARY = 'vary: origin, access-control-request-method, access-control-request-headers\r\n';
const MAX_AGE = 'access-control-max-age: 3600\r\n';

const allow = (origin: string): string => `access-control-allow-origin: ${origin}\r\n`;

export class Cors {
  /** By origin: the field that lets it in. Null: every origin may read. */
  readonly #allowed: ReadonlyMap<string, string> | null;
  /** Field lines of every answer, without the one that depends on the origin. */
  readonly #exposed: string;
  readonly #preflight: string;

  /** `origins`: those that may read; empty or with `*`: all. */
  constructor(origins: readonly string[]) {
    const isOpen = origins.length === 0 || origins.includes('*');
    this.#allowed = isOpen ? null : new Map(origins.map((origin) => [origin.toLowerCase(), allow(origin.toLowerCase())]));
    this.#exposed = isOpen
      ? `${allow('*')}access-control-expose-headers: *\r\n${VARY}`
      : `access-control-expose-headers: x-request-id\r\n${VARY}`;
    const methods = isOpen ? '*' : 'GET,POST,OPTIONS';
    const headers = isOpen ? '*' : 'content-type,authorization';
    this.#preflight = `${isOpen ? allow('*') : ''}access-control-allow-methods: ${methods}\r\naccess-control-allow-headers: ${headers}\r\n${MAX_AGE}${VARY}`;
  }

  /** Field lines for the answer to a request. */
  fieldsOf(head: RequestHead): string {
    return this.#allowed === null ? this.#exposed : this.#ofOrigin(this.#allowed, head) + this.#exposed;
  }

  /** Field lines for the answer to a preflight request. */
  preflightFieldsOf(head: RequestHead): string {
    return this.#allowed === null ? this.#preflight : this.#ofOrigin(this.#allowed, head) + this.#preflight;
  }

  #ofOrigin(allowed: ReadonlyMap<string, string>, head: RequestHead): string {
    const origin = head.find('origin');
    return origin === undefined ? '' : (allowed.get(origin.toLowerCase()) ?? '');
  }
}
