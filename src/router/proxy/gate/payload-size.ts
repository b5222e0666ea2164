/** A declared body above the limit: 413, before any of it is read. The connection counts chunked bodies as they arrive. */
import type { Check } from './gate.ts';

export function payloadSize(settings: { readonly maxPayloadBytes: number }): Check {
  return ({ head }) => {
    const { maxPayloadBytes } = settings;
    if (head.contentLength <= maxPayloadBytes) return null;
    return { code: 'payload_too_large', message: `the request body has ${head.contentLength} bytes: at most ${maxPayloadBytes} are taken` };
  };
}
