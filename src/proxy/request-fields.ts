/** Which header fields of a client go on to a worker. */
import { droppedByConnection, isHopByHop } from '../http1/hop-by-hop.ts';
import type { RequestHead } from '../http1/request-head.ts';

/** Source: forwarding list of sglang_router 0.3.2, and the fields that say what the body is. */
const FORWARDED: ReadonlySet<string> = new Set([
  'authorization',
  'x-request-id',
  'x-correlation-id',
  'traceparent',
  'tracestate',
  'x-smg-routing-key',
  'content-type',
  'content-encoding',
]);

/** Framing and addressing of this hop: written anew, never copied. */
const OURS: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'expect', 'connection']);

export class RequestFieldRules {
  readonly #forwarded: ReadonlySet<string>;
  readonly #all: boolean;

  constructor(alsoForward: readonly string[]) {
    this.#forwarded = new Set([...FORWARDED, ...alsoForward]);
    this.#all = alsoForward.includes('*');
  }

  /** Flat name, value list for the worker. Exactly one x-request-id with the given value; no Host, no framing. */
  select(head: RequestHead, requestId: string): string[] {
    const fields = head.fields;
    const out: string[] = ['x-request-id', requestId];
    const named = droppedByConnection(fields);
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === 'x-request-id' || !this.#passes(name)) continue;
      if (named !== null && named.includes(name)) continue;
      out.push(name, fields[i + 1]!);
    }
    return out;
  }

  #passes(name: string): boolean {
    if (this.#forwarded.has(name)) return !isHopByHop(name) && !OURS.has(name);
    if (this.#all) return !isHopByHop(name) && !OURS.has(name);
    return name.startsWith('x-request-id-');
  }
}
