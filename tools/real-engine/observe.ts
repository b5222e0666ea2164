/** Sends one request and notes what came back, without what changes from run to run. */

import { Agent, request } from 'node:http';
import type { Case } from './case.ts';
import { generatedOf, scrub, shapeOf } from './json-shape.ts';
import { eventStreamOf } from './sse-shape.ts';

export interface Observation {
  /** The HTTP status, or what went wrong before there was one (`ECONNRESET`, `deadline`). */
  readonly status: string;
  /** `name: value`, sorted; of those whose value depends on the run only the name. */
  readonly headers: readonly string[];
  readonly body: 'none' | 'json' | 'events' | 'metrics' | 'text';
  readonly keys: readonly string[];
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly events: readonly string[];
  readonly eventCount: number;
  readonly growth: string;
  /** Generated text, or the body itself if it is plain text. */
  readonly text: string;
  /** The first 4,000 characters of the body; kept for reading, not compared. */
  readonly raw: string;
}

const VALUE_DEPENDS_ON_RUN = new Set(['date', 'content-length', 'x-request-id']);

interface Reply {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Set when the connection ended before the message did. */
  readonly cut: string | undefined;
}

export function send(base: string, one: Case, deadlineMs: number, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const isChunked = 'transfer-encoding' in one.headers;
    const length = one.body === undefined || isChunked ? {} : { 'content-length': String(one.body.length) };
    // As clients do: asks to keep the connection, but each request has its own.
    const agent = new Agent({ keepAlive: true });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
    const outgoing = request(`${base}${one.path}`, {
      method: one.method,
      headers: { ...one.headers, ...length },
      agent,
      signal: limit,
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => reject(limit.aborted && !signal.aborted ? new Error('deadline') : error));
    outgoing.on('response', (incoming) => {
      const parts: Buffer[] = [];
      let cut: string | undefined;
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('error', (error: NodeJS.ErrnoException) => {
        cut = error.code ?? error.message;
      });
      incoming.on('close', () =>
        resolve({ status: incoming.statusCode ?? 0, rawHeaders: incoming.rawHeaders, body: Buffer.concat(parts), cut }),
      );
    });
    outgoing.on('close', () => agent.destroy());
    outgoing.end(one.body);
  });
}

function headerLines(raw: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const value = name === 'allow' ? raw[i + 1]!.split(/, */).sort().join(', ') : raw[i + 1]!;
    lines.push(VALUE_DEPENDS_ON_RUN.has(name) ? name : `${name}: ${name === 'location' ? withoutPort(value) : value}`);
  }
  return lines.sort();
}

/** Engines listen on ports of their own. */
function withoutPort(location: string): string {
  return location.replace(/(?<=^https?:\/\/[^/]*):\d+/, '');
}

const NOTHING = { headers: [], keys: [], values: {}, events: [], eventCount: 0, growth: '', text: '', raw: '' } as const;

/** Never rejects, unless `signal` has been aborted: a failure is an observation too. */
export async function observe(base: string, one: Case, deadlineMs: number, signal: AbortSignal): Promise<Observation> {
  let reply: Reply;
  try {
    reply = await send(base, one, deadlineMs, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    return { ...NOTHING, status: code ?? message, body: 'none' };
  }
  const headers = headerLines(reply.rawHeaders);
  const status = reply.cut === undefined ? String(reply.status) : `${reply.status} cut (${reply.cut})`;
  const text = reply.body.toString('utf8');
  const head = { ...NOTHING, status, headers, raw: text.slice(0, 4000) };
  if (text === '') return { ...head, body: 'none' };
  if (headers.some((line) => line.startsWith('content-type: text/event-stream'))) {
    const stream = eventStreamOf(text, one.mixed);
    return {
      ...head,
      body: 'events',
      events: stream.isComplete ? stream.events : [...stream.events, '(last event is cut)'],
      eventCount: stream.eventCount,
      growth: stream.growth ?? '',
      text: one.random ? '' : stream.generated,
    };
  }
  const families = [...text.matchAll(/^# TYPE (\S+ \S+)$/gm)].map((match) => match[1]!);
  if (families.length > 0) return { ...head, body: 'metrics', keys: [...new Set(families)].sort() };
  try {
    const value: unknown = JSON.parse(text);
    const { keys, values } = shapeOf(value);
    if (one.shallow) return { ...head, body: 'json', keys: keys.filter((key) => !/[.[]/.test(key.slice(0, key.lastIndexOf(':')))) };
    if (one.random) return { ...head, body: 'json', ...withoutLength(keys, values), text: '' };
    return { ...head, body: 'json', keys, values, text: generatedOf(value) };
  } catch {
    return { ...head, body: 'text', text: scrub(text) };
  }
}

/** A random answer may end by itself or at its limit. */
function withoutLength(keys: Observation['keys'], values: Observation['values']): Pick<Observation, 'keys' | 'values'> {
  const isOfLength = (path: string): boolean => /\b(finish_reason\.|completion_tokens\b)/.test(path);
  return {
    keys: keys.filter((key) => !isOfLength(key)),
    values: Object.fromEntries(Object.entries(values).filter(([path]) => !isOfLength(path))),
  };
}
