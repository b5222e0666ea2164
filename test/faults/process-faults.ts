/** Faults of processes, connections and clients: what comes and goes while requests run. */

import type { RawClient } from '../support/raw-client.ts';
import { answer, type Call, sseHead } from '../support/scripted-worker.ts';
import { gate, until, within } from '../support/until.ts';
import { CELLS, SINGLE } from './cell.ts';
import { answerWell, type Engine } from './engines.ts';
import type { Fault } from './fault.ts';
import type { Scene } from './scene.ts';

const SOON_MS = 3000;
/** A worker that comes back is used within this time. */
const RECOVERY_MS = 2000;
const EVERY = Number.POSITIVE_INFINITY;
/** More than the kernel's buffers of both connections take. */
const SLOW_BODY_BYTES = 64 * 1024 * 1024;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ends all engines that the fault strikes. */
async function killAll(scene: Scene): Promise<void> {
  for (const { worker } of scene.engines) await worker.kill();
}

/** How long the router takes to use the engines again, as words. */
async function recovery(scene: Scene, engines: readonly Engine[]): Promise<string> {
  const startMs = performance.now();
  await scene.untilUsed(engines);
  const tookMs = performance.now() - startMs;
  return tookMs <= RECOVERY_MS ? 'used again in time' : `used again after ${Math.round(tookMs)} ms`;
}

/** A request in flight at an engine: its client, and the call there. `script` gets the call first. The other leg of a pair waits. */
async function inFlight(scene: Scene, script: (call: Call) => Promise<void>): Promise<{ client: RawClient; call: Call }> {
  scene.partner = (call) => call.forever();
  const arrived = gate<Call>();
  scene.strike(async (call) => {
    await call.body();
    await script(call);
    arrived.open(call);
    await call.forever();
  }, EVERY);
  const client = await scene.send();
  return { client, call: await within(arrived.promise, 'the request at an engine') };
}

const released = async (call: Call): Promise<string> => {
  const startMs = performance.now();
  await call.closed;
  return performance.now() - startMs < 1000 ? 'the worker is released' : 'the worker is released late';
};

