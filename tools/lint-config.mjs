// Biome's configuration, made from the import table. `node tools/generate.mjs` writes it to biome.json.
import { LAYERS, PURE, TOP } from './layers.mjs';

const TESTS = '**/*.test.ts';
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const CLOCK = 'Timers belong to the Clock (src/core/clock.ts); the real one lives in src/runtime.';
const INJECT = 'This folder is pure: what it needs comes in as a parameter.';

/** What no file of the project does. */
const EVERYWHERE = {
  preset: 'recommended',
  complexity: {
    // tsc wants obj['key'] where the key comes from an index signature (noPropertyAccessFromIndexSignature).
    useLiteralKeys: 'off',
  },
  correctness: {
    noUnusedImports: 'error',
    noUnusedVariables: 'error',
    useImportExtensions: 'error',
    useParseIntRadix: 'error',
  },
  nursery: { noFloatingPromises: 'error' },
  performance: { noReExportAll: 'error' },
  style: {
    noDefaultExport: 'error',
    noEnum: 'error',
    noNamespace: 'error',
    // Allowed only on an index just bounded; a reader can tell, the linter cannot.
    noNonNullAssertion: 'off',
    noParameterProperties: 'error',
    useErrorCause: 'error',
    useFilenamingConvention: { level: 'error', options: { filenameCases: ['kebab-case'] } },
    useImportType: 'error',
    useNodejsImportProtocol: 'error',
  },
  suspicious: { noExplicitAny: 'error', noImportCycles: 'error', noTsIgnore: 'error' },
};

const denied = (names, message) => ({
  level: 'error',
  options: { deniedGlobals: Object.fromEntries(names.map((name) => [name, message])) },
});

/** Who may be imported, as a list of what may not. */
function importRule(folder) {
  const { imports, uses } = LAYERS[folder];
  const others = Object.keys(LAYERS).filter((other) => other !== folder && !imports.includes(other));
  const inside = [...others.map((other) => `**/../${other}/**`), ...TOP.map((top) => `**/../${top}${top.endsWith('.ts') ? '' : '/**'}`)];
  const outside = ['**', '!./**', '!../**', ...uses.map((name) => `!${name}`)];
  const listed = (names) => names.join(', ') || 'nothing';
  return {
    level: 'error',
    options: {
      patterns: [
        { group: inside, message: `src/${folder} may import: ${listed(imports)} (tools/layers.mjs).` },
        { group: outside, message: `src/${folder} may use: ${listed(uses)} (tools/layers.mjs).` },
      ],
    },
  };
}

function folderOverride(folder) {
  const style = { noRestrictedImports: importRule(folder) };
  if (PURE.includes(folder)) style.noRestrictedGlobals = denied([...TIMERS, 'process', 'performance', 'crypto', 'fetch'], INJECT);
  else if (folder !== 'runtime') style.noRestrictedGlobals = denied([...TIMERS, 'crypto', 'fetch'], CLOCK);
  if (folder !== 'config') style.noProcessEnv = 'error';
  return { includes: [`src/${folder}/**`, `!${TESTS}`], linter: { rules: { style } } };
}

/** The whole configuration. `pluginPath`: of tools/lint/no-ambient.grit, from where the configuration lies. */
export function biomeConfig(pluginPath = './tools/lint/no-ambient.grit') {
  return {
    $schema: './node_modules/@biomejs/biome/configuration_schema.json',
    vcs: { enabled: true, clientKind: 'git', useIgnoreFile: true },
    files: { includes: ['**', '!test/planted', '!test/golden'] },
    formatter: { indentStyle: 'space', indentWidth: 2, lineWidth: 140 },
    javascript: { formatter: { quoteStyle: 'single' } },
    linter: { rules: EVERYWHERE },
    overrides: [
      {
        includes: ['src/**', `!${TESTS}`],
        linter: { rules: { suspicious: { noConsole: 'error' } } },
      },
      { includes: ['src/**', '!src/runtime/**', '!src/bin/**', `!${TESTS}`], plugins: [pluginPath] },
      ...Object.keys(LAYERS).map(folderOverride),
    ],
  };
}
