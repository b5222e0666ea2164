/** Bodies that the router cannot read, or not at once: compressed, in another character encoding, with numbers that JSON lacks. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import * as zlib from 'node:zlib';
import { type PairEngine, type PairRouter, type PairRouterOptions, startEngine, startPairRouter } from './support/pair-router.ts';
import { ask, type RawClient, requestBytes } from './support/raw-client.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { answerJson, type Call, jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const TEXT = 'a prompt that is long enough to be found again in the index of prefixes '.repeat(20);
const JSON_TEXT = JSON.stringify({ text: TEXT, sampling_params: { temperature: 0.5 } });
/** Node has it from 22.15 on. */
const compressZstd = Reflect.get(zlib, 'zstdCompressSync') as ((bytes: Buffer) => Buffer) | undefined;

const UNREAD: readonly (readonly [string, Buffer, Readonly<Record<string, string>>])[] = [
  ['gzip', zlib.gzipSync(JSON_TEXT), { 'content-encoding': 'gzip' }],
  ['a coding that nobody knows', Buffer.from(JSON_TEXT), { 'content-encoding': 'x-unknown' }],
  ["SGLang's own field", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), { 'x-body-compressed': 'zstd' }],
  ['UTF-16', Buffer.from(JSON_TEXT, 'utf16le'), { 'content-type': 'application/json; charset=utf-16' }],
  ['UTF-16 with a byte order mark', Buffer.from(`\ufeff${JSON_TEXT}`, 'utf16le'), {}],
  ['half a document', Buffer.from('{"text":"a'), {}],
];

suite('a body that a policy cannot read goes by load, as it is, to an engine that judges it', () => {
  for (const [what, body, headers] of UNREAD) {
    test(what, async (t) => {
      const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
      const router = await startTestRouter(t, ['--policy', 'cache_aware'], workers);
      await holdOne(router, workers);
      const loaded = workers.find(({ calls }) => calls.length === 1);
      const free: ScriptedWorker | undefined = workers.find(({ calls }) => calls.length === 0);
      assert.ok(loaded !== undefined && free !== undefined);
      for (let i = 0; i < 3; i++) {
        assert.equal((await ask(router.port, { path: '/generate', body, headers })).status, 200);
        const call: Call = await free.next();
        assert.ok((await call.body()).equals(body));
        for (const [name, value] of Object.entries(headers)) assert.equal(call.header(name), value);
      }
      assert.equal(loaded.calls.length, 1);
    });
  }
});

/** Leaves one request unanswered, at one of the workers. */
async function holdOne(router: TestRouter, workers: readonly ScriptedWorker[]): Promise<void> {
  for (const worker of workers) worker.script = (call) => call.forever();
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: '{}' }));
  await until(() => workers.some(({ calls }) => calls.length > 0), 'the request at a worker');
  for (const worker of workers) worker.script = answerJson;
}

for (const [what, text] of [
  ['a byte order mark', `\ufeff${JSON_TEXT}`],
  ['-Infinity', JSON_TEXT.replace('0.5', '-Infinity')],
  ['NaN', JSON_TEXT.replace('0.5', 'NaN')],
] as const) {
  test(`a body with ${what} is read like any other: it follows its prefix, and can name a rank`, async (t) => {
    const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
    const router = await startTestRouter(t, ['--policy', 'cache_aware'], workers);
    for (let i = 0; i < 4; i++) assert.equal((await ask(router.port, { path: '/generate', body: text })).status, 200);
    const used = workers.filter(({ calls }) => calls.length > 0);
    assert.equal(used.length, 1, 'one worker holds the prefix');
    assert.equal((await used[0]!.calls[0]!.body()).toString(), text);
  });
}

interface Scene {
  readonly prefill: PairEngine;
  readonly decode: PairEngine;
  readonly router: PairRouter;
  readonly client: RawClient;
}

async function pairOf(t: TestContext, options: PairRouterOptions = {}): Promise<Scene> {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  for (const engine of [prefill, decode]) {
    engine.script = async (call) => {
      await call.body();
      await call.write(jsonAnswer({ text: 'a' }));
    };
  }
  const router = await startPairRouter(t, [prefill, decode], options);
  return { prefill, decode, router, client: await router.connect() };
}

const GZIP = { 'content-encoding': 'GZIP' };

