/** Sources of workers as clients of the control API meet them: a source made here, the routes behind a real socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_OPTIONS } from '../src/router/control/registry/worker-options.ts';
import type { SourceSink, WorkerSource } from '../src/router/control/sources/worker-source.ts';
import { startControl } from './support/control-rig.ts';
import { startMemoryRouter } from './support/memory-router.ts';
import type { ProbedWorker } from './support/probed-worker.ts';
import { ask } from './support/raw-client.ts';

/** Wants the workers that the test sets, until it sets others. */
class TestSource implements WorkerSource {
  readonly name = 'the file /etc/workers';
  readonly label = 'static';
  readonly isLasting = true;
  isStopped = false;
  readonly #sink: { sink: SourceSink | null } = { sink: null };
  #workers: readonly ProbedWorker[];

  constructor(workers: readonly ProbedWorker[]) {
    this.#workers = workers;
  }

  start(sink: SourceSink): void {
    this.#sink.sink = sink;
    this.want(this.#workers);
  }

  want(workers: readonly ProbedWorker[]): void {
    this.#workers = workers;
    this.#sink.sink?.desire(
      this,
      workers.map(({ address }) => ({ address, options: DEFAULT_OPTIONS })),
    );
  }

  async stop(): Promise<void> {
    this.isStopped = true;
  }
}

test('a worker of a lasting source is neither changed nor removed by the control API, which names the source', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  const { url } = worker.address;
  const source = new TestSource([worker]);
  rig.control.start([source]);
  await rig.run(rig.control.firstLook(10_000));
  assert.deepEqual(rig.eligible(), [url], 'the first look waits for workers of sources');

  const { port } = await startMemoryRouter(t, 0, {}, 'round_robin', undefined, rig.control.routes);
  const path = `/workers/${encodeURIComponent(url)}`;
  const error = `${url} is a worker of the file /etc/workers: change or remove it there`;
  for (const request of [
    { method: 'DELETE', path, body: '' },
    { method: 'PUT', path, body: '{"priority":1}' },
  ]) {
    const refused = await ask(port, request);
    assert.deepEqual([refused.status, refused.json()], [409, { error, code: 'WORKER_OF_SOURCE' }]);
  }
  const legacy = await ask(port, { method: 'POST', path: `/remove_worker?url=${encodeURIComponent(url)}`, body: '' });
  assert.deepEqual([legacy.status, legacy.text], [409, error]);
  assert.deepEqual(rig.eligible(), [url]);

  source.want([]);
  assert.equal((await ask(port, { method: 'GET', path, body: '' })).status, 404);
  await rig.control.stop();
  assert.ok(source.isStopped);
});

test('a worker of the command line that a lasting source wants too can be removed when that source has given it up', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  const source = new TestSource([worker]);
  rig.control.start([source]);
  const path = `/workers/${encodeURIComponent(worker.address.url)}`;
  assert.equal((await rig.call('DELETE', path)).status, 409);
  source.want([]);
  assert.equal(rig.cell.current.total, 1);
  assert.equal((await rig.call('DELETE', path)).status, 202);
  assert.equal(rig.cell.current.total, 0);
});

test('a worker that the control API waits for and a lasting source takes over stays, though it does not start in time', async (t) => {
  const rig = startControl(t, { startupTimeoutMs: 100 });
  const worker = await rig.worker([['/ready', 503]]);
  const adding = rig.call('POST', `/add_worker?url=${worker.address.url}`);
  rig.control.start([new TestSource([worker])]);
  assert.equal((await rig.run(adding)).status, 400);
  assert.equal(rig.cell.current.total, 1);
});
