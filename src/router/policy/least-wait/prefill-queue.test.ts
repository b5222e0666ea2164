import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Flight, PrefillQueue } from './prefill-queue.ts';

function queueOf(...costs: readonly number[]): { queue: PrefillQueue; flights: Flight[] } {
  const queue = new PrefillQueue();
  const flights = costs.map((cost) => new Flight(cost * 10, cost));
  for (const flight of flights) queue.add(flight, 0);
  return { queue, flights };
}

describe('a queue of prefill', () => {
  it('waits for all that was sent and has no first token; the head counts down, the others do not', () => {
    const { queue } = queueOf(100, 50, 30);
    assert.equal(queue.waitMs(0), 180);
    assert.equal(queue.waitMs(60), 120);
    assert.equal(queue.waitMs(140), 80, 'the head is late');
  });

  it('follows first tokens: what was sent before is done, and the next one starts', () => {
    const { queue, flights } = queueOf(100, 50, 30);
    queue.firstToken(flights[1]!, 200);
    assert.equal(queue.waitMs(200), 30);
    assert.equal(queue.waitMs(210), 20);
    assert.deepEqual([queue.waiting, queue.decoding], [1, 2]);
    queue.firstToken(flights[0]!, 205);
    assert.equal(queue.waitMs(210), 20, 'it was counted as done already');
  });

  it('takes a head without first token for done after a while, so that answers without events block nothing', () => {
    const { queue } = queueOf(100, 1000);
    assert.equal(queue.waitMs(700), 1000);
    assert.equal(queue.waitMs(701), 399);
    assert.equal(queue.waitMs(5000), 0);
  });

  it('starts the next one where an answer without events ended, and where a request was given up', () => {
    const plain = queueOf(100, 50);
    plain.queue.settled(plain.flights[0]!, 400, true);
    assert.equal(plain.queue.waitMs(110), 40, 'its prefill was over long before its end');
    const cut = queueOf(100, 50);
    cut.queue.settled(cut.flights[0]!, 40, false);
    assert.equal(cut.queue.waitMs(40), 50);
  });

  it('reports what a time of prefill finished, from its first request to the first token of its last', () => {
    const queue = new PrefillQueue();
    const [a, b] = [new Flight(1000, 10), new Flight(500, 10)];
    queue.add(a, 100);
    queue.add(b, 105);
    assert.equal(queue.firstToken(a, 130), null);
    assert.deepEqual(queue.firstToken(b, 150), { requests: 2, bytes: 1500, ms: 50 });
  });

  it('reports a time without end in parts', () => {
    const queue = new PrefillQueue();
    const sent = Array.from({ length: 60 }, () => new Flight(10, 10));
    for (const flight of sent) queue.add(flight, 0);
    const works = sent.map((flight, i) => queue.firstToken(flight, 10 * (i + 1))).filter((work) => work !== null);
    assert.deepEqual(works, [
      { requests: 24, bytes: 240, ms: 240 },
      { requests: 24, bytes: 240, ms: 240 },
      { requests: 12, bytes: 120, ms: 120 },
    ]);
  });

  it('reports nothing of a time in which a request ended without a first token', () => {
    const { queue, flights } = queueOf(10, 10);
    queue.settled(flights[0]!, 20, true);
    assert.equal(queue.firstToken(flights[1]!, 30), null);
    const next = new Flight(70, 10);
    queue.add(next, 100);
    assert.deepEqual(queue.firstToken(next, 110), { requests: 1, bytes: 70, ms: 10 }, 'the next time counts again');
  });

  it('comes back to nothing whatever the order of first tokens and ends, and never waits less than nothing', () => {
    const step = fc.record({ what: fc.constantFrom('add', 'first', 'end', 'cut'), at: fc.nat(), cost: fc.nat(500), ms: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new PrefillQueue();
        let nowMs = 0;
        let running: Flight[] = [];
        for (const { what, at, cost, ms } of steps) {
          nowMs += ms;
          const flight = running[at % Math.max(1, running.length)];
          if (what === 'add') {
            const added = new Flight(cost, cost);
            queue.add(added, nowMs);
            running.push(added);
          } else if (flight !== undefined && what === 'first') queue.firstToken(flight, nowMs);
          else if (flight !== undefined) {
            queue.settled(flight, nowMs, what === 'end');
            running = running.filter((one) => one !== flight);
          }
          const most = running.reduce((sum, { isWaiting, costMs }) => sum + (isWaiting ? costMs : 0), 0);
          const wait = queue.waitMs(nowMs);
          assert.ok(wait >= 0 && wait <= most + 1e-6, `${wait} of ${most}`);
          assert.equal(queue.waiting + queue.decoding, running.length);
        }
        for (const flight of running) queue.settled(flight, nowMs, true);
        assert.deepEqual([queue.waiting, queue.decoding, queue.waitMs(nowMs)], [0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
