// Settings of prefill-decode pairs: how they are written in each place, and what does not go together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configText, type LoadedConfig, loadConfig } from '../src/router/config/load-config.ts';

interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function load({ argv = [], env = {}, file }: Given): LoadedConfig {
  const line = file === undefined ? argv : [...argv, '--config', 'router.yaml'];
  return loadConfig({ argv: line, env, readFile: () => file ?? assert.fail('no file is read') });
}

function loaded(given: Given): LoadedConfig & { kind: 'config' } {
  const result = load(given);
  assert.equal(result.kind, 'config', JSON.stringify(result));
  return result;
}

/** As a user sees them: flag, value and what was expected. */
function problems(...argv: string[]): string[] {
  const result = load({ argv });
  assert.equal(result.kind, 'errors', JSON.stringify(result));
  return result.problems.map(({ flag, value, expected }) => `${flag}${value === null ? '' : ` ${value}`}: ${expected}`);
}

/** Workers as `url port`. */
function workers(given: Given): string[] {
  const { config } = loaded(given);
  return [
    ...config.prefill.map(({ address, bootstrapPort }) => `prefill ${address.url} ${bootstrapPort}`),
    ...config.decode.map(({ url }) => `decode ${url}`),
  ];
}

const PD = '--pd-disaggregation';

test('a prefill worker is a URL alone, a URL and a port, or a URL and none, in every place', () => {
  const expected = [
    'prefill http://a:1 null',
    'prefill http://b:2 8998',
    'prefill http://[::1]:3 null',
    'decode http://c:4',
    'decode http://d:5',
  ];
  const argv = [PD, '--prefill', 'http://a:1', '--prefill', 'http://b:2', '8998', '--prefill', 'http://[::1]:3', 'none'];
  assert.deepEqual(workers({ argv: [...argv, '--decode', 'http://c:4', '--decode', 'http://d:5'] }), expected);
  assert.deepEqual(workers({ argv: [PD, ...argv.slice(1), '--decode=http://c:4', '--decode', 'http://d:5'] }), expected);
  assert.deepEqual(
    workers({
      env: {
        SGLANG_ROUTER_PD_DISAGGREGATION: '1',
        SGLANG_ROUTER_PREFILL: 'http://a:1, http://b:2 8998,http://[::1]:3 NONE',
        SGLANG_ROUTER_DECODE: 'http://c:4 http://d:5',
      },
    }),
    expected,
  );
  const file = [
    'pd-disaggregation: true',
    'prefill: [http://a:1, http://b:2 8998, "http://[::1]:3 none"]',
    'decode: [http://c:4, http://d:5]',
  ];
  assert.deepEqual(workers({ file: file.join('\n') }), expected);
});

test('the command line of the launcher of SLURM jobs is understood', () => {
  const argv = [PD, '--prefill', 'http://10.0.0.1:30000', '30001', '--prefill', 'http://10.0.0.2:30000', '30001'];
  const { config, warnings } = loaded({
    argv: [...argv, '--decode', 'http://10.0.0.3:30000', '--host', '0.0.0.0', '--port', '8000', '--policy', 'cache_aware'],
  });
  assert.deepEqual(
    config.prefill.map(({ bootstrapPort }) => bootstrapPort),
    [30001, 30001],
  );
  assert.deepEqual([config.policy, config.prefillPolicy, config.decodePolicy, config.miniLb], ['cache_aware', null, null, false]);
  assert.deepEqual(warnings, []);
});

test('all bad prefill workers are told at once', () => {
  assert.deepEqual(
    problems(PD, '--prefill', 'http://a:1', '0', '--prefill', 'b:1', '--prefill', 'http://c:1', 'x', '--prefill', 'http://d', '1', '2'),
    [
      '--prefill http://a:1 0: a bootstrap port from 1 to 65535, or none, after the URL',
      '--prefill b:1: http:// or https:// followed by host:port',
      '--prefill http://c:1 x: a bootstrap port from 1 to 65535, or none, after the URL',
      '--prefill http://d 1 2: URL, or URL and a bootstrap port from 1 to 65535 or none, once for each worker',
    ],
  );
  assert.deepEqual(problems(PD, '--prefill', 'http://a:1', '', '--prefill', ''), [
    '--prefill http://a:1 "": a bootstrap port from 1 to 65535, or none, after the URL',
    '--prefill "": http:// or https:// followed by host:port',
  ]);
  assert.deepEqual(problems(PD, '--prefill'), ['--prefill: a value: URL, or URL and a bootstrap port from 1 to 65535 or none']);
  assert.match(problems(PD, '--decode', 'http://a', 'http://b')[0]!, /^http:\/\/b: a flag/);
});

