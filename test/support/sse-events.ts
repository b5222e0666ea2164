/** Reads a text of server-sent events the slow and plain way, for tests. It shares nothing with src/wire/sse. */

export interface SeenEvent {
  /** 'message' when the event says nothing else. */
  readonly event: string;
  readonly data: string;
}

/** Whole events in order; what follows the last blank line is dropped. */
export function parseEvents(text: string): SeenEvent[] {
  const events: SeenEvent[] = [];
  let event = 'message';
  let data: string[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  lines.pop();
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      event = 'message';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
  }
  return events;
}
