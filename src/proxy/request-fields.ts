/** Which header fields of a client go on to a worker. */
import { droppedByConnection, isHopByHop } from '../http1/hop-by-hop.ts';
import type { RequestHead } from '../http1/request-head.ts';

/** Source: forwarding list of sglang_router 0.3.2, and the fields that say what the body is. */
function isForwarded(name: string): boolean {
  // A switch, not a set: it is asked for every field of every request, and most names need no hash to be told apart.
  switch (name) {
    case 'authorization':
    case 'content-encoding':
    case 'content-type':
    case 'traceparent':
    case 'tracestate':
    case 'x-correlation-id':
    case 'x-request-id':
    case 'x-smg-routing-key':
      return true;
    default:
      return name.startsWith('x-request-id-');
  }
}

/** Framing and addressing of this hop: written anew, never copied. */
const OURS: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'expect', 'connection']);

export class RequestFieldRules {
  /** Asked for by a setting; null: none. */
  readonly #also: ReadonlySet<string> | null;
  readonly #all: boolean;

  constructor(alsoForward: readonly string[]) {
    this.#also = alsoForward.length === 0 ? null : new Set(alsoForward);
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
    if (isForwarded(name)) return true;
    return (this.#all || this.#also?.has(name) === true) && !isHopByHop(name) && !OURS.has(name);
  }
}
