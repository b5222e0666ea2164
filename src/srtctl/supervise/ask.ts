/** One HTTP question to a part of the fleet, and its answer as JSON. Answers are bounded; failures come back as words. */
import { Agent, request } from 'undici';

const CONNECT_MS = 2000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export type Answer =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  /** `message` for people: `ECONNREFUSED`, `no answer within 5 s`. `isRefused`: nothing listens there. */
  | { readonly kind: 'none'; readonly message: string; readonly isRefused: boolean };

export interface Question {
  readonly url: string;
  /** JSON of a POST; null: GET. */
  readonly body: object | null;
  /** Sent as `Authorization: Bearer`; null: none. */
  readonly key: string | null;
  /** For head and body each; null: no limit but `signal`. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal;
}

export class Asker {
  readonly #agent = new Agent({ connect: { timeout: CONNECT_MS }, keepAliveTimeout: 1000, connections: 4 });

  async ask({ url, body, key, timeoutMs, signal }: Question): Promise<Answer> {
    try {
      const response = await request(url, {
        dispatcher: this.#agent,
        method: body === null ? 'GET' : 'POST',
        headers: {
          ...(body === null ? {} : { 'content-type': 'application/json' }),
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        },
        body: body === null ? null : JSON.stringify(body),
        headersTimeout: timeoutMs ?? 0,
        bodyTimeout: timeoutMs ?? 0,
        signal,
      });
      const pieces: Buffer[] = [];
      let bytes = 0;
      for await (const piece of response.body as AsyncIterable<Buffer>) {
        bytes += piece.length;
        if (bytes > MAX_ANSWER_BYTES) return { kind: 'none', message: `the answer of ${url} is larger than 8 MiB`, isRefused: false };
        pieces.push(piece);
      }
      return { kind: 'answer', status: response.statusCode, text: Buffer.concat(pieces).toString('utf8') };
    } catch (error) {
      return { kind: 'none', message: inWords(error, timeoutMs), isRefused: (error as { code?: string }).code === 'ECONNREFUSED' };
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function inWords(error: unknown, timeoutMs: number | null): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return `no answer within ${(timeoutMs ?? 0) / 1000} s`;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${CONNECT_MS / 1000} s`;
  if (code === 'ECONNREFUSED') return 'nobody listens there yet (ECONNREFUSED)';
  return code ?? message ?? 'failed';
}

/** Null where the text is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** First characters of an answer, in one line, for messages. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}
