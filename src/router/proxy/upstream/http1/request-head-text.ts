/** The head of a request to a worker. */
import type { UpstreamRequest } from '../seam.ts';

/** What heads to one worker have in common. */
export interface HeadTarget {
  /** In front of every path; '' or `/path`. */
  readonly basePath: string;
  /** Field lines that are the same for every request: Host and, if the worker has a key, Authorization. */
  readonly fixedFields: string;
  /** The client's own key is left out. */
  readonly replacesAuthorization: boolean;
}

/** Request line, fields, framing and the empty line. The length of an incomplete body is the declared one, if any. */
export function requestHeadText({ method, target, fields, body }: UpstreamRequest, worker: HeadTarget): string {
  let text = `${method} ${worker.basePath}${target} HTTP/1.1\r\n${worker.fixedFields}`;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (worker.replacesAuthorization && (name === 'authorization' || name === 'x-api-key')) continue;
    text += `${name}: ${fields[i + 1]}\r\n`;
  }
  if (body === null) return method === 'GET' || method === 'HEAD' ? `${text}\r\n` : `${text}content-length: 0\r\n\r\n`;
  if (body.complete) return `${text}content-length: ${body.heldBytes}\r\n\r\n`;
  if (body.declaredBytes >= 0) return `${text}content-length: ${body.declaredBytes}\r\n\r\n`;
  return `${text}transfer-encoding: chunked\r\n\r\n`;
}
