/** Bodies that clients have compressed: which coding they name, and the plain bytes where the router must write into a body. */
import * as zlib from 'node:zlib';
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import { RequestBody } from './body.ts';
import type { BodyMemory } from './body-memory.ts';

/** Why a body cannot be read, for the client. */
export interface Unreadable {
  readonly code: ErrorCode;
  readonly message: string;
}

type Decompress = (
  bytes: Buffer,
  options: { readonly maxOutputLength: number },
  done: (error: NodeJS.ErrnoException | null, plain: Buffer) => void,
) => void;

/** From Node 22.15 on. */
const ZSTD: unknown = Reflect.get(zlib, 'zstdDecompress');
const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['gzip', zlib.gunzip],
  ['x-gzip', zlib.gunzip],
  ...(typeof ZSTD === 'function' ? [['zstd', ZSTD as Decompress] as const] : []), // Documented with this form.
]);

/** `content-encoding` is HTTP's. SGLang reads `x-body-compressed`. */
export function isCodingField(name: string): boolean {
  return name === 'content-encoding' || name === 'x-body-compressed';
}

/** Codings of a request body in lower case, `gzip` or `gzip, zstd`; null: the body is plain. */
export function codingOf({ fields }: RequestHead): string | null {
  let codings: string[] | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    if (!isCodingField(fields[i]!)) continue;
    for (const part of fields[i + 1]!.toLowerCase().split(',')) {
      const coding = part.trim();
      if (coding === '' || coding === 'identity') continue;
      codings ??= [];
      codings.push(coding);
    }
  }
  return codings === null ? null : codings.join(', ');
}

/**
 * Decompresses a whole body, off the event loop. `done` is called once, in a later turn, unless the coding is unknown. The caller keeps
 * `body` until then. `maxBytes`: of the plain body.
 */
export function decodeBody(
  body: RequestBody,
  coding: string,
  maxBytes: number,
  memory: BodyMemory,
  done: (result: RequestBody | Unreadable) => void,
): void {
  const decompress = DECOMPRESS.get(coding);
  if (decompress === undefined) {
    const known = [...DECOMPRESS.keys()].filter((name) => name !== 'x-gzip').join(' and ');
    const zstd = coding === 'zstd' ? '; for zstd the router needs Node.js 22.15 or later' : '';
    done({
      code: 'unsupported_media_type',
      message: `the body is encoded with ${coding}, and the router must write into it: it can read ${known}, or send the body plain${zstd}`,
    });
    return;
  }
  const free = memory.limitBytes - memory.heldBytes;
  const maxOutputLength = Math.max(1, Math.min(maxBytes, free, zlib.constants.Z_MAX_CHUNK));
  decompress(body.buf.subarray(body.start, body.end), { maxOutputLength }, (error, plain) => {
    if (error === null) done(plainBody(plain, memory));
    else if (error.code !== 'ERR_BUFFER_TOO_LARGE') done({ code: 'invalid_request', message: `the body is not valid ${coding}` });
    else if (free < maxBytes)
      done({ code: 'body_memory_full', message: 'the decoded body does not fit into the memory for request bodies' });
    else done({ code: 'payload_too_large', message: `the decoded body is larger than ${maxBytes} bytes` });
  });
}

function plainBody(plain: Buffer, memory: BodyMemory): RequestBody {
  const body = new RequestBody(plain.length, memory);
  body.reserve(plain.length);
  plain.copy(body.buf, body.start);
  body.complete = true;
  return body;
}
