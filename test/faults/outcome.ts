/**
 * What a client saw, in words that a table can hold:
 *
 *   200 whole                      a whole response, and for 200 the one that the worker meant
 *   200 wrong                      a whole response that is not the worker's
 *   502 call_upstream_reset        an error of the router
 *   200 cut [code]                 the response ended before its end; a stream may have an error event with a code
 *   closed                         the connection ended before a response
 *   refused                        no connection
 *   silent                         nothing came in time
 */
import { MessageReader } from '../support/message-reader.ts';
import type { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

export interface Outcome {
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** `isMeant`: whether the body of a 200 is what the worker meant. */
export async function readOutcome(client: RawClient, limitMs: number, isMeant: (body: Buffer) => boolean): Promise<Outcome> {
  const reader = new MessageReader('response', 'POST');
  let fed = 0;
  try {
    await until(
      () => {
        if (client.receivedBytes > fed) fed += reader.feed(client.received.subarray(fed));
        if (client.end === 'fin' && reader.untilClose) reader.end();
        return reader.done || client.end !== null;
      },
      'an outcome',
      limitMs,
    );
  } catch {
    return { text: 'silent', retryAfter: undefined };
  }
  return { text: wordsOf(reader, isMeant), retryAfter: reader.headDone ? reader.get('retry-after') : undefined };
}

export function wordsOf(reader: MessageReader, isMeant: (body: Buffer) => boolean): string {
  if (!reader.headDone) return 'closed';
  const code = reader.get('x-smg-error-code');
  if (reader.done && code !== undefined) return `${reader.status} ${code}`;
  if (reader.done) return `${reader.status} ${reader.status !== 200 || isMeant(reader.body) ? 'whole' : 'wrong'}`;
  const inEvent = /"code":"(\w+)"/.exec(reader.body.toString('latin1'))?.[1];
  return `${reader.status} cut${inEvent === undefined ? '' : ` ${inEvent}`}`;
}
