/** Settings from a YAML file. Its keys are the names of flags, with `-` or `_`. */
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { nearest } from '../../base/config/suggest.ts';
import { FILE_KEYS } from './catalogue.ts';
import type { GivenValue } from './given-value.ts';
import { type Problem, shown } from './problem.ts';

export interface FromFile {
  readonly given: readonly GivenValue[];
  readonly problems: readonly Problem[];
}

/** A configuration is short; what is longer is another kind of file. */
const MAX_CHARACTERS = 1024 * 1024;

/** `name` stands for the file in messages. Null counts as not given where a setting can be unset. */
export function fromFile(name: string, text: string): FromFile {
  if (text.length > MAX_CHARACTERS)
    return failed({ flag: '--config', value: shown(name), expected: 'a file of at most 1 MiB', source: name });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core' });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map((error): Problem => {
      return { flag: '--config', value: null, expected: `valid YAML (${shown(error.message)})`, source: place(error.pos[0]) };
    });
    return { given: [], problems };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { given: [], problems: [] };
  if (!isMap(root))
    return failed({ flag: '--config', value: null, expected: 'keys and values at the top', source: place(root.range?.[0] ?? 0) });

  const given: GivenValue[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, string>();
  for (const pair of root.items as Pair<Node, Node | null>[]) {
    const source = place(pair.key.range?.[0] ?? 0);
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const entry = FILE_KEYS.get(key.replaceAll('_', '-'));
    if (entry === undefined) {
      problems.push({ flag: shown(key), value: null, expected: expectedKey(key), source });
      continue;
    }
    const earlier = seen.get(entry.key);
    if (earlier !== undefined) {
      problems.push({ flag: entry.flag, value: null, expected: `one value; ${earlier} gives another`, source });
      continue;
    }
    seen.set(entry.key, source);
    let plain: unknown;
    try {
      plain = pair.value?.toJS(document) ?? null;
    } catch (error) {
      // The library refuses aliases that would grow without bound.
      if (!(error instanceof ReferenceError)) throw error;
      problems.push({ flag: entry.flag, value: null, expected: 'a value without such aliases', source });
      continue;
    }
    const { shape } = entry.setting;
    if (plain === null && entry.setting.default === null) continue;
    given.push({ entry, plain: shape.collects && typeof plain === 'string' ? shape.fromText(plain) : plain, kind: 'file', source });
  }
  return { given, problems };
}

function failed(problem: Problem): FromFile {
  return { given: [], problems: [problem] };
}

function expectedKey(key: string): string {
  const suggestion = nearest(key.replaceAll('_', '-'), FILE_KEYS.keys());
  return suggestion === null ? 'a known key' : `a known key; did you mean ${suggestion}?`;
}
