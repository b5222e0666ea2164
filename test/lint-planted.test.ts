/** The linter is trusted because it reports what was planted for it, and nothing else. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { trackedFiles } from './support/tracked-files.ts';

interface Report {
  readonly summary: { readonly unchanged: number; readonly errors: number };
  readonly diagnostics: readonly {
    readonly category: string;
    readonly severity: string;
    readonly location: { readonly path: string | { readonly file: string } };
  }[];
}

interface LintTools {
  readonly biomeConfig: (pluginPath: string) => object;
  readonly LAYERS: Readonly<Record<string, { readonly imports: readonly string[]; readonly uses: readonly string[] }>>;
  readonly TOP: readonly string[];
}

// Tests run in the root of the project; tools/*.mjs are not compiled.
async function lintTools(): Promise<LintTools> {
  const load = (file: string): Promise<object> => import(pathToFileURL(resolve(file)).href) as Promise<object>;
  return { ...(await load('tools/lint-config.mjs')), ...(await load('tools/layers.mjs')) } as LintTools;
}

/** Runs the linter with the project's rules over a copy of test/planted. */
async function lintPlanted(): Promise<Report> {
  const { biomeConfig } = await lintTools();
  const directory = mkdtempSync(join(tmpdir(), 'planted-'));
  try {
    for (const file of plantedFiles()) cpSync(join('test/planted', file), join(directory, file));
    const config = { ...biomeConfig(resolve('tools/lint/no-ambient.grit')), vcs: { enabled: false }, files: {} };
    writeFileSync(join(directory, 'biome.json'), JSON.stringify(config));
    const output = await new Promise<string>((done) => {
      // Exits with 1: there are violations, that is the point.
      const arguments_ = ['lint', '--max-diagnostics=none', '--reporter=json', '.'];
      execFile(resolve('node_modules/.bin/biome'), arguments_, { cwd: directory, maxBuffer: 1 << 26 }, (_, stdout) => done(stdout));
    });
    return JSON.parse(output) as Report;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Tracked sources below a folder, relative to it. */
function sourcesBelow(folder: string): string[] {
  const files = trackedFiles().filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.ts'));
  return files.map((file) => file.slice(folder.length + 1)).sort();
}

const plantedFiles = (): string[] => sourcesBelow('test/planted');

test('each planted violation is reported by its rule, once, as an error, and allowed code is not', async () => {
  const { diagnostics, summary } = await lintPlanted();
  const found = new Map<string, string[]>();
  for (const { category, severity, location } of diagnostics) {
    const file = typeof location.path === 'string' ? location.path : location.path.file;
    found.set(file, [...(found.get(file) ?? []), `${severity} ${category}`]);
  }
  let planted = 0;
  for (const file of plantedFiles()) {
    const rule = /^\/\/ planted: (\S+)/.exec(readFileSync(join('test/planted', file), 'utf8'))?.[1];
    if (rule !== undefined) planted++;
    assert.deepEqual(found.get(file) ?? [], rule === undefined ? [] : [`error ${rule}`], file);
  }
  assert.ok(planted >= 77, `${planted} planted`);
  assert.equal(summary.errors, planted);
  assert.equal(summary.unchanged, plantedFiles().length + 1, 'all files and the configuration were looked at');
});

/** The entry of the table that a file of src belongs to: the longest that holds it. */
function entryOf(file: string, entries: readonly string[]): string | undefined {
  return entries.filter((entry) => file === entry || file.startsWith(`${entry}/`)).sort((a, b) => b.length - a.length)[0];
}

const IMPORTS = /^(?:import|export|\}).* from '([^'\n]+)'|import\('([^'\n]+)'\)/gm;

/** What each entry of the table imports, tests excluded: other entries, and modules from outside. */
function importsOf(entries: readonly string[]): Map<string, { inside: Set<string>; outside: Set<string> }> {
  const found = new Map(entries.map((entry) => [entry, { inside: new Set<string>(), outside: new Set<string>() }]));
  const files = sourcesBelow('src').filter((file) => !file.endsWith('.test.ts'));
  for (const file of files) {
    const entry = entryOf(file, entries);
    assert.ok(entry !== undefined, `src/${file} has no entry in tools/layers.mjs`);
    const imported = found.get(entry)!;
    for (const [, named, loaded] of readFileSync(join('src', file), 'utf8').matchAll(IMPORTS)) {
      const specifier = named ?? loaded ?? '';
      if (!specifier.startsWith('.')) imported.outside.add(specifier);
      else {
        const other = entryOf(join(file, '..', specifier), entries);
        if (other !== undefined && other !== entry) imported.inside.add(other);
      }
    }
  }
  return found;
}

test('the import table allows what is imported, and nothing else', async () => {
  const { LAYERS, TOP } = await lintTools();
  const found = importsOf([...Object.keys(LAYERS), ...TOP]);
  for (const [folder, { imports, uses }] of Object.entries(LAYERS)) {
    const { inside, outside } = found.get(folder)!;
    assert.deepEqual([...imports].sort(), [...inside].sort(), `imports of ${folder}`);
    assert.deepEqual([...uses].sort(), [...outside].sort(), `modules that ${folder} uses`);
  }
});

test('the import table has no cycle and names only folders it knows', async () => {
  const { LAYERS } = await lintTools();
  const depth = (folder: string, path: readonly string[]): number => {
    assert.ok(!path.includes(folder), `cycle: ${[...path, folder].join(' -> ')}`);
    const layer = LAYERS[folder];
    assert.ok(layer !== undefined, `${folder} is not in the table`);
    return 1 + Math.max(0, ...layer.imports.map((other) => depth(other, [...path, folder])));
  };
  for (const folder of Object.keys(LAYERS)) assert.ok(depth(folder, []) >= 1);
});
