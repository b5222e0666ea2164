import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutsOf, inPieces } from '../../../test/support/splits.ts';
import { EventParser, type SseEvent } from './event-parser.ts';

class Collector {
  readonly events: SseEvent[] = [];
  onEvent(event: SseEvent): void {
    this.events.push(event);
  }
}

function parseAll(stream: string | Buffer, maxEventBytes?: number): { events: SseEvent[]; parser: EventParser } {
  const collector = new Collector();
  const parser = new EventParser(collector, maxEventBytes);
  parser.push(Buffer.from(stream));
  return { events: collector.events, parser };
}

/** The standard's algorithm on the whole stream at once, written as the standard writes it. */
function reference(bytes: Buffer): SseEvent[] {
  const text = new TextDecoder('utf-8').decode(bytes); // takes away a byte order mark
  const lines = text.split(/\r\n|\n|\r/).slice(0, -1);
  const events: SseEvent[] = [];
  let [type, data, id] = ['', '', ''];
  for (const line of lines) {
    if (line === '') {
      if (data !== '') events.push({ type: type || 'message', data: data.slice(0, -1), lastEventId: id });
      [type, data] = ['', ''];
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') type = value;
    if (name === 'data') data += `${value}\n`;
    if (name === 'id' && !value.includes('\0')) id = value;
  }
  return events;
}

const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('data: {"a":"é模😀"}', 'data:', 'data', 'data:  two', 'event: error', 'event:', 'id: 7', 'id', 'id: \0'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(': comment', ':', 'retry: 10', 'unknown: x', 'Data: x', ' data: x', 'data : x', '\u{feff}data: x'),
  },
  { weight: 3, arbitrary: fc.constant('') },
);
const stream = fc
  .tuple(
    fc.constantFrom('', '\u{feff}'),
    fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 16 }),
    fc.constantFrom('', 'data: cut'),
  )
  .map(([mark, lines, rest]) => Buffer.from(mark + lines.map((parts) => parts.join('')).join('') + rest));

test('reports what the standard says, however the stream is split', () => {
  let reported = 0;
  fc.assert(
    fc.property(stream, cutsOf, (bytes, cuts) => {
      const collector = new Collector();
      const parser = new EventParser(collector);
      inPieces(bytes, cuts, (buf, start, end) => parser.push(buf, start, end));
      assert.deepEqual(collector.events, reference(bytes));
      reported += collector.events.length;
    }),
    { numRuns: 5000 },
  );
  assert.ok(reported > 1000);
});

test('reports the same one byte at a time', () => {
  fc.assert(
    fc.property(stream, (bytes) => {
      const collector = new Collector();
      const parser = new EventParser(collector);
      for (let i = 0; i < bytes.length; i++) parser.push(bytes, i, i + 1);
      assert.deepEqual(collector.events, reference(bytes));
    }),
    { numRuns: 1500 },
  );
});

test('reports an event with the piece that ends it', () => {
  const collector = new Collector();
  const parser = new EventParser(collector);
  parser.push(Buffer.from('data: a\n\ndata: b\r\n\r'));
  assert.deepEqual(
    collector.events.map((event) => event.data),
    ['a', 'b'],
  );
  parser.push(Buffer.from('\ndata: c\n\n'));
  assert.equal(collector.events.length, 3);
});

test('leaves out events above the limit, counts them, and goes on', () => {
  const long = `data: ${'x'.repeat(100)}\n\n`;
  const many = `${'data: 0123456789\n'.repeat(8)}\n`;
  const all = Buffer.from(`data: a\n\n${long}data: b\n\n${many}data: c\n\n`);
  fc.assert(
    fc.property(cutsOf, (cuts) => {
      const collector = new Collector();
      const parser = new EventParser(collector, 64);
      inPieces(all, cuts, (buf, start, end) => parser.push(buf, start, end));
      assert.deepEqual(
        collector.events.map((event) => event.data),
        ['a', 'b', 'c'],
      );
      assert.equal(parser.droppedEvents, 2);
    }),
  );
});

test('an event of exactly the limit is reported', () => {
  const { events, parser } = parseAll(`data: ${'x'.repeat(58)}\n\ndata: ${'x'.repeat(59)}\n\n`, 64);
  assert.equal(events.length, 1);
  assert.equal(parser.droppedEvents, 1);
});

test('keeps the id for later events and the retry time', () => {
  const { events, parser } = parseAll('id: 1\ndata: a\n\ndata: b\n\nid\nretry: 1500\ndata: c\n\nretry: 1x\n\n');
  assert.deepEqual(
    events.map((event) => event.lastEventId),
    ['1', '1', ''],
  );
  assert.equal(parser.retryMs, 1500);
});

test('is in order for the next event when the sink throws', () => {
  const seen: string[] = [];
  const parser = new EventParser({
    onEvent(event) {
      seen.push(event.data);
      if (event.data === 'a') throw new Error('observer failed');
    },
  });
  assert.throws(() => parser.push(Buffer.from('data: a\n\n')), /observer failed/);
  parser.push(Buffer.from('data: b\n\n'));
  assert.deepEqual(seen, ['a', 'b']);
});
