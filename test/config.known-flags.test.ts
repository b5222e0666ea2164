// Every flag of sglang_router 0.3.2 is either in force, refused by name, or accepted with a warning: none is ignored in silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILT, ENTRIES, type Entry, FLAGS, KNOWN } from '../src/router/config/catalogue.ts';
import { type Config, type ConfigKey, type LoadedConfig, loadConfig } from '../src/router/config/load-config.ts';
import { LAUNCH_ROUTER_FLAGS, type LaunchRouterFlag } from './support/launch-router-flags.ts';

const noFile = (): string => assert.fail('no file is read');
const load = (...argv: string[]): LoadedConfig => loadConfig({ argv, env: {}, readFile: noFile });

function entryOf(flag: string): Entry {
  const entry = FLAGS.get(flag)?.entry;
  assert.ok(entry, `${flag} is not known`);
  return entry;
}

function named(problems: readonly string[], flag: string): boolean {
  return problems.some((text) => text === flag || text.startsWith(`${flag} `));
}

/** Words for a valid value that differs from the default, and the value as Config holds it. */
function otherValue({ flag, kind, choices, default: standard }: LaunchRouterFlag): { words: string[]; value: unknown } {
  const special = OTHER_VALUES[flag];
  if (special !== undefined) return special;
  if (kind === 'switch') return { words: [], value: true };
  if (choices !== undefined) {
    const value = choices.find((choice) => choice !== standard && choice !== 'round_robin')!;
    return { words: [value], value };
  }
  if (kind === 'int') return { words: ['7'], value: 7 };
  return { words: ['some-text'], value: 'some-text' };
}

const address = { url: 'http://a:1', scheme: 'http', host: 'a', port: 1, authority: 'a:1', basePath: '' };
const OTHER_VALUES: Readonly<Record<string, { words: string[]; value: unknown }>> = {
  '--worker-urls': { words: ['http://a:1'], value: [address] },
  '--cache-threshold': { words: ['0.75'], value: 0.75 },
  '--balance-rel-threshold': { words: ['2.5'], value: 2.5 },
  '--retry-backoff-multiplier': { words: ['2.5'], value: 2.5 },
  '--retry-jitter-factor': { words: ['0.75'], value: 0.75 },
  '--prefill': { words: ['http://a:1', '8998'], value: [{ address, bootstrapPort: 8998 }] },
  '--decode': { words: ['http://a:1'], value: [address] },
  '--selector': { words: ['app=a', 'b=c'], value: ['app=a', 'b=c'] },
  '--prefill-selector': { words: ['app=a b=c'], value: ['app=a', 'b=c'] },
  '--decode-selector': { words: ['app=a'], value: ['app=a'] },
  '--prometheus-duration-buckets': { words: ['0.5', '1', '2.5'], value: [0.5, 1, 2.5] },
  '--request-id-headers': { words: ['X-My-Id', 'rid'], value: ['x-my-id', 'rid'] },
  '--history-backend': { words: ['oracle'], value: 'oracle' },
  '--health-check-endpoint': { words: ['/ping'], value: '/ping' },
  '--cors-allowed-origins': { words: ['https://a'], value: ['https://a'] },
  '--ca-cert-paths': { words: ['/a b,c.pem'], value: ['/a b,c.pem'] },
  '--control-plane-api-keys': { words: ['id:A name:admin:hush'], value: ['id:A name:admin:hush'] },
  '--jwt-role-mapping': { words: ['Gateway.Admin=admin'], value: ['Gateway.Admin=admin'] },
};

/** Flags that stand beside another one only. */
const BESIDE: Readonly<Record<string, string>> = {
  '--tls-cert-path': '--tls-key-path=b',
  '--tls-key-path': '--tls-cert-path=b',
  '--client-cert-path': '--client-key-path=b',
  '--client-key-path': '--client-cert-path=b',
  '--prefill': '--pd-disaggregation',
  '--decode': '--pd-disaggregation',
  '--mini-lb': '--pd-disaggregation',
};

/** What they ask for is so anyway: nothing is retried, and no breaker opens. */
const SATISFIED = new Set(['--disable-retries', '--disable-circuit-breaker']);

test('the table is whole', () => assert.equal(LAUNCH_ROUTER_FLAGS.length, 98));

