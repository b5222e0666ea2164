// Settings of limits: what they mean together, and the file of priority classes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../src/router/config/load-config.ts';
import { STANDARD_CLASSES } from '../src/router/config/priority-classes.ts';
import { concurrencySettings, prioritySettings } from '../src/router/part-settings.ts';
import { load, loaded, problems } from './support/given-config.ts';

const SCHEDULER = ['--priority-scheduler-enabled', '--priority-scheduler-default-max-class', 'system'];

test('without a limit there are no settings of limits, whatever the queue', () => {
  for (const argv of [
    [],
    ['--max-concurrent-requests', '-1', '--queue-size', '5'],
    ['--max-concurrent-requests', '0', '--rate-limit-tokens-per-second', '-3'],
  ]) {
    const { config } = loaded({ argv });
    assert.deepEqual([concurrencySettings(config), prioritySettings(config)], [null, null], argv.join(' '));
  }
});

test('no request waits with a queue without places or without time, nor longer than it may take', () => {
  const of = (...argv: readonly string[]) => concurrencySettings(loaded({ argv: ['--max-concurrent-requests', '4', ...argv] }).config);
  assert.deepEqual(of(), { maxRequests: 4, requestsPerSecond: null, queueSize: 100, queueTimeoutMs: 60_000 });
  assert.equal(of('--queue-timeout-secs', '0')?.queueSize, 0);
  assert.equal(of('--queue-size', '0')?.queueSize, 0);
  assert.equal(of('--request-timeout-secs', '7')?.queueTimeoutMs, 7000);
});

test('classes are those of the file, in the units of the gate', () => {
  const files: Readonly<Record<string, string>> = { 'p.yaml': 'classes: {bulk: {queue_timeout_secs: 1.5, weight: 2}}' };
  const result = loadConfig({
    argv: [...SCHEDULER, '--priority-scheduler-config', 'p.yaml'],
    env: {},
    readFile: (path) => files[path] ?? assert.fail(path),
  });
  assert.equal(result.kind, 'config');
  const settings = prioritySettings(result.config);
  assert.deepEqual(
    settings?.classes.map(({ name }) => name),
    STANDARD_CLASSES.map(({ name }) => name),
  );
  const bulk = { name: 'bulk', floor: 0, share: 0, queueSize: 1024, queueTimeoutMs: 1500, starvationMs: 120_000, weight: 2 };
  assert.deepEqual(settings?.classes.at(-1), bulk);
  assert.deepEqual(result.warnings, []);
});

test('a file of classes that cannot be read, or is wrong, is told with all other problems', () => {
  const readFile = (path: string): string => {
    if (path === 'bad.yaml') return 'classes:\n  fast: {}\n';
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const told = (path: string): string[] => {
    const result = loadConfig({ argv: [...SCHEDULER, '--port', 'x', '--priority-scheduler-config', path], env: {}, readFile });
    return result.kind === 'errors' ? result.problems.map(({ flag, source }) => `${flag} ${source}`) : [];
  };
  assert.deepEqual(told('none.yaml'), ['--port command line', '--priority-scheduler-config command line']);
  assert.deepEqual(told('bad.yaml'), ['--port command line', 'classes.fast bad.yaml:2:3']);
});

test('what changes nothing draws a warning', () => {
  const warningsOf = (...argv: readonly string[]): string[] =>
    loaded({ argv }).warnings.map((text) => text.split(' ').slice(0, 3).join(' '));
  assert.deepEqual(warningsOf('--priority-scheduler-default-max-class', 'bulk'), [
    '--priority-scheduler-default-max-class changes nothing',
  ]);
  assert.deepEqual(warningsOf('--priority-scheduler-enabled'), ['no request has']);
  assert.deepEqual(warningsOf(...SCHEDULER, '--queue-size', '5', '--queue-timeout-secs', '5'), [
    '--queue-size changes nothing',
    '--queue-timeout-secs changes nothing',
  ]);
});

test('a class that does not exist is refused', () => {
  assert.deepEqual(problems({ argv: ['--priority-scheduler-default-max-class', 'fast'] }), [
    '--priority-scheduler-default-max-class "fast" (command line): expected one of system, interactive, default, bulk',
  ]);
  assert.equal(load({ argv: ['--priority-scheduler-tenant-metric-top-n', '5'] }).kind, 'errors');
});
