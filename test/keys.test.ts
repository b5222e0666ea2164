/** Keys of clients and of the control API, over sockets: who gets in, and whose key reaches whom. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { suite, type TestContext, test } from 'node:test';
import { formatProblems, loadConfig } from '../src/router/config/load-config.ts';
import { load } from './support/given-config.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter } from './support/router.ts';
import { startRouterProgram } from './support/running-router.ts';
import { ScriptedWorker } from './support/scripted-worker.ts';

const KEY = 'sk-of-clients';
const ADMIN = 'root:The Operator:admin:sk:of:admins';
const USER = 'eva:Eva:user:sk-of-users';

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
const generate = (url: string, headers: Record<string, string>): Promise<Response> =>
  fetch(`${url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{"text":"a"}' });

/** Answers questions of the router, too. */
async function answering(t: TestContext): Promise<ScriptedWorker> {
  const worker = await ScriptedWorker.start(t);
  worker.probe = () => ({ status: 200, body: '{}' });
  return worker;
}

suite('--api-key', { concurrency: 4 }, () => {
  test('opens data and control routes to those who send it, in any of its forms', async (t) => {
    const worker = await answering(t);
    const router = await startTestRouter(t, ['--api-key', KEY], [worker]);
    for (const headers of [bearer(KEY), { authorization: `bearer  ${KEY}` }, { 'x-api-key': KEY }]) {
      const answer = await generate(router.url, headers);
      assert.equal(answer.status, 200, JSON.stringify(headers));
      await answer.text();
    }
    assert.equal((await fetch(`${router.url}/workers`, { headers: bearer(KEY) })).status, 200);
    assert.equal((await fetch(`${router.url}/get_server_info`, { headers: bearer(KEY) })).status, 200);
  });

  test('closes them to all others: 401, and no worker hears of it', async (t) => {
    const worker = await answering(t);
    const router = await startTestRouter(t, ['--api-key', KEY], [worker]);
    const wrong: readonly Record<string, string>[] = [
      {},
      bearer('sk-of-client'),
      bearer(`${KEY}s`),
      { authorization: `Basic ${KEY}` },
      { authorization: KEY },
      { 'x-api-key': '' },
    ];
    for (const headers of wrong) {
      const answer = await generate(router.url, headers);
      assert.equal(answer.status, 401, JSON.stringify(headers));
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'unauthorized');
    }
    for (const path of ['/workers', '/get_server_info', '/server_info', '/list_workers', '/get_loads']) {
      assert.equal((await fetch(`${router.url}${path}`)).status, 401, path);
    }
    assert.equal(worker.calls.length, 0);
  });

  test('leaves open what probes and model lists ask', async (t) => {
    const worker = await answering(t);
    const router = await startTestRouter(t, ['--api-key', KEY], [worker]);
    for (const path of ['/health', '/liveness', '/readiness', '/v1/models', '/get_model_info']) {
      assert.equal((await fetch(`${router.url}${path}`)).status, 200, path);
    }
  });

  test('goes to the workers of the command line, not to those added without a key, and no client adds another', async (t) => {
    const [named, added, keyed] = [await answering(t), await answering(t), await answering(t)];
    const router = await startTestRouter(t, ['--api-key', KEY], [named]);
    const add = (body: object): Promise<Response> =>
      fetch(`${router.url}/workers`, {
        method: 'POST',
        headers: { ...bearer(KEY), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await add({ url: added.url });
    await add({ url: keyed.url, api_key: 'sk-of-a-worker' });
    await router.untilEligible([named, added, keyed]);
    for (let i = 0; i < 3; i++) {
      const answer = await generate(router.url, { ...bearer(KEY), 'x-api-key': KEY });
      assert.equal(answer.status, 200);
      assert.ok(![...answer.headers.values()].some((value) => value.includes('sk-')));
      await answer.text();
    }
    const sent = (worker: ScriptedWorker): string[] =>
      worker.calls.flatMap((call) =>
        call.message.fields.filter(([name]) => /^(authorization|x-api-key)$/i.test(name)).map(([, value]) => value),
      );
    assert.deepEqual([sent(named), sent(added), sent(keyed)], [[`Bearer ${KEY}`], [], ['Bearer sk-of-a-worker']]);
  });
});

suite('--control-plane-api-keys', { concurrency: 4 }, () => {
  const flags = ['--control-plane-api-keys', ADMIN, USER];

  test('let admins in, refuse users with 403 and everybody else with 401', async (t) => {
    const router = await startTestRouter(t, flags, []);
    const statuses = await Promise.all(
      [bearer('sk:of:admins'), bearer('sk-of-users'), bearer(KEY), {}].map(
        async (headers) => (await fetch(`${router.url}/workers`, { headers })).status,
      ),
    );
    assert.deepEqual(statuses, [200, 403, 401, 401]);
  });

  test('leave data routes open, with the Authorization of the client, and go before --api-key on control routes', async (t) => {
    const worker = await answering(t);
    const open = await startTestRouter(t, flags, [worker]);
    assert.equal((await generate(open.url, bearer('of the client'))).status, 200);
    assert.equal((await worker.next()).header('authorization'), 'Bearer of the client');
    const both = await startTestRouter(t, [...flags, '--api-key', KEY], [worker]);
    assert.equal((await generate(both.url, bearer(KEY))).status, 200);
    assert.equal((await generate(both.url, bearer('sk:of:admins'))).status, 401);
    assert.equal((await fetch(`${both.url}/workers`, { headers: bearer(KEY) })).status, 401);
  });

  test('never reach a worker that is asked on behalf of an admin', async (t) => {
    const worker = await answering(t);
    const seen: (string | undefined)[] = [];
    worker.probe = (_path, call) => {
      seen.push(call.header('authorization'));
      return { status: 200, body: '[]' };
    };
    const router = await startTestRouter(t, flags, [worker]);
    assert.equal((await fetch(`${router.url}/get_loads`, { headers: bearer('sk:of:admins') })).status, 200);
    assert.ok(seen.length > 0 && seen.every((value) => value === undefined), String(seen));
  });

  test('and --control-plane-audit-enabled write who did what, without the key', async (t) => {
    const logger = new RecordingLogger();
    const router = await startTestRouter(t, [...flags, '--control-plane-audit-enabled'], [], { logger });
    await fetch(`${router.url}/workers`, { headers: { ...bearer('sk:of:admins'), 'x-request-id': 'r1' } });
    await fetch(`${router.url}/workers/x`, { method: 'DELETE', headers: bearer('sk-of-users') });
    await fetch(`${router.url}/workers`);
    await fetch(`${router.url}/health`);
    const audits = logger.records.filter(({ message }) => message === 'audit').map(({ fields }) => fields);
    assert.deepEqual(
      audits.map(({ principal, method, path, status, result }) => [principal, method, path, status, result]),
      [
        ['root', 'GET', '/workers', 200, 'allowed'],
        ['eva', 'DELETE', '/workers/x', 403, 'denied'],
        [null, 'GET', '/workers', 401, 'denied'],
      ],
    );
    assert.equal(audits[0]?.['request_id'], 'r1');
    assert.doesNotMatch(JSON.stringify(logger.records), /sk[-:]of/);
  });
});

suite('keys in files', () => {
  const files: Readonly<Record<string, string>> = {
    key: `\n${KEY}\n`,
    keys: `# ours\n${ADMIN}\n\n${USER}\r\n`,
    empty: ' \n',
    broken: 'id:name:owner:s3cret',
  };
  const loadWith = (argv: readonly string[]) =>
    loadConfig({
      argv,
      env: {},
      readFile: (path) => {
        const text = files[path];
        if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return text;
      },
    });

  test('count as if they were given', () => {
    const loaded = loadWith(['--api-key-file', 'key', '--control-plane-api-keys-file', 'keys']);
    assert.equal(loaded.kind, 'config');
    assert.equal(loaded.config.apiKey, KEY);
    assert.deepEqual(loaded.config.controlPlaneApiKeys, [ADMIN, USER]);
  });

  test('have mistakes that name the file, and not what is in it', () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--api-key-file', 'missing'], /--api-key-file.*missing.*ENOENT/],
      [['--api-key-file', 'empty'], /--api-key-file.*empty.*one key/],
      [['--api-key-file', 'key', '--api-key', 'other'], /to be left out where --api-key is given/],
      [['--control-plane-api-keys-file', 'broken'], /--control-plane-api-keys-file.*broken.*id:name:role:key/],
    ];
    for (const [argv, expected] of cases) {
      const loaded = loadWith(argv);
      assert.equal(loaded.kind, 'errors');
      const text = formatProblems(loaded.problems);
      assert.match(text, expected);
      assert.doesNotMatch(text, /s3cret/);
    }
  });

  test('leave the command line of the process', async (t) => {
    const { program, pid } = await startRouterProgram(t, ['--api-key', KEY, `--control-plane-api-keys=${ADMIN}`]);
    const words = await readFile(`/proc/${pid}/cmdline`, 'latin1');
    assert.doesNotMatch(words, /sk[-:]of/);
    assert.match(words, /--api-key \*\*\*/);
    const output = program.stdout + program.stderr;
    assert.doesNotMatch(output, /sk[-:]of/);
    assert.match(output, /--api-key-file/);
  });

  test('may be several in the environment, one a line', () => {
    const loaded = load({ env: { SGLANG_ROUTER_CONTROL_PLANE_API_KEYS: `${ADMIN}\n${USER}` } });
    assert.equal(loaded.kind, 'config');
    assert.deepEqual(loaded.config.controlPlaneApiKeys, [ADMIN, USER]);
  });

  test('and keys in flags are no secret that a message repeats', () => {
    const bad = load({ argv: ['--control-plane-api-keys', 'id:name:owner:s3cret', '--api-key', 'sk-of\u0007clients'] });
    assert.equal(bad.kind, 'errors');
    assert.doesNotMatch(JSON.stringify(bad), /s3cret|sk-of/);
    const checked = load({ argv: ['--check-config', '--api-key', KEY, '--control-plane-api-keys', ADMIN] });
    assert.equal(checked.kind, 'check');
    assert.doesNotMatch(checked.text, /sk[-:]of/);
    assert.deepEqual(checked.warnings, ['--api-key is given and not shown', '--control-plane-api-keys is given and not shown']);
  });
});
