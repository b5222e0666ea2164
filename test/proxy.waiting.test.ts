/** Requests that wait: behind the gate, and for another try. The workers are in memory, the clients are sockets. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Taken, Ticket, TicketHolder } from '../src/router/proxy/gate/gate.ts';
import { type MemoryRouter, startMemoryRouter } from './support/memory-router.ts';
import { requestBytes } from './support/raw-client.ts';
import { until } from './support/until.ts';

const BODY = '{"model":"m","messages":[]}';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n';

/** A place that the test opens or refuses. */
class Place implements Ticket {
  isAsked = false;
  isReleased = false;
  #holder: TicketHolder | null = null;

  take(holder: TicketHolder): Taken {
    this.isAsked = true;
    this.#holder = holder;
    return 'waits';
  }

  release(): void {
    this.isReleased = true;
  }

  open(): void {
    this.#holder?.admitted();
  }

  refuse(): void {
    this.#holder?.refused({ code: 'router_busy', message: 'waited for too long', headers: { 'retry-after': '7' } });
  }
}

async function routerWithPlaces(t: TestContext): Promise<{ router: MemoryRouter; places: Place[] }> {
  const places: Place[] = [];
  const check = (): Place => {
    const place = new Place();
    places.push(place);
    return place;
  };
  return { router: await startMemoryRouter(t, 1, {}, 'round_robin', undefined, [], [check]), places };
}

async function placed(places: readonly Place[], count: number): Promise<Place> {
  await until(() => places.length === count && places[count - 1]?.isAsked === true, `${count} requests at the gate`);
  return places[count - 1]!; // There are as many.
}

/** Time for what must not happen: long against a turn of the event loop. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('a request that waits behind the gate', () => {
  test('reaches a worker when its place opens, and gives the place back at its end', async (t) => {
    const { router, places } = await routerWithPlaces(t);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    const place = await placed(places, 1);
    await pause();
    assert.equal(router.upstreams[0]!.flights.length, 0);
    assert.equal(router.load.inflight[0], 0);
    place.open();
    const flight = await router.upstreams[0]!.next();
    assert.equal(flight.body.toString(), BODY);
    assert.equal(place.isReleased, false);
    flight.head(OK);
    flight.data('ok');
    flight.end();
    assert.equal((await client.response()).text, 'ok');
    assert.equal(place.isReleased, true);
  });

  test('asks for its place when its body is whole: a slow upload takes none', async (t) => {
    const { router, places } = await routerWithPlaces(t);
    const client = await router.connect();
    const bytes = requestBytes({ body: BODY });
    await client.send(bytes.subarray(0, bytes.length - 5));
    await until(() => places.length === 1, 'the head at the gate');
    await pause();
    assert.equal(places[0]!.isAsked, false);
    await client.send(bytes.subarray(bytes.length - 5));
    (await placed(places, 1)).open();
    const flight = await router.upstreams[0]!.next();
    assert.equal(flight.body.toString(), BODY);
    flight.head(OK);
    flight.data('ok');
    flight.end();
    await client.response();
  });

  test('is refused with the words of the check, and its connection goes on', async (t) => {
    const { router, places } = await routerWithPlaces(t);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    (await placed(places, 1)).refuse();
    const answer = await client.response();
    assert.deepEqual([answer.status, answer.all('retry-after')], [503, ['7']]);
    assert.match(answer.text, /waited for too long/);
    await client.send(requestBytes({ body: BODY }));
    (await placed(places, 2)).open();
    const flight = await router.upstreams[0]!.next();
    flight.head(OK);
    flight.data('ok');
    flight.end();
    assert.equal((await client.response()).status, 200);
    assert.ok(places.every(({ isReleased }) => isReleased));
  });

  test('frees its place at once when its client leaves', async (t) => {
    const { router, places } = await routerWithPlaces(t);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    const place = await placed(places, 1);
    client.destroy();
    await until(() => place.isReleased, 'the place to be free');
    place.open();
    await router.quiet();
    assert.equal(router.upstreams[0]!.flights.length, 0);
    assert.deepEqual(
      router.records.map(({ outcome }) => outcome),
      ['client-gone'],
    );
  });

  test('holds no more of a long body than may be replayed, and sends all of it when its place opens', async (t) => {
    const { router, places } = await routerWithPlaces(t);
    const client = await router.connect();
    const body = Buffer.alloc(900 * 1024, 'x');
    const sent = client.send(requestBytes({ path: '/other', body: body.toString() }));
    const place = await placed(places, 1);
    await pause();
    assert.equal(router.upstreams[0]!.flights.length, 0);
    place.open();
    const flight = await router.upstreams[0]!.next();
    // Held are the replay limit and what one read brought with it; the rest waits in the sockets.
    assert.ok(flight.body.length < 256 * 1024, `${flight.body.length} bytes held`);
    flight.drain();
    await sent;
    await until(() => flight.bodyEnded, 'the whole body');
    assert.ok(flight.body.equals(body));
    flight.head(OK);
    flight.data('ok');
    flight.end();
    assert.equal((await client.response()).status, 200);
  });
});

describe('a request that waits for another try', () => {
  const retries = { maxAttempts: 3, repeatsSent: true, statuses: new Set<number>(), backoffMs: (failures: number) => 40 * failures };

  test('is sent to another worker after the pause, whole, and counts as load nowhere meanwhile', async (t) => {
    const router = await startMemoryRouter(t, 2, { retries });
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    const [first, second] = router.upstreams;
    const begunMs = performance.now();
    (await first!.next()).fail('reset');
    assert.deepEqual([...router.load.inflight.slice(0, 2)], [0, 0]);
    const flight = await second!.next();
    assert.ok(performance.now() - begunMs >= 39, 'the pause was kept');
    assert.equal(flight.body.toString(), BODY);
    flight.head(OK);
    flight.data('ok');
    flight.end();
    assert.equal((await client.response()).text, 'ok');
    assert.deepEqual(
      router.outcomes.map(({ worker, outcome }) => [worker, outcome.kind]),
      [
        [0, 'reset'],
        [1, 'ok'],
      ],
    );
  });

  test('is not sent again when its client leaves during the pause', async (t) => {
    const router = await startMemoryRouter(t, 2, { retries: { ...retries, backoffMs: () => 60 } });
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    (await router.upstreams[0]!.next()).fail('reset');
    client.destroy();
    await router.quiet();
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(router.upstreams[1]!.flights.length, 0);
    assert.deepEqual(
      router.records.map(({ outcome, attempts }) => [outcome, attempts]),
      [['client-gone', 1]],
    );
  });
});
