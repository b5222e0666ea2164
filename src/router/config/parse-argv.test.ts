import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgv } from './parse-argv.ts';

const given = (...argv: string[]): Record<string, readonly (readonly string[])[]> => {
  const parsed = parseArgv(argv);
  assert.deepEqual(parsed.problems, []);
  return Object.fromEntries([...parsed.given].map(([key, { words }]) => [key, words]));
};
const problems = (...argv: string[]): string[] =>
  parseArgv(argv).problems.map(({ flag, expected, source }) => {
    assert.equal(source, 'command line');
    return `${flag}: ${expected}`;
  });

test('a flag takes the word after it or after its equals sign', () => {
  assert.deepEqual(given('--port', '1', '--host=::1'), { port: [['1']], host: [['::1']] });
  assert.deepEqual(given('--worker-urls=http://a?b=c'), { workerUrls: [['http://a?b=c']] });
});

test('a list takes words up to the next flag, and occurrences are kept apart', () => {
  assert.deepEqual(given('--worker-urls', 'a', 'b,c', '--port', '1', '--worker-urls', 'd'), {
    workerUrls: [['a', 'b,c'], ['d']],
    port: [['1']],
  });
  assert.deepEqual(given('--worker-urls'), { workerUrls: [[]] });
});

test('prefill takes a URL with its port, decode exactly one URL', () => {
  assert.deepEqual(
    given('--prefill', 'http://a', '8998', '--prefill', 'http://b', 'none', '--prefill', 'http://c', '--decode', 'http://d'),
    {
      prefill: [['http://a', '8998'], ['http://b', 'none'], ['http://c']],
      decode: [['http://d']],
    },
  );
  assert.deepEqual(problems('--decode', 'http://a', 'http://b'), ['http://b: a flag; give the URLs of workers after --worker-urls']);
});

test('negative numbers and texts with spaces are values', () => {
  assert.deepEqual(given('--max-concurrent-requests', '-1', '--cache-threshold', '-.5'), {
    maxConcurrentRequests: [['-1']],
    cacheThreshold: [['-.5']],
  });
  assert.deepEqual(given('--log-dir', '-my dir'), { logDir: [['-my dir']] });
});

test('a switch takes no word, but an attached true or false', () => {
  assert.deepEqual(given('--disable-retries', '--dp-aware=false'), { disableRetries: [[]], dpAware: [['false']] });
  assert.deepEqual(problems('--dp-aware', 'true'), ['true: a flag, which starts with --']);
});

test('an unambiguous beginning stands for the flag', () => {
  assert.deepEqual(given('--worker-u', 'a', '--pol=random'), { workerUrls: [['a']], policy: [['random']] });
  assert.deepEqual(given('--prefill', 'a', '--prefill-p', 'random'), { prefill: [['a']], prefillPolicy: [['random']] });
  assert.deepEqual(problems('--worker-startup', '1'), [
    '--worker-startup: one flag; it could be --worker-startup-timeout-secs, --worker-startup-check-interval',
  ]);
});

test('a beginning that stood for a flag of sglang_router 0.3.2 still does, whatever flags came later', () => {
  assert.deepEqual(given('--max-con', '5'), { maxConcurrentRequests: [['5']] });
  assert.deepEqual(given('--max-connections', '5'), { maxConnections: [['5']] });
});

test('beginnings of the two names of one setting are not ambiguous', () => {
  assert.deepEqual(given('--eviction', '5'), { evictionIntervalSecs: [['5']] });
});

test('an unknown flag is named once, with the nearest known one', () => {
  assert.deepEqual(problems('--polcy', 'random', 'x', '--port', '1'), ['--polcy: a known flag; did you mean --policy?']);
  assert.deepEqual(problems('--workers-urls=http://u:p@a'), ['--workers-urls: a known flag; did you mean --worker-urls?']);
  assert.deepEqual(problems('--zzzzzzzzzzzz'), ['--zzzzzzzzzzzz: a known flag']);
  assert.deepEqual(problems('-p', '1'), ['-p: a known flag']);
});

test('words that belong to no flag are refused, those after -- too', () => {
  assert.deepEqual(problems('http://a:1'), ['http://a:1: a flag; give the URLs of workers after --worker-urls']);
  assert.deepEqual(problems('--', '--port'), ['--port: a flag, which starts with --']);
  assert.deepEqual(problems('--'), []);
  assert.deepEqual(problems('serve'), ['serve: a flag, which starts with --']);
});

test('a missing value is named with what was expected', () => {
  assert.deepEqual(problems('--port', '--host'), [
    '--port: a value: an integer from 0 to 65535',
    '--host: a value: a host name, an IPv4 address or an IPv6 address',
  ]);
  assert.deepEqual(problems('--selector'), ['--selector: a value: name=value']);
});

test('the sub-command of smg may lead, and only lead', () => {
  assert.deepEqual(given('launch', '--port', '1'), { port: [['1']] });
  assert.deepEqual(given('start', '--port', '1'), { port: [['1']] });
  assert.deepEqual(problems('--port', '1', 'launch'), ['launch: a flag, which starts with --']);
});

test('help and version are found wherever a flag may stand', () => {
  for (const word of ['-h', '--help', '--hel']) assert.equal(parseArgv(['--port', '1', word]).help, true, word);
  for (const word of ['-V', '--version', '--version-verbose']) assert.equal(parseArgv([word]).version, true, word);
  assert.equal(parseArgv(['--log-dir=-h']).help, false);
});

test('names that objects inherit are no flags', () => {
  assert.deepEqual(problems('--constructor', '--__proto__'), ['--constructor: a known flag', '--__proto__: a known flag']);
});
