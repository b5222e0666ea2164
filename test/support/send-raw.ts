/** Sends one HTTP request from the bytes up and reads the answer to its end, with the header fields as they came. */
import { Agent, request } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** The connection ended before the answer did. */
  readonly isCut: boolean;
}

/** `body`: sent as it is, with its length. A connection of its own, asked to stay open. Rejects when no head comes. */
export function sendRaw(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Reply> {
  const agent = new Agent({ keepAlive: true });
  return new Promise<Reply>((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...length }, agent });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      let isCut = false;
      incoming.setEncoding('utf8');
      incoming.on('data', (piece: string) => {
        text += piece;
      });
      incoming.on('error', () => {
        isCut = true;
      });
      incoming.on('close', () => {
        const fields: [string, string][] = [];
        for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) fields.push([incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!]);
        resolve({ status: incoming.statusCode ?? 0, headers: fields, body: text, isCut });
      });
    });
    outgoing.end(body);
  }).finally(() => agent.destroy());
}

/** POST of a JSON value. */
export function postJson(port: number, path: string, value: unknown): Promise<Reply> {
  return sendRaw(port, 'POST', path, { 'content-type': 'application/json' }, JSON.stringify(value));
}
