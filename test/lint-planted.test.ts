/** The linter is trusted because it reports what was planted for it, and nothing else. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

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
  readonly LAYERS: Readonly<Record<string, { readonly imports: readonly string[] }>>;
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
    cpSync('test/planted', directory, { recursive: true });
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

const plantedFiles = (): string[] =>
  readdirSync('test/planted', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();

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
  assert.ok(planted >= 33, `${planted} planted`);
  assert.equal(summary.errors, planted);
  assert.equal(summary.unchanged, plantedFiles().length + 1, 'all files and the configuration were looked at');
});

test('every folder and program of src has a place in the import table', async () => {
  const { LAYERS, TOP } = await lintTools();
  const known = new Set([...Object.keys(LAYERS), ...TOP]);
  const entries = readdirSync('src').filter((name) => !known.has(name));
  assert.deepEqual(entries, []);
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
