/**
 * Common field names, found by their bytes: the parser hashes a name while it checks it, so a known name costs no new string,
 * and framing fields are recognised by number. Unknown names are cut out and lower-cased.
 */
import { LOWER_TOKEN } from './bytes.ts';

/** Numbers of the fields that mean something to the parser; the first entries of NAMES, in this order. */
export const HOST = 0;
export const CONTENT_LENGTH = 1;
export const TRANSFER_ENCODING = 2;
export const CONNECTION = 3;
export const EXPECT = 4;
export const KEEP_ALIVE = 5;
export const UNKNOWN_NAME = -1;

const NAMES: readonly string[] = (
  'host content-length transfer-encoding connection expect keep-alive ' +
  'accept accept-charset accept-encoding accept-language access-control-allow-origin access-control-request-headers ' +
  'access-control-request-method age allow api-key authorization baggage cache-control content-disposition content-encoding ' +
  'content-language content-type cookie date etag expires forwarded if-match if-modified-since if-none-match last-modified ' +
  'location openai-organization openai-project origin pragma priority proxy-authorization proxy-connection range referer ' +
  'retry-after sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site server set-cookie te ' +
  'traceparent tracestate trailer upgrade upgrade-insecure-requests user-agent vary via www-authenticate ' +
  'x-accel-buffering x-api-key x-correlation-id x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip ' +
  'x-request-id x-smg-routing-key x-smg-target-worker x-stainless-arch x-stainless-async x-stainless-lang x-stainless-os ' +
  'x-stainless-package-version x-stainless-retry-count x-stainless-runtime x-stainless-runtime-version x-stainless-timeout'
).split(' ');

const SLOTS = 512;

/** Feed the lower-case bytes of a name in order, starting from 0. */
export function hashNameByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/** The hash of a lower-case name. */
export function hashName(name: string): number {
  let hash = 0;
  for (let at = 0; at < name.length; at += 1) hash = hashNameByte(hash, name.charCodeAt(at));
  return hash;
}

/** slot -> number of a name, or UNKNOWN_NAME; collisions go to the next free slot. */
const SLOT_TO_NAME: Int16Array = new Int16Array(SLOTS).fill(UNKNOWN_NAME);
for (const [id, name] of NAMES.entries()) {
  let slot = hashName(name) & (SLOTS - 1);
  while (SLOT_TO_NAME[slot] !== UNKNOWN_NAME) slot = (slot + 1) & (SLOTS - 1);
  SLOT_TO_NAME[slot] = id;
}

/** All names in one array, because comparing with it takes half the time of comparing with strings: name `id` begins at NAME_AT[id]. */
const NAME_BYTES: Uint8Array = Uint8Array.from(NAMES.join(''), (char) => char.charCodeAt(0));
const NAME_AT: Int32Array = new Int32Array(NAMES.length + 1);
for (const [id, name] of NAMES.entries()) NAME_AT[id + 1] = NAME_AT[id]! + name.length;

/** The number of the name in buf[start, end), any case, whose hash (hashNameByte) is `hash`; UNKNOWN_NAME if it is not listed. */
export function findKnownName(buf: Buffer, start: number, end: number, hash: number): number {
  let slot = hash & (SLOTS - 1);
  for (;;) {
    const id = SLOT_TO_NAME[slot]!;
    if (id === UNKNOWN_NAME) return UNKNOWN_NAME;
    let nameAt = NAME_AT[id]!;
    if (NAME_AT[id + 1]! - nameAt === end - start) {
      let at = start;
      while (at < end && NAME_BYTES[nameAt] === LOWER_TOKEN[buf[at]!]) {
        at += 1;
        nameAt += 1;
      }
      if (at === end) return id;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
}

export function knownName(id: number): string {
  return NAMES[id]!;
}
