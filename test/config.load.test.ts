// From command line, environment and file to one configuration.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BUILT, type Entry } from '../src/router/config/catalogue.ts';
import { crossCheck } from '../src/router/config/cross-checks.ts';
import {
  type Config,
  type ConfigKey,
  configText,
  defaultsOf,
  formatProblems,
  type LoadedConfig,
  loadConfig,
} from '../src/router/config/load-config.ts';

const noFile = (path: string): string => assert.fail(`${path} is read`);

interface Given {
  readonly argv?: readonly string[];
  readonly env?: Record<string, string>;
  readonly file?: string;
}

function load({ argv = [], env = {}, file }: Given): LoadedConfig {
  if (file === undefined) return loadConfig({ argv, env, readFile: noFile });
  const readFile = (path: string): string => (path === 'router.yaml' ? file : noFile(path));
  return loadConfig({ argv: [...argv, '--config', 'router.yaml'], env, readFile });
}

function loaded(given: Given): LoadedConfig & { kind: 'config' } {
  const result = load(given);
  assert.equal(result.kind, 'config', JSON.stringify(result));
  return result;
}

function problems(given: Given): string[] {
  const result = load(given);
  assert.equal(result.kind, 'errors', JSON.stringify(result));
  return formatProblems(result.problems)
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());
}

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

/** Values of every setting that works: as text, as YAML, and as Config holds them. */
const SAMPLES: Readonly<Record<ConfigKey, readonly (readonly [text: string, yaml: string, value: unknown])[]>> = {
  host: texts('10.0.0.1', 'localhost', '::1'),
  port: numbers(0, 8000, 65535),
  workerUrls: [],
  policy: texts('random', 'power_of_two', 'cache_aware'),
  cacheThreshold: numbers(0, 0.5, 1),
  balanceAbsThreshold: numbers(0, 1, 1000),
  balanceRelThreshold: numbers(1, 1.25, 100),
  maxTreeSize: numbers(1, 1000, 2 ** 40),
  dpAware: [
    ['true', 'true', true],
    ['0', 'false', false],
    ['on', 'true', true],
  ],
  pdDisaggregation: [
    ['true', 'true', true],
    ['0', 'false', false],
    ['on', 'true', true],
  ],
  prefill: [],
  decode: [],
  prefillPolicy: texts('random', 'round_robin', 'cache_aware'),
  decodePolicy: texts('random', 'round_robin', 'cache_aware'),
  miniLb: [],
  pdBootstrapTimeoutSecs: numbers(0, 15, 600),
  maxPayloadSize: numbers(1, 1000, 2 ** 40),
  requestTimeoutSecs: numbers(1, 60, 2_147_483),
  streamIdleTimeoutSecs: numbers(0, 0.5, 7200),
  maxReplayBytes: numbers(0, 1, 2 ** 30),
  requestIdHeaders: lists(['x-a'], ['x-a', 'x-b'], ['rid']),
  forwardHeaders: lists(['x-a'], ['x-a', 'x-b'], ['*']),
  disableTransparentProxy: [
    ['true', 'true', true],
    ['0', 'false', false],
    ['YES', 'true', true],
  ],
  seed: numbers(0, 1, 2 ** 32 - 1),
  maxConnections: numbers(1, 2, 1_000_000),
  headerTimeoutSecs: numbers(0.1, 1, 60),
  bodyTimeoutSecs: numbers(0.1, 1, 60),
  keepAliveTimeoutSecs: numbers(0.1, 1, 60),
  shutdownGracePeriodSecs: numbers(0, 1, 60),
  workerStartupTimeoutSecs: numbers(1, 2, 60),
  workerStartupCheckInterval: numbers(1, 2, 60),
  healthCheckEndpoint: texts('/ping', '/a/b', '/health_generate'),
  healthCheckIntervalSecs: numbers(1, 2, 60),
  healthCheckTimeoutSecs: numbers(1, 2, 60),
  connectTimeoutSecs: numbers(0.01, 2, 60),
  maxConnectionsPerWorker: numbers(1, 2, 65535),
  upstreamQueueSize: numbers(0, 1, 1_000_000),
  upstreamQueueTimeoutSecs: numbers(0.01, 2, 60),
  upstreamKeepAliveSecs: numbers(0, 0.5, 4.5),
  logLevel: texts('debug', 'warn', 'error'),
  logFormat: texts('pretty', 'json', 'auto'),
  logDir: texts('/var/log', 'a b', 'x'),
  accessLog: [
    ['on', '"on"', 'on'],
    ['off', 'off', 'off'],
    ['auto', 'auto', 'auto'],
  ],
  prometheusHost: texts('10.0.0.1', 'localhost', '::1'),
  prometheusPort: numbers(0, 8000, 65535),
  prometheusDurationBuckets: [
    ['1,2.5', '[1, 2.5]', [1, 2.5]],
    ['0.5', '[0.5]', [0.5]],
    ['.1 2 3e1', '[0.1, 2, 30]', [0.1, 2, 30]],
  ],
  metricsPath: texts('/metrics', '/a/b', '/m'),
};

