/** The shape of an event stream: one line per event, repeats joined. Written apart from the router's own parser, to check it. */

import { generatedOf, shapeOf } from './json-shape.ts';

export interface EventStream {
  /** What each event looks like; equal neighbours are one line. For mixed answers: the sorted set of lines. */
  readonly events: readonly string[];
  /** Number of events, `[DONE]` included. */
  readonly eventCount: number;
  /** All text that the stream generated; a stream that repeats itself cumulatively counts its last event only. */
  readonly generated: string;
  /** Set if an event's text starts with the text of the one before (`cumulative`), or goes on after it (`delta`). */
  readonly growth: 'cumulative' | 'delta' | undefined;
  /** True if the last event is complete. */
  readonly isComplete: boolean;
}

interface Event {
  readonly name: string;
  readonly otherFields: readonly string[];
  readonly data: string;
}

function splitEvents(text: string): Event[] {
  return text
    .split(/\r?\n\r?\n/)
    .filter((block) => block !== '')
    .map((block) => {
      const data: string[] = [];
      const otherFields: string[] = [];
      let name = '';
      for (const line of block.split(/\r?\n/)) {
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'data') data.push(content);
        else if (field === 'event') name = content;
        else otherFields.push(field === '' ? 'comment' : field);
      }
      return { name, otherFields, data: data.join('\n') };
    });
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** Values of an event that every run repeats. Counts of tokens change with each event, so only the last event's are told. */
const FIXED =
  /(^|[.\]])(finish_reason(\.type|\.length|\.matched|\.message|\.status_code)?|message|code|retryable|type|status|role|stop_reason)$/;
const COUNTS = /(_tokens|_details\.device|_details\.host)$/;

/** Several answers in one stream take their tokens in turns, so a count depends on chance unless it is that of an end. */
function line(event: Event, value: unknown, withCounts: boolean): string {
  const label = [event.name, ...event.otherFields].filter((part) => part !== '').join(',');
  if (value === undefined || typeof value !== 'object') return `${label} ${event.data.slice(0, 80)}`.trim();
  const { keys, values } = shapeOf(value);
  const leaves = keys.filter((key) => !key.endsWith(':object') && !key.startsWith(':'));
  const told = Object.entries(values)
    .filter(([path]) => FIXED.test(path) || (withCounts && COUNTS.test(path)))
    .map(([path, list]) => `${path}=${list.join(',')}`)
    .sort();
  return `${label} {${leaves.join(' ')}} ${told.join(' ')}`.trim();
}

/** The last event of an answer, or the one with the usage of the whole stream. */
function isEnd(value: unknown): boolean {
  const { values } = shapeOf(value);
  const reasons = Object.entries(values).filter(([path]) => /finish_reason(\.type)?$/.test(path));
  const isUsageAlone = 'usage.total_tokens' in values && !('choices[].index' in values);
  return isUsageAlone || 'response.usage.total_tokens' in values || reasons.some(([, list]) => list.some((one) => one !== 'null'));
}

export function eventStreamOf(text: string, mixed: boolean): EventStream {
  const events = splitEvents(text);
  const parsed = events.map((event) => parse(event.data));
  const lines = events.map((event, i) => line(event, parsed[i], isEnd(parsed[i])));
  const joined = lines.filter((one, i) => i === 0 || one !== lines[i - 1]);
  const pieces = parsed.map(generatedOf).filter((piece) => piece !== '');
  const ids = parsed.map((value) => (value as { output_ids?: number[] } | undefined)?.output_ids).filter((one) => one !== undefined);
  const cumulative = ids.length > 1 && ids.every((one, i) => i === 0 || one.length >= (ids[i - 1]?.length ?? 0));
  const growth = mixed || ids.length < 2 ? undefined : cumulative ? 'cumulative' : 'delta';
  return {
    events: mixed ? [...new Set(lines)].sort() : joined,
    eventCount: events.length,
    generated: mixed ? '' : growth === 'cumulative' ? (pieces.at(-1) ?? '') : pieces.join(''),
    growth,
    isComplete: text === '' || /\r?\n\r?\n$/.test(text),
  };
}
