// Biome's configuration, made from the import table. `node tools/generate.mjs` writes it to biome.json.
import { LAYERS, PURE, TOP } from './layers.mjs';

const TESTS = '**/*.test.ts';
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const CLOCK = 'Timers belong to the Clock (src/base/core/clock.ts); the real one lives in src/base/runtime.';
const INJECT = 'This folder is pure: what it needs comes in as a parameter.';

// Circles of types count too: they show that neither file can be read without the other.
const CYCLES = { level: 'error', options: { ignoreTypes: false } };

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
  suspicious: { noExplicitAny: 'error', noImportCycles: CYCLES, noTsIgnore: 'error' },
};

const denied = (names, message) => ({
  level: 'error',
  options: { deniedGlobals: Object.fromEntries(names.map((name) => [name, message])) },
});

/** A pattern for the specifiers by which files of `from` import `target`; both are keys of the table or of TOP. */
function specifiers(from, target) {
  const [near, far] = [from.split('/'), target.split('/')];
  const isFile = from.endsWith('.ts');
  let common = 0;
  while (common < near.length - 1 && near[common] === far[common]) common++;
  const isNeighbour = isFile && common === near.length - 1;
  // A file with an entry of its own, and the folder that holds it.
  if (common === far.length) return './**';
  return `${isNeighbour ? './' : '**/../'}${far.slice(common).join('/')}${target.endsWith('.ts') ? '' : '/**'}`;
}

/** The import rule of one folder or file: what it may not import. */
function importRule(folder) {
  const { imports, uses } = LAYERS[folder];
  const others = Object.keys(LAYERS).filter((other) => other !== folder && !imports.includes(other));
  // An entry that may be imported can lie inside one that may not.
  const exceptions = imports.filter((name) => others.some((other) => name.startsWith(`${other}/`)));
  const inside = [
    ...[...others, ...TOP].map((other) => specifiers(folder, other)),
    ...exceptions.map((name) => `!${specifiers(folder, name)}`),
  ];
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
  else if (folder !== 'base/runtime') style.noRestrictedGlobals = denied([...TIMERS, 'crypto', 'fetch'], CLOCK);
  if (folder !== 'router/config') style.noProcessEnv = 'error';
  return { includes: [`src/${folder}${folder.endsWith('.ts') ? '' : '/**'}`, `!${TESTS}`], linter: { rules: { style } } };
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
      { includes: ['src/**', '!src/base/runtime/**', '!src/bin/**', `!${TESTS}`], plugins: [pluginPath] },
      // The last one counts: an entry inside another comes after it.
      ...Object.keys(LAYERS).sort().map(folderOverride),
    ],
  };
}
