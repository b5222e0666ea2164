/** Which header fields of a client go on to a worker. */
import { droppedByConnection, isHopByHop } from '../../../wire/http1/hop-by-hop.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import { isCodingField } from './body-coding.ts';

/**
 * Source: forwarding list of sglang_router 0.3.2, the fields that say what the body is, and what SGLang reads: 0.5.23, and `trace_context`
 * up to 0.5.5. Clients of /v1/messages send their key as `x-api-key`.
 */
function isForwarded(name: string): boolean {
  // A switch, not a set: it is asked for every field of every request, and most names need no hash to be told apart.
  switch (name) {
    case 'authorization':
    case 'content-encoding':
    case 'content-type':
    case 'trace_context':
    case 'traceparent':
    case 'tracestate':
    case 'x-api-key':
    case 'x-body-compressed':
    case 'x-correlation-id':
    case 'x-custom-labels':
    case 'x-data-parallel-rank':
    case 'x-request-id':
    case 'x-smg-routing-key':
      return true;
    default:
      return name.startsWith('x-') && (name.startsWith('x-request-id-') || name.startsWith('x-override-') || name.startsWith('x-sglext-'));
  }
}

/** Framing and addressing of this hop: written anew, never copied. */
const OURS = ['host', 'content-length', 'transfer-encoding', 'expect', 'connection'];

/**
 * By these a client could send its request to another rank or room than the router has chosen, or under an id by which it cannot be
 * aborted. Source: SGLang 0.5.23.
 */
function isPlacing(name: string): boolean {
  switch (name) {
    case 'x-data-parallel-rank':
    case 'x-override-disagg-prefill-dp-rank':
    case 'x-override-rid':
    case 'x-override-routed-dp-rank':
      return true;
    default:
      return name.startsWith('x-override-bootstrap-');
  }
}

/** Why a field of a client must not reach a worker. */
export interface FieldReasons {
  /** The router chooses ranks, or makes pairs. */
  readonly places?: boolean;
  /** The client's key is one of the router's. */
  readonly checksKeys?: boolean;
}

export class RequestFieldRules {
  readonly #checksKeys: boolean;
  /** Asked for by a setting; null: none. */
  readonly #also: ReadonlySet<string> | null;
  readonly #all: boolean;
  /** The router writes the place of a request into its body: what would override it is never forwarded. */
  readonly #places: boolean;

  constructor(alsoForward: readonly string[], { places = false, checksKeys = false }: FieldReasons = {}) {
    this.#places = places;
    this.#checksKeys = checksKeys;
    this.#also = alsoForward.length === 0 ? null : new Set(alsoForward);
    this.#all = alsoForward.includes('*');
  }

  /**
   * Flat name, value list for the worker. Exactly one x-request-id with the given value; no Host, no framing. `isDecoded`: the body is
   * plain, whatever the client's fields say.
   */
  select(head: RequestHead, requestId: string, isDecoded: boolean = false): string[] {
    const fields = head.fields;
    const out: string[] = ['x-request-id', requestId];
    const named = droppedByConnection(fields);
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === 'x-request-id' || !this.#passes(name)) continue;
      if (named?.includes(name) || (isDecoded && isCodingField(name))) continue;
      out.push(name, fields[i + 1]!);
    }
    return out;
  }

  #passes(name: string): boolean {
    if (this.#checksKeys && (name === 'authorization' || name === 'x-api-key')) return false;
    if (this.#places && isPlacing(name)) return false;
    return isForwarded(name) || ((this.#all || this.#also?.has(name) === true) && !isHopByHop(name) && !OURS.includes(name));
  }
}
