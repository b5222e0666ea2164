/** The bodies of both legs: the client's with the bootstrap fields in it, the same bytes for both unless each names its rank. */
import { type BodySplice, splicedBytes, writeSpliced } from '../../pair/body-splice.ts';
import { RequestBody } from './body.ts';
import type { BodyMemory } from './body-memory.ts';

/** Up to here a copy of its own for each leg, with room for its head, is cheaper than a second write for head and body. */
const MAX_COPIED_BYTES = 64 * 1024;

export interface PairBodies {
  readonly prefill: RequestBody;
  readonly decode: RequestBody;
}

/** `ofPrefill`, `ofDecode`: ASCII, what goes in. `body` is the one that was scanned. */
export function makePairBodies(body: RequestBody, splice: BodySplice, ofPrefill: string, ofDecode: string, memory: BodyMemory): PairBodies {
  const prefill = splicedBody(body, splice, ofPrefill, memory);
  if (ofDecode !== ofPrefill) return { prefill, decode: splicedBody(body, splice, ofDecode, memory) };
  const length = prefill.heldBytes;
  if (length > MAX_COPIED_BYTES) return { prefill, decode: prefill.alias() };
  const decode = emptyBody(length, memory);
  prefill.buf.copy(decode.buf, decode.start, prefill.start, prefill.end);
  return { prefill, decode };
}

/** The body with `members` (ASCII) in it, ready to be sent. */
export function splicedBody(body: RequestBody, splice: BodySplice, members: string, memory: BodyMemory): RequestBody {
  const spliced = emptyBody(splicedBytes(splice, members), memory);
  writeSpliced(splice, body.buf, members, spliced.buf, spliced.start);
  return spliced;
}

function emptyBody(length: number, memory: BodyMemory): RequestBody {
  const body = new RequestBody(length, memory);
  body.reserve(length);
  body.complete = true;
  return body;
}
