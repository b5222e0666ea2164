// The configuration of nginx that srtctl generates, with the real nginx in front of scripted routers.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type NginxConfigInput, nginxConfig } from '../src/srtctl/plan/nginx-config.ts';
import { checkConfig, NGINX_MISSING, type Nginx, startNginx } from './support/nginx-process.ts';
import { ask, RawClient, requestBytes } from './support/raw-client.ts';
import { answerJson, jsonAnswer, LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { within } from './support/until.ts';

const PLAIN: Omit<NginxConfigInput, 'listen' | 'upstreams'> = {
  affinityHeader: null,
  keepaliveTimeout: '600s',
  upstreamKeepaliveMs: 60_000,
  raisesUlimit: false,
};
const BODY = '{"text":"hello"}';

interface Front {
  readonly nginx: Nginx;
  readonly routers: readonly ScriptedWorker[];
}

async function front(t: TestContext, count: number, more: Partial<NginxConfigInput> = {}): Promise<Front> {
  const routers = await Promise.all(Array.from({ length: count }, () => ScriptedWorker.start(t)));
  const upstreams = routers.map(({ port }) => `127.0.0.1:${port}`);
  const nginx = await startNginx(t, (listen) => nginxConfig({ ...PLAIN, ...more, listen, upstreams }));
  return { nginx, routers };
}

const callsOf = ({ routers }: Front): number[] => routers.map(({ calls }) => calls.length);

describe('the configuration of nginx', { skip: NGINX_MISSING }, () => {
  const variants: readonly (readonly [string, NginxConfigInput])[] = [
    ['one router', { ...PLAIN, listen: '127.0.0.1:8000', upstreams: ['127.0.0.1:30080'] }],
    ['sessions', { ...PLAIN, listen: '127.0.0.1:8000', upstreams: ['127.0.0.1:30080', '127.0.0.2:30080'], affinityHeader: 'X-Session-ID' }],
    ['IPv6', { ...PLAIN, listen: '[::1]:8000', upstreams: ['[::1]:30080', '[::2]:30080'], keepaliveTimeout: '5m' }],
    [
      '1,000 routers',
      { ...PLAIN, listen: '127.0.0.1:8000', upstreams: Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:30080`) },
    ],
  ];
  for (const [name, input] of variants)
    it(`is accepted by nginx -t without a warning: ${name}`, (t) => {
      const { status, text } = checkConfig(t, nginxConfig(input));
      assert.equal(status, 0, text);
      assert.doesNotMatch(text, /\[(warn|error|emerg)\]/);
    });

  it('is accepted with the limit of open files raised', (t) => {
    // Whether the system allows the limit is seen only when it runs.
    const { status, text } = checkConfig(
      t,
      nginxConfig({ ...PLAIN, listen: '127.0.0.1:8000', upstreams: ['127.0.0.1:1'], raisesUlimit: true }),
    );
    assert.equal(status, 0, text);
  });
});

describe('nginx in front of routers', { skip: NGINX_MISSING }, () => {
  it('sends requests to each router in turn, over connections that it keeps', async (t) => {
    const all = await front(t, 3);
    const client = await RawClient.connect(all.nginx.port);
    t.after(() => client.destroy());
    for (let i = 0; i < 12; i++) {
      await client.send(requestBytes({ path: '/generate', body: BODY }));
      assert.equal((await client.response('POST')).status, 200);
    }
    assert.deepEqual(callsOf(all), [4, 4, 4]);
    for (const { connections, calls } of all.routers) {
      assert.equal(connections.length, 1);
      assert.match(calls[0]?.message.firstLine ?? '', / HTTP\/1\.1$/);
      assert.equal(calls[0]?.header('connection'), undefined);
    }
  });

  it('says itself whose run it belongs to', async (t) => {
    const all = await front(t, 1);
    const client = await RawClient.connect(all.nginx.port);
    t.after(() => client.destroy());
    await client.send('GET /.srtctl/run HTTP/1.1\r\nHost: n0\r\n\r\n');
    const { status, text } = await client.response('GET');
    assert.deepEqual([status, text], [200, '<job>']);
    assert.deepEqual(callsOf(all), [0]);
  });

  it('passes every event on at once', async (t) => {
    const { nginx, routers } = await front(t, 1);
    const client = await RawClient.connect(nginx.port);
    t.after(() => client.destroy());
    routers[0]!.script = async (call) => {
      await call.body();
      await call.write(sseHead());
      for (let event = 0; event < 3; event++) {
        await call.chunk(`data: ${event}\n\n`);
        // The next one is made only when the client has this one: nothing may wait in between.
        await client.untilText(`data: ${event}\n\n`);
      }
      await call.write(LAST_CHUNK);
    };
    await client.send(requestBytes({ path: '/generate', body: BODY }));
    const { status, text } = await client.response('POST');
    assert.equal(status, 200);
    assert.equal(text, 'data: 0\n\ndata: 1\n\ndata: 2\n\n');
  });

  it('lets go of an idle connection before its router does', async (t) => {
    const { nginx, routers } = await front(t, 1, { upstreamKeepaliveMs: 50 });
    await ask(nginx.port, { path: '/generate', body: BODY });
    const { connection } = await routers[0]!.next();
    assert.equal(await within(connection.closed, 'nginx closes its connection'), 'fin');
  });

  it('takes bodies of any size, and the router has the beginning before the client has sent the end', async (t) => {
    const { nginx, routers } = await front(t, 1);
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const client = await RawClient.connect(nginx.port);
    t.after(() => client.destroy());
    const bytes = requestBytes({ path: '/generate', body });
    await client.send(bytes.subarray(0, bytes.length / 2));
    const call = await routers[0]!.next();
    await client.send(bytes.subarray(bytes.length / 2));
    assert.equal((await call.body()).length, body.length);
    assert.equal((await client.response('POST')).status, 200);
  });

  it('tells a router when its client has left', async (t) => {
    const { nginx, routers } = await front(t, 1);
    routers[0]!.script = async (call) => {
      await call.body();
      await call.write(sseHead());
      await call.chunk('data: 0\n\n');
      await call.forever();
    };
    const client = await RawClient.connect(nginx.port);
    await client.send(requestBytes({ path: '/generate', body: BODY }));
    await client.untilText('data: 0');
    client.destroy();
    const call = await routers[0]!.next();
    await call.closed;
  });

  it('goes to the next router when one is gone, and no request fails', async (t) => {
    const all = await front(t, 3);
    await all.routers[1]!.kill();
    for (let i = 0; i < 12; i++) assert.equal((await ask(all.nginx.port, { path: '/generate', body: BODY })).status, 200);
    const [first, second, third] = callsOf(all);
    assert.equal(second, 0);
    assert.equal((first ?? 0) + (third ?? 0), 12);
  });

  it('repeats no request that a router may have begun', async (t) => {
    const all = await front(t, 2);
    for (const router of all.routers)
      router.script = async (call) => {
        await call.body();
        call.reset();
      };
    const once = () => ask(all.nginx.port, { path: '/generate', body: BODY });
    // nginx may reset a connection that it accepted as it came up, before any router has heard of the request.
    const answer = await once().catch((error: unknown) => {
      assert.deepEqual(callsOf(all), [0, 0], String(error));
      return once();
    });
    assert.equal(answer.status, 502);
    assert.deepEqual(callsOf(all).sort(), [0, 1]);
  });

  it('hands on refusals as they are, and keeps a router that refuses', async (t) => {
    const all = await front(t, 2);
    const refusal = jsonAnswer({ error: { message: 'queue is full' } }, 503);
    for (const router of all.routers)
      router.script = async (call) => {
        await call.body();
        await call.write(refusal);
      };
    for (let i = 0; i < 10; i++) {
      const { status, json } = await ask(all.nginx.port, { path: '/generate', body: BODY });
      assert.equal(status, 503);
      assert.deepEqual(json(), { error: { message: 'queue is full' } });
    }
    assert.deepEqual(callsOf(all), [5, 5]);
  });

  it('leaves path, host and odd header names as the client wrote them', async (t) => {
    const { nginx, routers } = await front(t, 1);
    await ask(nginx.port, { path: '/a//b?x=%20', body: BODY, headers: { host: 'fleet.example', x_odd_name: '1', 'x-request-id': 'abc' } });
    const call = await routers[0]!.next();
    assert.equal(call.target, '/a//b?x=%20');
    assert.deepEqual([call.header('host'), call.header('x_odd_name'), call.header('x-request-id')], ['fleet.example', '1', 'abc']);
    assert.equal(call.header('x-forwarded-for'), '127.0.0.1');
  });

  it('keeps a session on one router, and spreads requests without one', async (t) => {
    const all = await front(t, 4, { affinityHeader: 'X-Session-ID' });
    for (const router of all.routers) router.script = answerJson;
    for (let i = 0; i < 8; i++) await ask(all.nginx.port, { path: '/generate', body: BODY, headers: { 'x-session-id': 'a user' } });
    assert.deepEqual(callsOf(all).sort(), [0, 0, 0, 8]);
    const before = callsOf(all);
    for (let i = 0; i < 40; i++) await ask(all.nginx.port, { path: '/generate', body: BODY });
    const used = callsOf(all).filter((calls, index) => calls > before[index]!);
    assert.ok(used.length >= 3, `${callsOf(all)}`);
  });
});
