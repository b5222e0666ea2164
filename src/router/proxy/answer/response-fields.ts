/** The head of an answer on its way from a worker to a client. */
import { droppedByConnection } from '../../../wire/http1/hop-by-hop.ts';
import { isEventStream } from '../../../wire/sse/media-type.ts';
import type { AnswerHead } from '../upstream/seam.ts';

/** How the body of an answer is delimited towards the client. `none`: there is no body. */
export type ClientFraming = 'none' | 'length' | 'chunked' | 'until-close';

/**
 * Text of the head, blank line included. The worker's fields pass in their order, repeated ones too, except framing and
 * hop-by-hop. `length`: of the body, where the router has it whole; else what the worker said.
 */
export function clientHeadText(
  head: AnswerHead,
  framing: ClientFraming,
  { requestId, cors }: { readonly requestId: string; readonly cors: string },
  connection: string | null,
  length: number = head.contentLength,
): string {
  head.relayText ??= relayText(head);
  let text = head.relayText;
  if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n';
  // A HEAD or 304 answer may tell the length of the body that it does not have.
  else if (length >= 0 && head.status !== 204) text += `content-length: ${length}\r\n`;
  text += `${cors}x-request-id: ${requestId}\r\n`;
  if (connection !== null) text += `connection: ${connection}\r\n`;
  return `${text}\r\n`;
}

/** Status line and the fields that pass. */
function relayText({ status, reason, fields }: AnswerHead): string {
  const named = droppedByConnection(fields);
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  let isEvents = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (isRewritten(name) || named?.includes(name) === true) continue;
    if (name === 'content-type') isEvents = isEventStream(fields[i + 1]);
    text += `${name}: ${fields[i + 1]}\r\n`;
  }
  // Without it nginx gathers events before it passes them on.
  return isEvents ? `${text}x-accel-buffering: no\r\n` : text;
}

/** Hop-by-hop fields and those that the router writes itself. A switch: it is asked for every field of every answer. */
function isRewritten(name: string): boolean {
  switch (name) {
    case 'connection':
    case 'content-length':
    case 'keep-alive':
    case 'te':
    case 'trailer':
    case 'transfer-encoding':
    case 'upgrade':
    case 'x-accel-buffering':
    case 'x-request-id':
      return true;
    default:
      return name.startsWith('proxy-') || name.startsWith('access-control-');
  }
}

/** How the body of a worker's answer reaches a client of HTTP/1.`minor`. */
export function framingFor(head: AnswerHead, minor: 0 | 1): ClientFraming {
  if (!head.hasBody) return 'none';
  if (head.contentLength >= 0) return 'length';
  return minor === 1 ? 'chunked' : 'until-close';
}

/** An event stream whose events can be seen: a compressed one is bytes like any other. */
export function isRelayedEventStream(head: AnswerHead): boolean {
  if (!head.hasBody) return false;
  const type = head.find('content-type');
  if (type === undefined || type === 'application/json' || !isEventStream(type)) return false;
  const coding = head.find('content-encoding');
  return coding === undefined || coding === 'identity';
}