/** The head of a response and its first bytes. */
async function begin(call: Call, isStream: boolean): Promise<void> {
  if (!isStream) {
    await call.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"text":');
    return;
  }
  await call.write(sseHead());
  await call.chunk('data: {"text":"a","meta_info":{"id":"1","finish_reason":null}}\n\n');
}

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'refuse',
    cells: CELLS,
    isFast: true,
    right: '200 whole',
    why: 'Nothing was sent: another worker gets the request at once.',
    withinMs: SOON_MS,
    play: async (scene) => {
      await scene.engines[0]?.worker.kill();
      return scene.askTimes(4);
    },
  },
  {
    name: 'keep-alive closed silently',
    cells: CELLS,
    isFast: true,
    right: '200 whole',
    why: 'A connection that the worker closed while it was idle says nothing about the request.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const seen = await scene.askTimes(4);
      for (const { worker } of [...scene.engines, ...scene.partners]) worker.closeIdle();
      return [...new Set([seen, await scene.askTimes(4)])].join(', ');
    },
  },
  {
    name: 'restart on the same port',
    cells: CELLS,
    isFast: true,
    right: '200 whole, used again in time',
    why: 'Clients see nothing of a restart, and the worker is used within 2 s.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const restarted = scene.engines.slice(0, 1);
      for (const { worker } of restarted) await worker.kill();
      const seen = await scene.askTimes(4);
      for (const engine of restarted) await scene.untilUnused(engine);
      for (const { worker } of restarted) await worker.listen();
      return `${seen}, ${await recovery(scene, restarted)}`;
    },
  },
  {
    name: 'flapping',
    cells: CELLS,
    isFast: false,
    right: '200 whole',
    why: 'One worker is well all the time, so no request fails.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const worker = scene.engines[0]?.worker;
      const seen = new Set<string>();
      for (let i = 0; i < 10; i++) {
        await worker?.kill();
        seen.add(await scene.askTimes(3));
        await worker?.listen();
        await pause(100);
        seen.add(await scene.askTimes(3));
      }
      return [...seen].join(', ');
    },
  },
  {
    name: 'all down and back',
    cells: CELLS,
    isFast: true,
    right: '503 no_available_workers, used again in time, 200 whole',
    why: 'Without a worker the router says so at once, and it finds a worker that comes back within 2 s.',
    withinMs: SOON_MS,
    play: async (scene) => {
      await killAll(scene);
      await scene.askTimes(2); // The first ones find out.
      for (const engine of scene.engines) await scene.untilUnused(engine);
      const down = await scene.askTimes(2);
      for (const { worker } of scene.engines) await worker.listen();
      const back = await recovery(scene, scene.engines);
      return `${down}, ${back}, ${await scene.askTimes(2)}`;
    },
  },
  {
    name: 'client gone before head',
    cells: CELLS,
    isFast: true,
    right: 'the worker is released',
    why: 'An engine must not compute for nobody.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const { client, call } = await inFlight(scene, async () => {});
      client.destroy();
      return released(call);
    },
  },
  {
    name: 'client gone after head',
    cells: [...SINGLE, 'decode plain', 'decode stream'],
    isFast: true,
    right: 'the worker is released',
    why: 'As before the head.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const { client, call } = await inFlight(scene, (one) => begin(one, scene.isStream));
      await until(() => client.receivedBytes > 0, 'the head');
      client.destroy();
      return released(call);
    },
  },
  {
    name: 'slow reader',
    cells: [...SINGLE, 'decode plain', 'decode stream'],
    isFast: false,
    right: 'the worker waits, then 200 whole',
    why: 'The router holds one buffer, not the response: the worker feels the pressure of the client.',
    withinMs: 10_000,
    play: async (scene) => {
      const event = `data: ${'x'.repeat(1000)}\n\n`;
      const body = event.repeat(SLOW_BODY_BYTES / event.length);
      const type = scene.isStream ? 'text/event-stream' : 'application/json';
      let isWritten = false;
      scene.strike(async (call) => {
        await call.body();
        await call.write(answer(200, { 'content-type': type }, body));
        isWritten = true;
      });
      const client = await scene.send();
      client.socket.pause();
      await pause(500);
      const waits = isWritten ? 'the worker does not wait' : 'the worker waits';
      client.socket.resume();
      const { text } = await scene.outcome(client, 10_000, (got) => got.length === body.length);
      return `${waits}, then ${text}`;
    },
  },
  {
    name: 'drain under load',
    cells: CELLS,
    isFast: true,
    right: 'draining, 200 whole during the drain, 200 whole after it, gone',
    why: 'A worker that is removed finishes what it has and gets nothing new. It is listed until it is done.',
    withinMs: SOON_MS,
    play: async (scene) => {
      const go = gate();
      const held = async (call: Call): Promise<void> => {
        await call.body();
        await go.promise;
        await answerWell(call);
      };
      const [leaving] = scene.engines;
      if (leaving === undefined) throw new Error('no engine');
      scene.strike(held, 4);
      const clients = await Promise.all([scene.send(), scene.send(), scene.send(), scene.send()]);
      await until(() => scene.struck === 4 && leaving.calls.length > 0, 'the requests at the engines');
      const before = leaving.calls.length;
      await scene.router.remove(leaving.worker.url);
      const listed = (await scene.router.workers()).find(({ url }) => url === leaving.worker.url);
      const during = await scene.askTimes(4);
      if (leaving.calls.length > before) return 'a worker that is removed got a new request';
      go.open();
      const outcomes = await Promise.all(clients.map((client) => scene.outcome(client)));
      const after = [...new Set(outcomes.map(({ text }) => text))].join(', ');
      await until(() => leaving.worker.openSockets === 0, 'the connections to the worker to be closed');
      const isGone = (await scene.router.workers()).every(({ url }) => url !== leaving.worker.url);
      return `${listed?.status ?? 'not listed'}, ${during} during the drain, ${after} after it, ${isGone ? 'gone' : 'still listed'}`;
    },
  },
];
