// The configuration file: where it is named, and what is refused in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsOf, loadConfig } from '../src/router/config/load-config.ts';
import { loaded, noFile, problems } from './support/given-config.ts';

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
