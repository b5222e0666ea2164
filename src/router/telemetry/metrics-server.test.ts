import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { pageOf } from '../../../test/support/prometheus.ts';
import { until } from '../../../test/support/until.ts';
import { type Logger, SILENT_LOGGER } from '../../base/core/logger.ts';
import { MetricsPortError, type MetricsServer, metricsRoute, startMetricsServer } from './metrics-server.ts';

const metrics = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  async *slices() {
    yield 'smg_x 1\n';
    yield 'smg_y 2\n';
  },
};
const options = { host: '127.0.0.1', port: 0, explicit: true, metrics, logger: SILENT_LOGGER };

async function started(overrides: Partial<Parameters<typeof startMetricsServer>[0]> = {}): Promise<MetricsServer> {
  const server = await startMetricsServer({ ...options, ...overrides });
  assert.ok(server !== null);
  return server;
}

/** Holds a port until the test ends. */
async function takenPort(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

test('any path answers with the metrics', async () => {
  const server = await started();
  for (const path of ['/metrics', '/', '/a/b?c']) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), metrics.contentType);
    assert.equal(await response.text(), 'smg_x 1\nsmg_y 2\n');
  }
  await server.stop();
});

test('HEAD answers without a body, other methods are refused', async () => {
  const server = await started();
  const head = await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-type'), metrics.contentType);
  assert.equal(await head.text(), '');
  const post = await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST', body: 'x' });
  assert.equal(post.status, 405);
  assert.equal(post.headers.get('allow'), 'GET, HEAD');
  await server.stop();
});

test('an IPv6 address may stand in brackets', async () => {
  const server = await started({ host: '[::1]' });
  assert.equal(server.host, '::1');
  assert.equal((await fetch(`http://[::1]:${server.port}/`)).status, 200);
  await server.stop();
});

test('a port that was asked for and is taken is an error that names the flags', async () => {
  const { port, server } = await takenPort();
  await assert.rejects(startMetricsServer({ ...options, port }), (error: unknown) => {
    assert.ok(error instanceof MetricsPortError);
    assert.match(error.message, new RegExp(`--prometheus-port ${port}.*EADDRINUSE`));
    return true;
  });
  server.close();
});

test('a default port that is taken is a warning, and the router goes on', async () => {
  const { port, server } = await takenPort();
  const warnings: object[] = [];
  const logger: Logger = { ...SILENT_LOGGER, warn: (fields) => warnings.push(fields) };
  assert.equal(await startMetricsServer({ ...options, port, explicit: false, logger }), null);
  assert.deepEqual(warnings, [{ host: '127.0.0.1', port, code: 'EADDRINUSE' }]);
  server.close();
});

test('stopping ends idle connections and frees the port', async () => {
  const server = await started();
  await (await fetch(`http://127.0.0.1:${server.port}/`)).text();
  await server.stop();
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
});

test('a page that cannot be made is a 500, one that breaks off is cut, and the listener stays alive', async () => {
  let sliceThatFails = 0;
  const flaky = {
    ...metrics,
    async *slices() {
      for (let i = 0; i < 2; i++) {
        if (i === sliceThatFails) throw new Error('boom');
        yield 'smg_x 1\n';
      }
    },
  };
  const server = await started({ metrics: flaky });
  const url = `http://127.0.0.1:${server.port}/`;
  assert.equal((await fetch(url)).status, 500);
  sliceThatFails = 1;
  await assert.rejects(async () => (await fetch(url)).text());
  sliceThatFails = -1;
  assert.equal(await (await fetch(url)).text(), 'smg_x 1\nsmg_x 1\n');
  await server.stop();
});

test('slices are made as the scraper takes them, and no more when it has left', async () => {
  let made = 0;
  let isOver = false;
  const endless = {
    ...metrics,
    async *slices() {
      try {
        for (;;) {
          made++;
          yield 'x'.repeat(64 * 1024);
        }
      } finally {
        isOver = true;
      }
    },
  };
  const server = await started({ metrics: endless });
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  // A reader that takes nothing: what the kernel buffers hold is made, then nothing more.
  let before = -1;
  while (before !== made) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(made > 0 && made < 1000, `${made} slices`);
  socket.destroy();
  await until(() => isOver, 'the end of the page');
  await server.stop();
});

test("the route for the router's own port answers the same", async () => {
  const route = metricsRoute('/metrics', metrics);
  assert.equal(route.path, '/metrics');
  const request = { method: 'GET', path: '/metrics', query: new URLSearchParams(), params: {}, authorization: null, body: Buffer.alloc(0) };
  const answer = await route.handle(request);
  assert.ok('slices' in answer);
  assert.deepEqual([answer.status, answer.headers], [200, { 'content-type': metrics.contentType }]);
  assert.equal(await pageOf({ slices: () => answer.slices }), 'smg_x 1\nsmg_y 2\n');
});
