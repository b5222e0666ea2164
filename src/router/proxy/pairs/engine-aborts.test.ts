import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import { BodyMemory } from '../request/body-memory.ts';
import type { Flight, Sink, Upstream, UpstreamRequest } from '../upstream/seam.ts';
import { EngineAborts } from './engine-aborts.ts';

interface Sent {
  readonly request: UpstreamRequest;
  readonly body: string;
  readonly sink: Sink;
  isCancelled: boolean;
}

/** An engine that answers when the test says so. `failure`: how sending fails at once. */
class SlowEngine implements Pick<Upstream, 'send'> {
  readonly sent: Sent[] = [];
  failure: OutcomeKind | null = null;

  send(request: UpstreamRequest, sink: Sink): Flight {
    const { buf, start, end } = request.body!; // An abort has one.
    const sent: Sent = { request, body: buf.toString('utf8', start, end), sink, isCancelled: false };
    this.sent.push(sent);
    if (this.failure !== null) sink.onError(this.failure, 'unsent');
    return { cancel: () => (sent.isCancelled = true) } as unknown as Flight;
  }
}

function rig(): { engine: SlowEngine; aborts: EngineAborts; clock: FakeClock; memory: BodyMemory } {
  const engine = new SlowEngine();
  const clock = new FakeClock();
  const memory = new BodyMemory(1 << 20, 1024);
  return { engine, aborts: new EngineAborts({ memory, clock, wheel: new TimerWheel(clock) }), clock, memory };
}

test('an abort names the request, and lets go when the engine has answered or is gone', () => {
  const { engine, aborts, memory } = rig();
  aborts.send(engine, 'a "quoted" id', ['authorization', 'Bearer k']);
  const [sent] = engine.sent;
  assert.ok(sent !== undefined);
  assert.deepEqual([sent.request.method, sent.request.target, sent.body], ['POST', '/abort_request', '{"rid":"a \\"quoted\\" id"}']);
  assert.deepEqual(sent.request.fields, ['authorization', 'Bearer k']);
  assert.equal(aborts.open, 1);
  sent.sink.onEnd();
  aborts.send(engine, 'x', []);
  engine.sent[1]!.sink.onError('reset', 'sent'); // Two were sent.
  engine.failure = 'queue-full';
  aborts.send(engine, 'y', []);
  assert.deepEqual([aborts.open, memory.heldBytes, engine.sent.length], [0, 0, 3]);
});

test('an engine that does not answer is not waited for longer than 5 s', () => {
  const { engine, aborts, clock, memory } = rig();
  aborts.send(engine, 'x', []);
  clock.advance(4900);
  assert.equal(engine.sent[0]?.isCancelled, false);
  clock.advance(400);
  assert.equal(engine.sent[0]?.isCancelled, true);
  assert.deepEqual([aborts.open, memory.heldBytes], [0, 0]);
});

test('at most 64 are under way at an engine, and the others follow in their order', () => {
  const { engine, aborts, memory } = rig();
  const other = new SlowEngine();
  for (let i = 0; i < 2000; i++) aborts.send(engine, String(i), []);
  aborts.send(other, 'of an engine that is not busy', []);
  assert.deepEqual([aborts.open, engine.sent.length, other.sent.length], [2001, 64, 1]);
  other.sent[0]!.sink.onEnd();
  for (let i = 0; i < 100; i++) engine.sent[i]!.sink.onEnd(); // As one ends another is sent.
  assert.deepEqual([aborts.open, engine.sent.length, engine.sent.at(-1)!.body], [1900, 164, '{"rid":"163"}']);
  engine.failure = 'connect-failed';
  engine.sent[100]!.sink.onError('reset', 'sent');
  for (let i = 101; i < 164; i++) engine.sent[i]!.sink.onEnd();
  assert.deepEqual([aborts.open, engine.sent.length, memory.heldBytes], [0, 2000, 0]);
});

test('an abort that has waited longer than an engine needs to see that its client is gone is not sent', () => {
  const { engine, aborts, clock } = rig();
  for (let i = 0; i < 100; i++) aborts.send(engine, String(i), []);
  clock.advance(4500);
  aborts.send(engine, 'fresh', []);
  clock.advance(1000);
  assert.deepEqual([aborts.open, engine.sent.length, engine.sent.at(-1)!.body], [1, 65, '{"rid":"fresh"}']);
});

test('a request that the engine may still be reading is aborted once more a second later', async () => {
  const { engine, aborts, clock } = rig();
  aborts.sendTwice(engine, 'x', []);
  engine.sent[0]!.sink.onEnd(); // It was sent.
  clock.advance(900);
  assert.equal(engine.sent.length, 1);
  clock.advance(300);
  assert.deepEqual(
    engine.sent.map(({ body }) => body),
    ['{"rid":"x"}', '{"rid":"x"}'],
  );
  engine.sent[1]!.sink.onEnd();
  aborts.sendTwice(engine, 'y', []);
  engine.sent[2]!.sink.onEnd();
  await aborts.stop(500);
  clock.advance(5000);
  assert.equal(engine.sent.length, 3);
});

test('the end waits for engines that answer, not for those that do not', async () => {
  const { engine, aborts, clock } = rig();
  await aborts.stop(500);
  aborts.send(engine, 'x', []);
  aborts.send(engine, 'y', []);
  let isStopped = false;
  const stopping = aborts.stop(500).then(() => {
    isStopped = true;
  });
  engine.sent[0]!.sink.onEnd(); // Two were sent.
  await Promise.resolve();
  assert.equal(isStopped, false);
  clock.advance(500);
  await stopping;
  assert.deepEqual([engine.sent[0]?.isCancelled, engine.sent[1]?.isCancelled, aborts.open], [false, true, 0]);
  for (let i = 0; i < 100; i++) aborts.send(engine, String(i), []);
  const all = aborts.stop(500);
  clock.advance(500);
  await all;
  assert.deepEqual([aborts.open, engine.sent.length], [0, 66]);
});