for (const flag of LAUNCH_ROUTER_FLAGS) {
  test(`${flag.flag} is in force, refused by name or accepted with a warning`, () => {
    const entry = entryOf(flag.flag);
    const { words, value } = otherValue(flag);
    assert.deepEqual(entry.setting.shape.schema.parse(entry.setting.shape.fromWords([words])), value, 'the value is understood');
    const beside = BESIDE[flag.flag];
    const loaded = load(flag.flag, ...words, ...(beside === undefined ? [] : [beside]));
    if (entry.setting.built) {
      assert.equal(loaded.kind, 'config');
      assert.deepEqual(loaded.config[entry.key as ConfigKey], value);
      assert.equal(loaded.sources[entry.key as ConfigKey], 'flag');
      return;
    }
    if (loaded.kind === 'errors') {
      assert.deepEqual(
        loaded.problems.map((problem) => problem.flag),
        [flag.flag],
      );
      assert.match(loaded.problems[0]!.expected, /^to be left out.*known from sglang_router 0\.3\.2.*not available in this version yet/);
      return;
    }
    assert.equal(loaded.kind, 'config');
    assert.ok(SATISFIED.has(flag.flag) || named(loaded.warnings, flag.flag), 'a warning or nothing to ask for');
  });

  test(`${flag.flag} takes its own default, choices, number of words and type`, () => {
    const { shape, origin, default: standard, ...setting } = entryOf(flag.flag).setting;
    assert.ok(origin === '0.3.2' || origin === 'seed');
    const arity = { '0': 'none', '1': 'one', '*': 'any', '+': 'some', each: 'each' }[flag.words];
    assert.equal(shape.arity, arity);
    const loaded = loadConfig({ argv: [], env: {}, readFile: noFile, dialect: 'launch_router' });
    assert.equal(loaded.kind, 'config');
    const own = setting.built ? loaded.config[entryOf(flag.flag).key as ConfigKey] : standard;
    if (flag.default !== null) assert.deepEqual(own, flag.default);
    for (const choice of flag.choices ?? []) {
      const result = shape.schema.safeParse(choice);
      assert.equal(result.success, true, choice);
    }
    if (flag.choices !== undefined) assert.ok(!shape.schema.safeParse('no-such-choice').success);
    if (flag.kind === 'int' || flag.kind === 'float') assert.ok(!shape.schema.safeParse(shape.fromWords([['x']])).success);
    if (flag.kind === 'int') assert.ok(!shape.schema.safeParse(shape.fromWords([['1.5']])).success);
  });
}

test('all of launch_router’s defaults given as flags draw warnings at most', () => {
  const argv = LAUNCH_ROUTER_FLAGS.flatMap(({ flag, kind, default: standard }) => {
    if (standard === null || kind === 'switch' || Array.isArray(standard)) return [];
    return [flag, String(standard)];
  });
  const loaded = load(...argv);
  assert.equal(loaded.kind, 'config', JSON.stringify(loaded));
  const warned = loaded.warnings.map((text) => text.split(' ')[0]).sort();
  assert.deepEqual(warned, [
    '--bucket-adjust-interval-secs',
    '--eviction-interval-secs',
    '--tokenizer-cache-l0-max-entries',
    '--tokenizer-cache-l1-max-memory',
  ]);
});

test('what launch_router does for gRPC workers alone is no reason to refuse a start with HTTP workers', () => {
  const given = [
    ...['--model-path', 'org/model', '--tokenizer-path', '/t', '--chat-template', '/c.jinja', '--tokenizer-cache-enable-l0'],
    ...['--reasoning-parser', 'qwen3', '--tool-call-parser', 'llama'],
  ];
  const loaded = load(...given);
  assert.equal(loaded.kind, 'config', JSON.stringify(loaded));
  const flags = given.filter((word) => word.startsWith('--'));
  assert.deepEqual(loaded.warnings.map((text) => text.split(' ')[0]).sort(), flags.sort());
  for (const warning of loaded.warnings) assert.match(warning, /has no effect: workers that speak HTTP tokenize/);
});