type Sample = readonly [text: string, yaml: string, value: unknown];
function texts(...values: string[]): Sample[] {
  return values.map((value) => [value, JSON.stringify(value), value] as const);
}
function numbers(...values: number[]): Sample[] {
  return values.map((value) => [String(value), String(value), value] as const);
}
function lists(...values: string[][]): Sample[] {
  return values.map((value) => [value.join(','), `[${value.map((item) => JSON.stringify(item)).join(', ')}]`, value] as const);
}

test('flags go before the environment, the environment before the file, the file before defaults', () => {
  const entries = BUILT.filter((entry) => (SAMPLES[entry.key as ConfigKey] ?? []).length > 0);
  assert.deepEqual(
    BUILT.filter((entry) => !entry.meta && !entries.includes(entry)).map(({ key }) => key),
    ['workerUrls', 'prefill', 'decode', 'miniLb'],
  );
  const place = fc.option(fc.nat(2), { freq: 2 });
  const givenIn = fc.record({ flag: place, environment: place, file: place });
  const defaults = defaultsOf('seed');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...entries), givenIn), { selector: ([entry]) => entry.key, maxLength: 8 }),
      (cases) => {
        const argv: string[] = [];
        const env: Record<string, string> = {};
        const lines: string[] = [];
        const expected = new Map<string, { value: unknown; source: string }>();
        const sample = (entry: Entry, at: number) => SAMPLES[entry.key as ConfigKey][at]!;
        for (const [entry, { flag, environment, file }] of cases) {
          if (file !== null) {
            const [, yaml, value] = sample(entry, file);
            lines.push(`${file === 1 ? entry.fileKey.replaceAll('-', '_') : entry.fileKey}: ${yaml}`);
            expected.set(entry.key, { value, source: 'file' });
          }
          if (environment !== null) {
            const [text, , value] = sample(entry, environment);
            env[entry.variable] = text;
            expected.set(entry.key, { value, source: 'environment' });
          }
          if (flag !== null) {
            const [text, , value] = sample(entry, flag);
            argv.push(`${entry.flag}=${text}`);
            expected.set(entry.key, { value, source: 'flag' });
          }
        }
        const result = load({ argv, env, file: lines.join('\n') });
        if (result.kind === 'errors') {
          // The one pair of samples that cannot stand together.
          assert.deepEqual(
            result.problems.map(({ flag }) => flag),
            ['--prometheus-port'],
          );
          return;
        }
        assert.equal(result.kind, 'config');
        for (const { key } of entries) {
          const { value, source } = expected.get(key) ?? { value: defaults[key as ConfigKey], source: 'default' };
          const followsHost = key === 'prometheusHost' && source === 'default';
          assert.deepEqual(result.config[key as ConfigKey], followsHost ? result.config.host : value, key);
          assert.equal(result.sources[key as ConfigKey], source, key);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('all problems are told at once, with flag, value, place and what was expected', () => {
  const given = problems({
    argv: ['--port', '70000', '--worker-urls', 'http://a', '10.0.0.3', '--policy=manual', '--service-discovery'],
    env: { SGLANG_ROUTER_CACHE_THRESHOLD: '1.5', SGLANG_ROUTER_PORT: 'x' },
    file: 'request-timeout-secs: 0\nlog_level: 1\nenable-igw: true\nretry-max-retries: 3\n',
  });
  assert.deepEqual(given, [
    '--port "70000" (command line): expected an integer from 0 to 65535',
    '--worker-urls "10.0.0.3" (command line): expected http:// or https:// followed by host:port',
    '--policy "manual" (command line): expected one of round_robin, random, power_of_two, cache_aware (manual is known, but not available in this version yet)',
    '--service-discovery (command line): expected to be left out (known from sglang_router 0.3.2, but Kubernetes discovery is not available in this version yet); use --worker-urls or POST /workers',
    '--cache-threshold "1.5" (environment variable SGLANG_ROUTER_CACHE_THRESHOLD): expected a number from 0 to 1',
    '--port "x" (environment variable SGLANG_ROUTER_PORT): expected an integer from 0 to 65535',
    '--request-timeout-secs "0" (router.yaml:1:1): expected an integer from 1 to 2147483',
    '--log-level "1" (router.yaml:2:1): expected one of debug, info, warn, error',
    '--enable-igw (router.yaml:3:1): expected to be left out (known from sglang_router 0.3.2, but routing over several models is not available in this version yet); run one router per model',
    '--retry-max-retries "3" (router.yaml:4:1): expected to be left out or to be 0 or 1 (known from sglang_router 0.3.2, but retries with backoff are not available in this version yet: every request is sent once)',
  ]);
});

test('problems are one line each, short, and without passwords of URLs', () => {
  const lines = problems({ argv: ['--worker-urls', 'http://me:hush@a', '--log-dir', `a\nb${'x'.repeat(500)}`] });
  assert.equal(lines[0], '--worker-urls "http://***@a" (command line): expected no user name or password in the URL');
  assert.match(lines[1]!, /^--log-dir "a\\nbx{1,120}\.\.\."/);
  assert.equal(lines.length, 2);
});

test('the same worker twice is refused however it is written', () => {
  assert.deepEqual(problems({ argv: ['--worker-urls', 'http://a', 'http://b', 'http://A:80/'] }), [
    '--worker-urls "http://a" (command line): expected each worker once; numbers 1 and 3 are the same worker',
  ]);
});

test('metrics cannot have the port of the router', () => {
  assert.match(problems({ argv: ['--port', '29000'] })[0]!, /^--prometheus-port "29000" \(default\): expected another port/);
  assert.match(problems({ argv: ['--port', '1', '--prometheus-port', '1', '--prometheus-host', '::'] })[0]!, /another port/);
  loaded({ argv: ['--port', '1', '--prometheus-port', '1', '--prometheus-host', '127.0.0.2'] });
  loaded({ argv: ['--port', '0', '--prometheus-port', '0'] });
});

test('what is unwise draws a warning', () => {
  const warnings = (...argv: string[]): string => loaded({ argv }).warnings.join('\n');
  assert.match(warnings('--policy', 'power_of_two', '--worker-urls', 'http://a'), /power_of_two chooses between two/);
  assert.equal(warnings('--policy', 'power_of_two', '--worker-urls', 'http://a', 'http://b'), '');
  assert.match(warnings('--upstream-keep-alive-secs', '5'), /SGLang closes idle/);
  assert.match(warnings('--forward-headers', '*', 'x-a'), /change nothing/);
  assert.deepEqual(
    crossCheck(defaultsOf('launch_router'), () => 'default'),
    { problems: [], warnings: [] },
  );
});

test('header fields that the router owns cannot be forwarded, and star is for --forward-headers only', () => {
  for (const name of ['Connection', 'content-length', 'Host', 'transfer-encoding', 'x y\u0001', 'x:y']) {
    const [line] = problems({ argv: [`--forward-headers=${name}`] });
    assert.match(line!, /^--forward-headers /, name);
  }
  assert.match(problems({ argv: ['--request-id-headers', '*'] })[0]!, /expected names of header fields$/);
});

test('buckets must ascend', () => {
  for (const text of ['2,1', '1,1', '0,1', '-1', 'x'])
    assert.match(problems({ argv: [`--prometheus-duration-buckets=${text}`] })[0]!, /positive and ascending/);
});

test('a variable that is not known draws a warning, one that is empty nothing', () => {
  const { warnings, config } = loaded({
    env: { SGLANG_ROUTER_POLCY: 'x', SGLANG_ROUTER_HOST: '', PATH: '/bin', SGLANG_ROUTER_CHECK_CONFIG: '1' },
  });
  assert.equal(config.host, '127.0.0.1');
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /SGLANG_ROUTER_POLCY is not known and is ignored; did you mean SGLANG_ROUTER_POLICY\?/);
});

test('what Kubernetes sets beside a service named sglang-router is no setting', () => {
  const { config, warnings } = loaded({
    env: {
      SGLANG_ROUTER_PORT: 'tcp://10.96.0.7:3001',
      SGLANG_ROUTER_SERVICE_HOST: '10.96.0.7',
      SGLANG_ROUTER_SERVICE_PORT: '3001',
      SGLANG_ROUTER_SERVICE_PORT_METRICS: '29000',
      SGLANG_ROUTER_PORT_3001_TCP: 'tcp://10.96.0.7:3001',
      SGLANG_ROUTER_PORT_3001_TCP_PROTO: 'tcp',
      SGLANG_ROUTER_PORT_3001_TCP_PORT: '3001',
      SGLANG_ROUTER_PORT_3001_TCP_ADDR: '10.96.0.7',
    },
  });
  assert.equal(config.port, 3001);
  assert.deepEqual(warnings, []);
});

test('the file may be named by the environment', () => {
  const result = loadConfig({
    argv: [],
    env: { SGLANG_ROUTER_CONFIG: 'x.yaml' },
    readFile: (path) => (path === 'x.yaml' ? 'port: 5\n' : noFile(path)),
  });
  assert.equal(result.kind, 'config');
  assert.equal(result.config.port, 5);
});

test('a file that cannot be read is a problem', () => {
  const readFile = (): string => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const result = loadConfig({ argv: ['--config', 'x.yaml', '--port', 'x'], env: {}, readFile });
  assert.equal(result.kind, 'errors');
  assert.deepEqual(
    result.problems.map(({ flag, expected }) => [flag, expected]),
    [
      ['--port', 'an integer from 0 to 65535'],
      ['--config', 'a file that can be read (ENOENT)'],
    ],
  );
});

const FILES: readonly [name: string, file: string, expected: RegExp][] = [
  [
    'an unknown key',
    'port: 1\nworker-url: http://a\n',
    /^worker-url \(router\.yaml:2:1\): expected a known key; did you mean worker-urls\?$/,
  ],
  ['keys of the command line itself', 'config: other.yaml\n', /^config \(router\.yaml:1:1\): expected a known key/],
  [
    'one setting in two spellings',
    'log-dir: a\nlog_dir: b\n',
    /^--log-dir \(router\.yaml:2:1\): expected one value; router\.yaml:1:1 gives another$/,
  ],
  ['one key twice', 'port: 1\nport: 2\n', /^--config \(router\.yaml:2:1\): expected valid YAML/],
  ['broken YAML', 'port: [1\n', /^--config \(router\.yaml:2:1\): expected valid YAML/],
  ['a list at the top', '- port\n', /^--config \(router\.yaml:1:1\): expected keys and values at the top$/],
  ['a number in quotes', 'port: "1"\n', /^--port "1" \(router\.yaml:1:1\): expected an integer/],
  ['a missing value', 'port:\n', /^--port "null" \(router\.yaml:1:1\): expected an integer/],
  ['a switch as text', 'disable-transparent-proxy: "yes"\n', /expected true or false$/],
  ['a bad item of a list', 'worker-urls:\n  - http://a\n  - 5\n', /^--worker-urls "5" \(router\.yaml:1:1\): expected the URL of a worker$/],
  ['a map for a list', 'worker-urls: {a: b}\n', /expected a list: URLs of workers$/],
  ['several documents', 'port: 1\n---\nport: 2\n', /expected valid YAML/],
  [
    'aliases that grow',
    `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]\n`).join('')}worker-urls: *a30\n`,
    /--worker-urls \(router\.yaml:\d+:1\): expected a value without such aliases/,
  ],
];
for (const [name, file, expected] of FILES) {
  test(`in a file, ${name} is refused with its place`, () => {
    assert.ok(
      problems({ file }).some((line) => expected.test(line)),
      problems({ file }).join('\n'),
    );
  });
}

test('an empty file, comments, null for what can be unset, and anchors are fine', () => {
  for (const file of ['', '# nothing\n', 'null\n', 'log-dir: ~\nseed: null\n'])
    assert.deepEqual(loaded({ file }).config, defaultsOf('seed'));
  assert.equal(loaded({ file: 'port: &p 5\nprometheus-port: 6\nmax-connections: *p\n' }).config.maxConnections, 5);
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
