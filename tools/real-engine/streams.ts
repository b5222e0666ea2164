/** Reading the streams of a router, and rows that say what must be and is not. */

import { request } from 'node:http';
import type { Row } from './report.ts';

export const LIMIT_MS = 60_000;

export interface Stream {
  /** `complete` (ends with [DONE]), `error event, cut`, `cut`, or the HTTP status if it is not 200. */
  readonly end: string;
  /** Of the last event that told them. */
  readonly completionTokens: number;
  /** All that came. */
  readonly text: string;
}

export function readStream(url: string, path: string, body: object, signal: AbortSignal): Promise<Stream> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const outgoing = request(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
      signal: limit,
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve({ end: error.code ?? error.message, completionTokens: 0, text: '' }));
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
      });
      incoming.on('error', () => {
        // `close` follows and tells that it was cut.
      });
      incoming.on('close', () => {
        const counts = [...text.matchAll(/"completion_tokens":(\d+)/g)].map((match) => Number(match[1]));
        const isDone = incoming.complete && text.endsWith('data: [DONE]\n\n');
        const hasError = /^data: \{"error"/m.test(text) || /^event: error/m.test(text);
        const end = isDone ? 'complete' : `${hasError ? 'error event, ' : ''}${incoming.complete ? 'ends without [DONE]' : 'cut'}`;
        resolve({ end: incoming.statusCode === 200 ? end : `status ${incoming.statusCode}`, completionTokens: counts.at(-1) ?? 0, text });
      });
    });
    outgoing.end(JSON.stringify(body));
  });
}

/** `complaints`: what is not as it must be; false for what is. */
export function row(name: string, answer: string, complaints: readonly (string | false)[]): Row {
  return { name, answer, cells: [{ explainedBy: [], unexplained: complaints.filter((one) => one !== false) }] };
}
