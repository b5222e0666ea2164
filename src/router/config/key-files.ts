/** Keys that are kept in files: --api-key-file and --control-plane-api-keys-file. */
import type { Problem } from './problem.ts';

/** Key of the setting that names a file, key of the setting whose value it holds, and how its text becomes that value. */
const FILES = [
  {
    file: 'apiKeyFile',
    holds: 'apiKey',
    flag: '--api-key-file',
    instead: '--api-key',
    read: oneKey,
    expected: 'a file with one key in it',
  },
  {
    file: 'controlPlaneApiKeysFile',
    holds: 'controlPlaneApiKeys',
    flag: '--control-plane-api-keys-file',
    instead: '--control-plane-api-keys',
    read: controlKeyLines,
    expected: 'a file with id:name:role:key lines, with a role of admin or user',
  },
] as const;

interface Chosen {
  readonly value: unknown;
  readonly source: string;
}

export interface KeyFiles {
  /** By key of a setting. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly Problem[];
}

/** `chosen`: what is given for a setting. `readText`: the text of a file, or why it cannot be read. */
export function readKeyFiles(
  chosen: (key: string) => Chosen | undefined,
  readText: (flag: string, path: string, source: string) => string | Problem,
): KeyFiles {
  const values = new Map<string, unknown>();
  const problems: Problem[] = [];
  for (const { file, holds, flag, instead, read, expected } of FILES) {
    const path = chosen(file);
    if (path === undefined) continue;
    const problem = (what: string): Problem => ({ flag, value: String(path.value), expected: what, source: path.source });
    const other = chosen(holds);
    if (other !== undefined) {
      problems.push(problem(`to be left out where ${instead} is given (${other.source})`));
      continue;
    }
    const text = readText(flag, String(path.value), path.source);
    if (typeof text !== 'string') {
      problems.push(text);
      continue;
    }
    const value = read(text);
    if (value === null) problems.push(problem(expected));
    else values.set(holds, value);
  }
  return { values, problems };
}

function oneKey(text: string): string | null {
  const key = text.trim();
  return /^[\x21-\x7e]{1,8192}$/.test(key) ? key : null;
}

function controlKeyLines(text: string): readonly string[] | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const entries = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return entries.length > 0 && entries.every((line) => /^[^:]+:[^:]+:(?:admin|user):.+$/.test(line)) ? entries : null;
}
