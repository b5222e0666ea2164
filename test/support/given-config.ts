/** Loads configurations from what a test gives in place of a command line, an environment and a file. */
import assert from 'node:assert/strict';
import { formatProblems, type LoadedConfig, loadConfig } from '../../src/router/config/load-config.ts';

export interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

export const noFile = (path: string): string => assert.fail(`${path} is read`);

export function load({ argv = [], env = {}, file }: Given): LoadedConfig {
  if (file === undefined) return loadConfig({ argv, env, readFile: noFile });
  const readFile = (path: string): string => (path === 'router.yaml' ? file : noFile(path));
  return loadConfig({ argv: [...argv, '--config', 'router.yaml'], env, readFile });
}

export function loaded(given: Given): LoadedConfig & { kind: 'config' } {
  const result = load(given);
  assert.equal(result.kind, 'config', JSON.stringify(result));
  return result;
}

/** As a user sees them, one a line. */
export function problems(given: Given): string[] {
  const result = load(given);
  assert.equal(result.kind, 'errors', JSON.stringify(result));
  return formatProblems(result.problems)
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());
}