test('every policy of sglang_router and smg is taken, another one is not', () => {
  for (const policy of ['manual', 'consistent_hashing', 'prefix_hash', 'least_load', 'passthrough', 'bucket', 'power_of_two']) {
    assert.equal(load('--policy', policy).kind, 'config', policy);
  }
  assert.equal(load('--policy', 'nonsense').kind, 'errors');
});

test('values that ask for nothing are taken without a word', () => {
  const loaded = load(
    ...['--max-concurrent-requests', '-1', '--backend', 'sglang', '--history-backend', 'none', '--retry-max-retries', '0'],
    ...['--disable-retries', '--disable-circuit-breaker', '--max-concurrent-requests=0', '--runtime', 'sglang', '--dp-aware=false'],
  );
  assert.equal(loaded.kind, 'config', JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
});

test('flags of smg that change what the router does are refused by name', () => {
  for (const { flag, setting } of KNOWN.filter((entry) => entry.setting.origin === 'smg' && entry.setting.shape.arity === 'none')) {
    const loaded = load(flag);
    const harmless = ['--router-disable-arg-fallback', '--disable-tokenizer-autoload', '--disable-audit-logging'].includes(flag);
    assert.equal(loaded.kind, harmless ? 'config' : 'errors', flag);
    assert.equal(load(`${flag}=false`).kind, 'config', flag);
    assert.ok(!setting.built);
  }
});

test('secrets never show in problems', () => {
  for (const { flag, setting } of KNOWN) {
    if (setting.built || setting.secret !== true) continue;
    for (const argv of [[flag, 'id:name:admin:hush'], [`${flag}=hush`], [`${flag}=a:hush`], [flag, 'hush\u0001']]) {
      const loaded = load(...argv);
      assert.equal(loaded.kind, 'errors', flag);
      assert.doesNotMatch(JSON.stringify(loaded.problems), /hush/);
    }
  }
});

test('aliases of older versions and of smg mean what they meant', () => {
  const config = (...argv: string[]): Config => {
    const loaded = load(...argv);
    assert.equal(loaded.kind, 'config', JSON.stringify(loaded));
    return loaded.config;
  };
  assert.equal(config('--verbose').logLevel, 'debug');
  assert.equal(config('--verbose', '--log-level', 'error').logLevel, 'error');
  assert.equal(config('--log-level', 'warning').logLevel, 'warn');
  assert.equal(config('--log-level', 'critical').logLevel, 'error');
  assert.equal(config('--log-json').logFormat, 'json');
  assert.equal(config('--upstream-pool-idle-timeout-secs', '3').upstreamKeepAliveSecs, 3);
  const eviction = load('--eviction-interval', '120');
  assert.equal(eviction.kind, 'config');
  assert.match(eviction.warnings[0]!, /^--eviction-interval-secs .*no effect/);
});

test('flags, variables and keys are unique, and every setting says what it is', () => {
  const names = ENTRIES.flatMap(({ flag, setting }) => [flag, ...(setting.aliases ?? []).map((alias) => alias.flag)]);
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(ENTRIES.map(({ variable }) => variable)).size, ENTRIES.length);
  for (const { flag, setting } of BUILT) {
    assert.ok(setting.built);
    assert.match(setting.describe, /^[\w'-].{15,}[^.]$/, flag);
  }
});

/** Flags of workers, health, breaker, retries, limits, timeouts and shutdown. */
const SURVIVAL =
  /^--(?:worker-|prefill$|decode$|dp-aware|enable-igw|pd-|mini-lb|health-|disable-health|cb-|disable-circuit|retry-|disable-retries|max-concurrent|queue-|rate-limit|request-timeout|shutdown-|max-payload|api-key)/;

test('no flag of workers, health, breaker, retries, limits, timeouts or shutdown is refused, whatever its value', () => {
  const flags = LAUNCH_ROUTER_FLAGS.filter(({ flag }) => SURVIVAL.test(flag));
  assert.equal(flags.length, 34, flags.map(({ flag }) => flag).join(' '));
  const refused = flags.filter((flag) => {
    const beside = BESIDE[flag.flag];
    return load(flag.flag, ...otherValue(flag).words, ...(beside === undefined ? [] : [beside])).kind !== 'config';
  });
  assert.deepEqual(
    refused.map(({ flag }) => flag),
    [],
  );
});
