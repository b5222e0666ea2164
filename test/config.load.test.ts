// From command line, environment and file to one configuration: defaults, values, --check-config, --help.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BUILT } from '../src/router/config/catalogue.ts';
import { type Config, type ConfigKey, configText, defaultsOf, loadConfig } from '../src/router/config/load-config.ts';
import { type Given, load, loaded, problems } from './support/given-config.ts';

test('nothing given is the first version’s router', () => {
  const { config, warnings, sources } = loaded({});
  assert.deepEqual([config.host, config.port, config.workerUrls, config.policy], ['127.0.0.1', 3001, [], 'round_robin']);
  assert.deepEqual(
    [config.cacheThreshold, config.balanceAbsThreshold, config.balanceRelThreshold, config.maxTreeSize],
    [0.3, 64, 1.5, 2 ** 26],
  );
  assert.equal(config.prometheusHost, '127.0.0.1');
  assert.deepEqual(warnings, []);
  assert.deepEqual(new Set(Object.values(sources)), new Set(['default']));
  assert.deepEqual(config, defaultsOf('seed'));
});

test('launch_router’s defaults are a matter of the dialect', () => {
  const config = defaultsOf('launch_router');
  assert.deepEqual([config.host, config.port, config.policy, config.prometheusHost], ['0.0.0.0', 30000, 'cache_aware', '0.0.0.0']);
  const seed = defaultsOf('seed');
  const differing = Object.keys(seed).filter((key) => JSON.stringify(seed[key as ConfigKey]) !== JSON.stringify(config[key as ConfigKey]));
  assert.deepEqual(differing, ['host', 'port', 'policy', 'healthCheckIntervalSecs', 'prometheusHost']);
});

test('the types of a configuration are narrow', () => {
  const { config } = loaded({ argv: ['--worker-urls', 'http://a:1'] });
  const policy: string = config.policy;
  const directory: string | null = config.logDir;
  const port: number | undefined = config.workerUrls[0]?.port;
  assert.deepEqual([policy, directory, port], ['round_robin', null, 1]);
});

test('metrics are served where the router listens, unless told otherwise', () => {
  assert.equal(loaded({ argv: ['--host', '::'] }).config.prometheusHost, '::');
  assert.equal(loaded({ env: { SGLANG_ROUTER_HOST: '10.0.0.1' } }).config.prometheusHost, '10.0.0.1');
  assert.equal(loaded({ argv: ['--host', '::', '--prometheus-host', '::1'] }).config.prometheusHost, '::1');
});

test('URLs of workers come by commas, spaces and repetition', () => {
  const urls = (given: Given): string[] => loaded(given).config.workerUrls.map(({ url }) => url);
  const expected = ['http://a:30000', 'http://b:30002', 'http://[::1]:3'];
  assert.deepEqual(urls({ argv: ['--worker-urls', 'http://a:30000,http://b:30002/', 'http://[::1]:3'] }), expected);
  assert.deepEqual(urls({ argv: ['--worker-urls', 'http://a:30000', '--worker-urls=http://b:30002, http://[::1]:3,'] }), expected);
  assert.deepEqual(urls({ env: { SGLANG_ROUTER_WORKER_URLS: ' http://a:30000\nhttp://b:30002, http://[0::1]:3 ' } }), expected);
  assert.deepEqual(urls({ file: 'worker_urls:\n- http://a:30000\n- http://b:30002/\n- http://[::1]:3\n' }), expected);
  assert.deepEqual(urls({ file: 'worker-urls: http://a:30000 http://b:30002,http://[::1]:3\n' }), expected);
});

test('a host may be a name or an address, IPv6 with or without brackets', () => {
  for (const [host, bound] of [
    ['localhost', 'localhost'],
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['[::1]', '::1'],
  ]) {
    assert.equal(loaded({ argv: ['--host', host!] }).config.host, bound);
  }
  for (const host of ['', 'a b', '[localhost]', '1.2.3', 'http://a', 'a:1']) {
    assert.deepEqual(problems({ argv: [`--host=${host}`] }), [
      `--host "${host}" (command line): expected a host name, an IPv4 address or an IPv6 address`,
    ]);
  }
});

test('--check-config shows the configuration in force as JSON that is itself a configuration file', () => {
  const argv = [
    '--worker-urls',
    'http://a:80',
    'http://[::1]:3',
    '--host',
    '::',
    '--log-dir',
    '/x',
    '--prometheus-duration-buckets',
    '1',
    '2',
  ];
  const { config } = loaded({ argv });
  const result = load({ argv: [...argv, '--check-config'] });
  assert.equal(result.kind, 'check');
  assert.equal(result.text, configText(config));
  assert.deepEqual(JSON.parse(result.text)['worker-urls'], ['http://a', 'http://[::1]:3']);
  assert.deepEqual(loaded({ file: result.text }).config, config);
  assert.deepEqual(loaded({ file: configText(defaultsOf('launch_router')) }).config, defaultsOf('launch_router') satisfies Config);
});

test('--check-config tells problems as a start would', () => {
  assert.deepEqual(problems({ argv: ['--check-config', '--port', 'x'] }), [
    '--port "x" (command line): expected an integer from 0 to 65535',
  ]);
});

test('help and version go before everything that is wrong', () => {
  assert.equal(load({ argv: ['--port', 'x', '-h'] }).kind, 'help');
  assert.equal(load({ argv: ['--port', 'x', '--version'] }).kind, 'version');
});

test('no command line, environment or file makes it throw', () => {
  const flag = fc.constantFrom(...BUILT.map((entry) => entry.flag), '--enable-igw', '--prefill', '--selector', '--x');
  const word = fc.oneof(flag, fc.string(), fc.constantFrom('http://a', '1', '-1', '', 'null', '*'));
  const key = fc.constantFrom(...BUILT.map((entry) => entry.fileKey), 'selector', 'prefill', 'x');
  const yaml = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.string().map((text) => JSON.stringify(text)),
    fc.constantFrom('', '*a', '&a 1', '!!binary x', '[', '? x'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.string(), fc.array(fc.tuple(key, yaml), { maxLength: 3 }), (argv, text, pairs) => {
      const env = Object.fromEntries(BUILT.map((entry, at) => [entry.variable, at % 3 === 0 ? text : '']));
      const file = pairs.map(([name, value]) => `${name}: ${value}\n`).join('');
      const result = loadConfig({ argv, env, readFile: () => file });
      const again = loadConfig({ argv: [...argv, '--config=x'], env, readFile: () => file });
      for (const { kind } of [result, again]) assert.ok(['config', 'check', 'help', 'version', 'errors'].includes(kind));
    }),
    { numRuns: 300 },
  );
});
