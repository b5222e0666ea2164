/** What following a stream of server-sent events costs per event: the tail that a relay needs, and the parser of an observer. */
import { EventParser } from '../../src/wire/sse/event-parser.ts';
import { EventTail } from '../../src/wire/sse/event-tail.ts';
import type { Case } from './case.ts';

const EVENT =
  'data: {"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1700000000,"model":"a-model",' +
  '"choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}\n\n';
const OPS = 1000;

export function cases(): readonly Case[] {
  const whole = Buffer.from(EVENT);
  const bytes = whole.length;
  const tail = new EventTail();
  let count = 0;
  const parser = new EventParser({ onEvent: () => void count++ });
  return [
    {
      name: 'tail, one event per piece',
      ops: OPS,
      bytesPerOp: bytes,
      run() {
        let passed = 0;
        for (let i = 0; i < OPS; i++) passed += tail.push(whole, 0, bytes);
        if (passed !== OPS * bytes) throw new Error(`${passed} bytes passed`);
      },
    },
    {
      name: 'tail, events cut in two',
      ops: OPS,
      bytesPerOp: bytes,
      run() {
        for (let i = 0; i < OPS; i++) {
          tail.push(whole, 0, 100);
          tail.push(whole, 100, bytes);
        }
        if (!tail.isAtBoundary) throw new Error('the last event is open');
      },
    },
    {
      name: 'parser, one event per piece',
      ops: OPS,
      bytesPerOp: bytes,
      run() {
        count = 0;
        for (let i = 0; i < OPS; i++) parser.push(whole);
        if (count !== OPS) throw new Error(`${count} events`);
      },
    },
  ];
}
