/** Which header fields of a client go on to a worker. */
import { droppedByConnection, isHopByHop } from '../../../wire/http1/hop-by-hop.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';

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
const OURS = ['host', 'content-length', 'transfer-encoding', 'expect', 'connection'];

/** By these a client could send its request to another rank than the router has chosen. Source: SGLang 0.5.23. */
const OF_RANKS = ['x-data-parallel-rank', 'x-override-routed-dp-rank', 'x-override-disagg-prefill-dp-rank'];
/** And by these to another room, or under an id by which it cannot be aborted. */
const OF_PAIRS = ['x-override-bootstrap-host', 'x-override-bootstrap-port', 'x-override-bootstrap-room', 'x-override-rid'];

export class RequestFieldRules {
  /** Asked for by a setting; null: none. */
  readonly #also: ReadonlySet<string> | null;
  readonly #all: boolean;
  /** Never forwarded, whatever the setting says. */
  readonly #kept: ReadonlySet<string>;

  /** `isDpAware`: the router chooses ranks. `isPaired`: it makes pairs. */
  constructor(alsoForward: readonly string[], isDpAware: boolean = false, isPaired: boolean = false) {
    this.#kept = new Set([...OURS, ...(isDpAware ? OF_RANKS : []), ...(isPaired ? OF_PAIRS : [])]);
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
      if (named?.includes(name)) continue;
      out.push(name, fields[i + 1]!);
    }
    return out;
  }

  #passes(name: string): boolean {
    if (isForwarded(name)) return true;
    return (this.#all || this.#also?.has(name) === true) && !isHopByHop(name) && !this.#kept.has(name);
  }
}
