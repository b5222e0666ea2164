/** The bytes of answers that the router makes itself. */
import { ERRORS, type ErrorCode, errorBody } from '../../../base/core/errors.ts';
import type { LocalResponse, SlicedResponse } from '../../../base/core/local-route.ts';
import { reasonPhrase } from '../../../wire/http1/reason-phrase.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';

/** What an answer takes from its request, its connection and the time. */
export interface AnswerFrame {
  readonly requestId: string | null;
  /** Value of the Connection field, null: none. */
  readonly connection: string | null;
  /** Leave the body out. */
  readonly isHead: boolean;
  /** Field lines that say which web pages may read the answer. */
  readonly cors: string;
  /** Value of the Date field (RFC 9110 6.6.1: a server with a clock dates its answers). */
  readonly date: string;
}

/** Value of the Connection field of an answer to HTTP/1.`minor`, or null where it is the default of the version. */
export function connectionField(minor: 0 | 1, persist: boolean): string | null {
  if (!persist) return 'close';
  return minor === 0 ? 'keep-alive' : null;
}

/** The frame of an answer to one request. */
export function answerFrame(
  { requestId, head, cors }: { readonly requestId: string; readonly head: RequestHead; readonly cors: string },
  persist: boolean,
  date: string,
): AnswerFrame {
  return { requestId, connection: connectionField(head.minor, persist), isHead: head.method === 'HEAD', cors, date };
}

/** The frame of an answer to something that never became a request. */
export function lastAnswerFrame(date: string): AnswerFrame {
  return { requestId: null, connection: 'close', isHead: false, cors: '', date };
}

/** A whole error answer: the OpenAI error object and `X-SMG-Error-Code`. `param`: the field of the request that is wrong. */
export function errorResponse(
  code: ErrorCode,
  message: string,
  frame: AnswerFrame,
  extra: Readonly<Record<string, string>> = {},
  param: string | null = null,
): Buffer {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-smg-error-code': code, ...extra };
  return localResponse({ status: ERRORS[code].status, headers, body: errorBody(code, message, param) }, frame);
}

/** The bytes of a whole answer. */
export function localResponse(response: LocalResponse, frame: AnswerFrame): Buffer {
  const body = typeof response.body === 'string' ? Buffer.from(response.body, 'utf8') : response.body;
  const text = `${startText(response, frame, body.length > 0)}content-length: ${body.length}\r\n${endText(frame)}`;
  const bytes = Buffer.allocUnsafe(text.length + (frame.isHead ? 0 : body.length));
  bytes.write(text, 0, 'latin1');
  if (!frame.isHead) body.copy(bytes, text.length);
  return bytes;
}

/** The head of an answer whose body follows, blank line included; not chunked: the body ends with the connection. */
export function slicedHead(response: SlicedResponse, frame: AnswerFrame, isChunked: boolean): string {
  return `${startText(response, frame, true)}${isChunked ? 'transfer-encoding: chunked\r\n' : ''}${endText(frame)}`;
}

/** Status line and the fields of the response itself. */
function startText({ status, headers = {} }: Pick<LocalResponse, 'status' | 'headers'>, { date }: AnswerFrame, hasBody: boolean): string {
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\ndate: ${date}\r\n`;
  let typed = false;
  for (const [name, value] of Object.entries(headers)) {
    text += `${name}: ${value}\r\n`;
    if (name.toLowerCase() === 'content-type') typed = true;
  }
  if (!typed && hasBody) text += 'content-type: text/plain; charset=utf-8\r\n';
  return text;
}

function endText({ requestId, connection, cors }: AnswerFrame): string {
  const id = requestId === null ? '' : `x-request-id: ${requestId}\r\n`;
  return `${cors}${id}${connection === null ? '' : `connection: ${connection}\r\n`}\r\n`;
}
