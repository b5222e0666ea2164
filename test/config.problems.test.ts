// What is wrong or unwise in a configuration, as users read it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crossCheck } from '../src/router/config/cross-checks.ts';
import { defaultsOf } from '../src/router/config/load-config.ts';
import { POLICIES, serves } from '../src/router/policy/catalogue.ts';
import { loaded, problems } from './support/given-config.ts';

test('all problems are told at once, with flag, value, place and what was expected', () => {
  const given = problems({
    argv: ['--port', '70000', '--worker-urls', 'http://a', '10.0.0.3', '--policy=magic', '--service-discovery'],
    env: { SGLANG_ROUTER_CACHE_THRESHOLD: '1.5', SGLANG_ROUTER_PORT: 'x' },
    file: 'request-timeout-secs: 0\nlog_level: 1\nenable-trace: true\n',
  });
  const policies = POLICIES.filter((policy) => serves(policy, 'regular'))
    .map(({ name }) => name)
    .join(', ');
  assert.deepEqual(given, [
    '--port "70000" (command line): expected an integer from 0 to 65535',
    '--worker-urls "10.0.0.3" (command line): expected http:// or https:// followed by host:port',
    `--policy "magic" (command line): expected one of ${policies}`,
    '--service-discovery (command line): expected to be left out (known from sglang_router 0.3.2, but Kubernetes discovery is not available in this version yet); use --worker-urls or POST /workers',
    '--cache-threshold "1.5" (environment variable SGLANG_ROUTER_CACHE_THRESHOLD): expected a number from 0 to 1',
    '--port "x" (environment variable SGLANG_ROUTER_PORT): expected an integer from 0 to 65535',
    '--request-timeout-secs "0" (router.yaml:1:1): expected an integer from 1 to 2147483',
    '--log-level "1" (router.yaml:2:1): expected one of debug, info, warn, error',
    '--enable-trace (router.yaml:3:1): expected to be left out (known from sglang_router 0.3.2, but OpenTelemetry tracing is not available in this version yet)',
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

test('--enable-igw starts a router of one model, with a warning', () => {
  assert.match(loaded({ argv: ['--enable-igw'] }).warnings.join('\n'), /--enable-igw.*all workers must serve the same model/);
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