suite('a compressed body that the router writes into', () => {
  const codings: readonly (readonly [string, Buffer, Readonly<Record<string, string>>])[] = [
    ['gzip', zlib.gzipSync(JSON_TEXT), GZIP],
    ['x-gzip', zlib.gzipSync(JSON_TEXT), { 'content-encoding': 'x-gzip, identity' }],
    ['no coding', Buffer.from(JSON_TEXT), { 'content-encoding': 'identity' }],
    ...(compressZstd === undefined
      ? []
      : ([
          ['zstd', compressZstd(Buffer.from(JSON_TEXT)), { 'content-encoding': 'zstd' }],
          ["zstd in SGLang's own field", compressZstd(Buffer.from(JSON_TEXT)), { 'x-body-compressed': 'zstd' }],
        ] as const)),
  ];
  for (const [what, body, headers] of codings) {
    test(`reaches both engines of a pair plain, with the members in it: ${what}`, async (t) => {
      const { prefill, decode, client } = await pairOf(t);
      await client.send(requestBytes({ path: '/generate', body, headers }));
      assert.equal((await client.response('POST')).status, 200);
      for (const engine of [prefill, decode]) {
        const call = await engine.next();
        const sent = (await call.body()).toString();
        assert.ok(sent.startsWith('{"bootstrap_host":'), sent.slice(0, 100));
        assert.ok(sent.endsWith(`,${JSON_TEXT.slice(1)}`));
        if (what !== 'no coding') assert.equal(call.header('content-encoding') ?? call.header('x-body-compressed'), undefined);
      }
    });
  }

  test('names the rank', async (t) => {
    const worker = await ScriptedWorker.start(t);
    worker.probe = () => ({ status: 200, body: '{"dp_size":1}' });
    const router = await startTestRouter(t, ['--dp-aware'], [worker], { wait: false });
    await router.untilEligible([{ url: `${worker.url}@0` }]);
    assert.equal((await ask(router.port, { path: '/generate', body: zlib.gzipSync(JSON_TEXT), headers: GZIP })).status, 200);
    const call = await worker.next();
    assert.equal((await call.body()).toString(), `{"data_parallel_rank":0,"routed_dp_rank":0,${JSON_TEXT.slice(1)}`);
    assert.equal(call.header('content-encoding'), undefined);
    const broken = await ask(router.port, { path: '/generate', body: Buffer.from(JSON_TEXT), headers: GZIP });
    assert.equal(broken.status, 400);
    const other = await ask(router.port, { path: '/generate', body: JSON_TEXT, headers: { 'content-encoding': 'br' } });
    assert.equal(other.status, 415);
    await router.assertQuiet();
  });

  const gzipped = zlib.gzipSync(JSON_TEXT);
  const refusals: readonly (readonly [string, Buffer, Readonly<Record<string, string>>, number, RegExp])[] = [
    ['that is damaged', Buffer.from(gzipped.subarray(0, -20)), GZIP, 400, /not valid gzip/],
    ['of a coding that the router does not know', gzipped, { 'content-encoding': 'br' }, 415, /encoded with br.* can read gzip/],
    ['of two codings', zlib.gzipSync(gzipped), { 'content-encoding': 'gzip, gzip' }, 415, /encoded with gzip, gzip/],
    ['coded twice in two fields', gzipped, { ...GZIP, 'x-body-compressed': 'zstd' }, 415, /encoded with gzip, zstd/],
    ['that grows beyond the limit', zlib.gzipSync(Buffer.alloc(5 * 1024 * 1024, 0x20)), GZIP, 413, /larger than 4194304 bytes/],
    ...(compressZstd === undefined
      ? ([['of zstd, on a Node without it', gzipped, { 'content-encoding': 'zstd' }, 415, /22\.15/]] as const)
      : []),
  ];
  for (const [what, body, headers, status, message] of refusals) {
    test(`is refused, with what to do: one ${what}`, async (t) => {
      const { prefill, decode, router, client } = await pairOf(t);
      await client.send(requestBytes({ path: '/generate', body, headers }));
      const response = await client.response('POST');
      assert.equal(response.status, status);
      assert.match(response.text, message);
      await router.quiet();
      assert.equal(prefill.calls.length + decode.calls.length, 0);
    });
  }

  test('is forgotten when its client leaves before it is plain', async (t) => {
    const { prefill, decode, router, client } = await pairOf(t);
    await client.send(requestBytes({ path: '/generate', body: zlib.gzipSync(Buffer.alloc(4_000_000, 0x20)), headers: GZIP }));
    client.destroy();
    await router.quiet();
    assert.equal(prefill.calls.length + decode.calls.length, 0);
  });
});

test('a body in UTF-16 that the router must write into is refused, with what to do', async (t) => {
  const { router, client } = await pairOf(t);
  for (const body of [Buffer.from(JSON_TEXT, 'utf16le'), Buffer.from(`\ufeff${JSON_TEXT}`, 'utf16le')]) {
    await client.send(requestBytes({ path: '/generate', body }));
    const response = await client.response('POST');
    assert.equal(response.status, 400);
    assert.match(response.text, /UTF-16 or UTF-32.*send it as UTF-8/);
  }
  await router.quiet();
});
