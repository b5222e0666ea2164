// Which value counts if several places give one: flags, environment, file, defaults.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BUILT, type Entry } from '../src/router/config/catalogue.ts';
import { type ConfigKey, defaultsOf } from '../src/router/config/load-config.ts';
import { load } from './support/given-config.ts';

type Sample = readonly [text: string, yaml: string, value: unknown];

/** Values of settings whose shape does not give them: as text, as YAML, and as Config holds them. */
const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  host: texts('10.0.0.1', 'localhost', '::1'),
  requestIdHeaders: lists(['x-a'], ['x-a', 'x-b'], ['rid']),
  forwardHeaders: lists(['x-a'], ['x-a', 'x-b'], ['*']),
  healthCheckEndpoint: texts('/ping', '/a/b', '/health_generate'),
  workersFile: texts('/etc/workers', 'a b', 'x'),
  logDir: texts('/var/log', 'a b', 'x'),
  accessLog: [
    ['on', '"on"', 'on'],
    ['off', 'off', 'off'],
    ['auto', 'auto', 'auto'],
  ],
  prometheusHost: texts('10.0.0.1', 'localhost', '::1'),
  prometheusDurationBuckets: [
    ['1,2.5', '[1, 2.5]', [1, 2.5]],
    ['0.5', '[0.5]', [0.5]],
    ['.1 2 3e1', '[0.1, 2, 30]', [0.1, 2, 30]],
  ],
  retryStatusCodes: [
    ['502,503', '[502, 503]', [502, 503]],
    ['408 599', '[408, 599]', [408, 599]],
  ],
  forwardPaths: lists(['/a', '/b/*'], ['/'], ['/*']),
  apiKey: texts('sk-a', 'sk-b'),
  controlPlaneApiKeys: [
    ['a:A:admin:k', '["a:A:admin:k"]', ['a:A:admin:k']],
    ['b:B b:user:k,l', '["b:B b:user:k,l"]', ['b:B b:user:k,l']],
  ],
  corsAllowedOrigins: [
    ['http://a.example', '["http://a.example"]', ['http://a.example']],
    ['https://b.example:8443', '[https://b.example:8443]', ['https://b.example:8443']],
  ],
  caCertPaths: [
    ['/a b,c.pem', '["/a b,c.pem"]', ['/a b,c.pem']],
    ['/d.pem', '[/d.pem]', ['/d.pem']],
  ],
  metricsPath: texts('/metrics', '/a/b', '/m'),
};
const SWITCHED: readonly Sample[] = [
  ['true', 'true', true],
  ['0', 'false', false],
  ['YES', 'true', true],
];
const NUMBERS = [0, 0.01, 0.5, 1, 2, 4.5, 100, 2048, 60_000, 2 ** 32 - 1, 2 ** 40];
/** Settings that are checked together with others, which have tests of their own. */
const APART = [
  'workerUrls',
  'prefill',
  'decode',
  'miniLb',
  'prioritySchedulerConfig',
  'apiKeyFile',
  'controlPlaneApiKeysFile',
  'tlsCertPath',
  'tlsKeyPath',
  'clientCertPath',
  'clientKeyPath',
];

function texts(...values: readonly string[]): readonly Sample[] {
  return values.map((value) => [value, JSON.stringify(value), value] as const);
}
function lists(...values: readonly string[][]): readonly Sample[] {
  return values.map((value) => [value.join(','), `[${value.map((item) => JSON.stringify(item)).join(', ')}]`, value] as const);
}

/** At least two. */
function samplesOf({ key, setting: { shape } }: Entry): readonly Sample[] {
  const own = SAMPLES[key];
  if (own !== undefined) return own;
  if (shape.arity === 'none') return SWITCHED;
  if (shape.choices !== null) return texts(...shape.choices);
  const valid = NUMBERS.filter((value) => shape.schema.safeParse(value).success);
  assert.ok(valid.length >= 2, `${key} needs samples`);
  return valid.map((value) => [String(value), String(value), value] as const);
}

test('flags go before the environment, the environment before the file, the file before defaults', () => {
  const entries = BUILT.filter(({ key, meta }) => !meta && !APART.includes(key));
  assert.ok(entries.length >= 40, `${entries.length} settings`);
  const place = fc.option(fc.nat(20), { freq: 2 });
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
        const sample = (entry: Entry, at: number): Sample => {
          const samples = samplesOf(entry);
          return samples[at % samples.length]!; // There are at least two.
        };
        for (const [entry, { flag, environment, file }] of cases) {
          if (file !== null) {
            const [, yaml, value] = sample(entry, file);
            lines.push(`${file % 2 === 1 ? entry.fileKey.replaceAll('-', '_') : entry.fileKey}: ${yaml}`);
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
          // Samples of ports may be the same.
          for (const { flag } of result.problems) assert.ok(['--prometheus-port', '--health-check-port'].includes(flag ?? ''), `${flag}`);
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