test('prefill and decode workers need the mode in which they are used', () => {
  const [prefill, decode, mini] = problems('--prefill', 'http://a', '--decode', 'http://b', '--mini-lb');
  assert.match(prefill!, /^--prefill http:\/\/a: --pd-disaggregation beside it/);
  assert.match(decode!, /^--decode http:\/\/b: --pd-disaggregation beside it/);
  assert.match(mini!, /^--mini-lb: --pd-disaggregation beside it/);
  const { warnings } = loaded({ argv: ['--prefill-policy', 'random', '--decode-policy', 'random'] });
  assert.equal(warnings.length, 2);
  for (const warning of warnings) assert.match(warning, /changes nothing without --pd-disaggregation/);
});

test('regular workers have no place among pairs', () => {
  assert.deepEqual(problems(PD, '--worker-urls', 'http://a', 'http://b'), [
    '--worker-urls http://a,http://b: to be left out with --pd-disaggregation; name workers with --prefill and --decode',
  ]);
});

test('a worker has one role, once', () => {
  assert.deepEqual(
    problems(PD, '--prefill', 'http://a', '1', '--prefill', 'http://A:80', '2', '--decode', 'http://b', '--decode', 'http://a/'),
    [
      '--prefill http://a: each worker once; number 1 of --prefill is the same worker',
      '--decode http://a: each worker once; number 1 of --prefill is the same worker',
    ],
  );
});

test('a role may be empty at the start, with a warning that says what follows', () => {
  const { warnings } = loaded({ argv: [PD, '--prefill', 'http://a'] });
  assert.deepEqual(warnings, ['no --decode worker is given: requests are answered 503 until one joins through POST /workers']);
  assert.equal(loaded({ argv: [PD] }).warnings.length, 2);
});

test('each role has its own policy, and bucket is not for decode', () => {
  const { config } = loaded({ argv: [PD, '--prefill-policy', 'cache_aware', '--decode-policy', 'power_of_two'] });
  assert.deepEqual([config.prefillPolicy, config.decodePolicy], ['cache_aware', 'power_of_two']);
  assert.equal(loaded({ argv: [PD, '--prefill-policy', 'bucket'] }).config.prefillPolicy, 'bucket');
  assert.match(problems(PD, '--decode-policy', 'bucket')[0]!, /one of .*\(bucket is for regular and prefill workers only\)$/);
  assert.equal(loaded({ argv: ['--policy', 'bucket'] }).config.policy, 'bucket');
  assert.match(problems(PD, '--policy', 'bucket')[0]!, /--decode-policy beside it \(bucket does not serve them\)$/);
  assert.equal(loaded({ argv: [PD, '--policy', 'bucket', '--decode-policy', 'manual'] }).config.decodePolicy, 'manual');
});

test('a policy of two warns of a role with fewer workers', () => {
  const { warnings } = loaded({
    argv: [PD, '--policy', 'power_of_two', '--prefill', 'http://a', '--decode', 'http://b', '--decode', 'http://c'],
  });
  assert.deepEqual(warnings, ['power_of_two chooses between two prefill workers, and fewer are given; others can join later']);
});

test('the mini load balancer says which policies it does not follow', () => {
  const workersOf = ['--prefill', 'http://a', '--decode', 'http://b'];
  const { warnings } = loaded({ argv: [PD, '--mini-lb', '--policy', 'cache_aware', '--decode-policy', 'random', ...workersOf] });
  assert.deepEqual(warnings, ['--policy cache_aware changes nothing beside --mini-lb, which chooses at random']);
  assert.deepEqual(loaded({ argv: [PD, '--mini-lb', ...workersOf] }).warnings, []);
});

test('--check-config shows pairs as a file can hold them', () => {
  const argv = [
    PD,
    '--prefill',
    'http://a:1',
    '9',
    '--prefill',
    'http://b:1',
    '--decode',
    'http://[::1]:2',
    '--pd-bootstrap-timeout-secs',
    '15',
  ];
  const { config } = loaded({ argv });
  assert.deepEqual(loaded({ file: configText(config) }).config, config);
  assert.deepEqual(JSON.parse(configText(config)).prefill, ['http://a:1 9', 'http://b:1 none']);
});
