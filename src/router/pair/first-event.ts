/**
 * Looks at the first event of a stream. An engine that fails once it has promised a stream says so in an event and
 * status 200; until that event is seen a stream proves nothing.
 *
 *   { "error": { "message", "code" } }                                        chat, completions; /generate too long
 *   { "meta_info": { "finish_reason": { "type": "abort", "message", "status_code" } } }    /generate
 *
 * Source: observed with SGLang 0.5.23 (prefill and decode, every kind of failure).
 */
import { EventTail } from '../../wire/sse/event-tail.ts';

/** Longer first events are taken for an answer. */
const MAX_EVENT_BYTES = 256 * 1024;
const LOWER_D = 0x64;
const ERROR = Buffer.from('"error"', 'latin1');
const ABORT = Buffer.from('"abort"', 'latin1');
const NO_BYTES = Buffer.alloc(0);

/** `status`: what the engine would have said with a status line; 500 where it gave none. */
export interface StreamFailure {
  readonly status: number;
  readonly message: string;
}

/** `more`: the first event is not whole. */
export type FirstVerdict = 'more' | 'answer' | StreamFailure;

export class FirstEvent {
  /** Copy of what was pushed while the verdict was `more`. */
  held: Buffer = NO_BYTES;
  readonly #tail = new EventTail();

  /** The next piece of the stream. After a verdict other than `more` nothing is pushed any more. */
  push(buf: Buffer, start: number, end: number): FirstVerdict {
    const whole = this.#tail.push(buf, start, end);
    if (this.held.length === 0 && whole > start && buf[start] === LOWER_D) return judge(buf.subarray(start, whole)) ?? 'answer';
    const more = buf.subarray(start, end);
    const all = this.held.length === 0 ? Buffer.from(more) : Buffer.concat([this.held, more]);
    this.held = all;
    if (all.length > MAX_EVENT_BYTES) return 'answer';
    if (whole === start) return 'more';
    // A comment, or a field without data, is no event: wait for one that has data.
    const events = all.subarray(0, all.length - (end - whole));
    if (!hasData(events)) return 'more';
    return judge(events) ?? 'answer';
  }
}

/** Whole events; only those that hold a tell-tale word are parsed, and only the first with data counts. */
function judge(events: Buffer): StreamFailure | null {
  if (!events.includes(ERROR) && !events.includes(ABORT)) return null;
  for (const event of events.toString('utf8').split(/\r\n\r\n|\n\n|\r\r/)) {
    const data = dataOf(event);
    if (data !== '') return failureIn(data);
  }
  return null;
}

function hasData(events: Buffer): boolean {
  return dataOf(events.toString('utf8')) !== '';
}

function dataOf(event: string): string {
  let data = '';
  for (const line of event.split(/\r\n|\n|\r/)) if (line.startsWith('data:')) data += line.slice(5);
  return data.trim();
}

function failureIn(data: string): StreamFailure | null {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    return null; // `[DONE]`, or something that only its reader understands.
  }
  const error = field(event, 'error');
  if (error !== undefined && error !== null) {
    if (typeof error === 'string') return { status: 500, message: error };
    return { status: statusOf(field(error, 'code')), message: textOf(field(error, 'message')) };
  }
  const reason = field(field(event, 'meta_info'), 'finish_reason');
  if (field(reason, 'type') === 'abort') {
    return { status: statusOf(field(reason, 'status_code')), message: textOf(field(reason, 'message')) };
  }
  return null;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function statusOf(code: unknown): number {
  return typeof code === 'number' && Number.isInteger(code) && code >= 400 && code <= 599 ? code : 500;
}

function textOf(message: unknown): string {
  return typeof message === 'string' ? message : '';
}
