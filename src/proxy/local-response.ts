/** Answers that the router writes itself. */
import { ERRORS, type ErrorCode, errorBody } from '../core/errors.ts';
import type { LocalResponse } from '../core/local-route.ts';
import { reasonPhrase } from '../http1/reason-phrase.ts';

/** A whole error answer: the OpenAI error object and `X-SMG-Error-Code`. `head`: leave the body out (HEAD). */
export function errorResponse(
  code: ErrorCode,
  message: string,
  requestId: string | null,
  connection: string | null,
  head: boolean,
  extra: Readonly<Record<string, string>> = {},
): Buffer {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-smg-error-code': code, ...extra };
  return localResponse({ status: ERRORS[code].status, headers, body: errorBody(code, message) }, requestId, connection, head);
}

/** The bytes of a whole answer. */
export function localResponse(response: LocalResponse, requestId: string | null, connection: string | null, head: boolean): Buffer {
  const body = typeof response.body === 'string' ? Buffer.from(response.body, 'utf8') : response.body;
  let text = `HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\r\n`;
  let typed = false;
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    text += `${name}: ${value}\r\n`;
    if (name.toLowerCase() === 'content-type') typed = true;
  }
  if (!typed && body.length > 0) text += 'content-type: text/plain; charset=utf-8\r\n';
  text += `content-length: ${body.length}\r\n`;
  if (requestId !== null) text += `x-request-id: ${requestId}\r\n`;
  if (connection !== null) text += `connection: ${connection}\r\n`;
  text += '\r\n';
  const size = text.length + (head ? 0 : body.length);
  const bytes = Buffer.allocUnsafe(size);
  bytes.write(text, 0, 'latin1');
  if (!head) body.copy(bytes, text.length);
  return bytes;
}
