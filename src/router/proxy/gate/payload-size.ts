/** A declared body above the limit: 413, before any of it is read. The connection counts chunked bodies as they arrive. */
import type { Check } from './gate.ts';

export function payloadSize(maxBytes: number): Check {
  return ({ head }) => {
    if (head.contentLength <= maxBytes) return null;
    return { code: 'payload_too_large', message: `the request body has ${head.contentLength} bytes: at most ${maxBytes} are taken` };
  };
}
