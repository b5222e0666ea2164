// What the documents say is so: files, links, commands, flags, tables. A page that rots fails here.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { ERRORS } from '../src/base/core/errors.ts';
import { demoScreen } from '../src/bin/demo-text.ts';
import { BUILT, FLAGS } from '../src/router/config/catalogue.ts';
import { formatProblems, loadConfig } from '../src/router/config/load-config.ts';
import { SETTINGS } from '../src/router/config/schema.ts';
import { POLICIES } from '../src/router/policy/catalogue.ts';
import { METRICS } from '../src/router/telemetry/declarations.ts';
import { flagOf, SIM_OPTION_NAMES } from '../src/sim/engine/options.ts';
import { ROOT } from './support/program.ts';
import { trackedFiles } from './support/tracked-files.ts';

interface Page {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
}

const FILES: readonly string[] = trackedFiles();
const FOLDERS: ReadonlySet<string> = new Set(FILES.flatMap((file) => parentsOf(file)));

function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [parent, ...parentsOf(parent)];
}

/** As a tracked file or folder: what only this clone has, no reader finds. */
function exists(path: string): boolean {
  const name = join(path).replace(/\/$/, '');
  return FILES.includes(name) || FOLDERS.has(name);
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

function filesBelow(directory: string, ending: string): string[] {
  return FILES.filter((file) => file.startsWith(`${directory}/`) && file.endsWith(ending));
}

const PAGES: readonly Page[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'bench', 'tools'].flatMap((directory) => filesBelow(directory, '.md')),
].map((path) => ({ path, text: read(path) }));
const page = (path: string): string => PAGES.find((one) => one.path === path)?.text ?? assert.fail(path);

/** `find` gives what a page says, `isTrue` judges it; fails with all that is not so, and if nothing was said. */
function checkAll(pages: readonly Page[], find: RegExp, isTrue: (said: string, page: Page) => boolean): void {
  const wrong: string[] = [];
  let count = 0;
  for (const one of pages) {
    for (const match of one.text.matchAll(find)) {
      count++;
      const said = match[1] ?? match[0];
      if (!isTrue(said, one)) wrong.push(`${one.path}: ${said}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(count > 0, 'the pages say nothing of the kind');
}

/** The rows of the table after `heading`, by cell. */
function tableAfter(text: string, heading: string): string[][] {
  const from = text.indexOf(heading);
  assert.ok(from >= 0, heading);
  const rows: string[][] = [];
  for (const line of text.slice(from).split('\n')) {
    if (line.startsWith('|')) {
      rows.push(
        line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    } else if (rows.length > 0) break;
  }
  assert.ok(rows.length > 2, `${heading} has a table`);
  return rows.slice(2);
}

/** As GitHub makes anchors of headings. */
function anchorsOf(text: string): string[] {
  const withoutCode = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...withoutCode.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

describe('every page', () => {
  it('names files that exist', () => {
    checkAll(PAGES, /(?<![\w./~-])((?:src|test|docs|tools|bench|\.ci|dist)\/[\w./-]+)(?![*\w{])/g, (said, { text }) => {
      const path = said.replace(/[.,]$/, '').replace(/^dist\/(.*)\.js$/, 'src/$1.ts');
      // Or the page has the whole file (docs/internals/adding.md).
      return exists(path) || text.includes(`\`\`\`ts\n// ${path}\n`);
    });
  });

  it('links to pages and headings that exist', () => {
    checkAll(PAGES, /\]\((?!https?:)([^)\s]+)\)/g, (said, { path, text }) => {
      const [file = '', anchor] = said.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!exists(target)) return false;
      return anchor === undefined || anchorsOf(file === '' ? text : read(target)).includes(anchor);
    });
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    checkAll(PAGES, /\bnpm run (?:--silent )?([\w:-]+)/g, (said) => said in scripts);
    checkAll(PAGES, /\bnpm (test|start)\b/g, (said) => said in scripts);
  });

  it('can be found from the README', () => {
    const found = new Set(['README.md']);
    for (const path of found) {
      for (const [, link = ''] of read(path).matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g)) found.add(join(dirname(path), link));
    }
    const ofUsers = PAGES.filter(({ path }) => path.startsWith('docs/')).map(({ path }) => path);
    assert.deepEqual(
      ofUsers.filter((path) => !found.has(path)),
      [],
    );
  });
});

/** Flags in examples that belong to other programs. */
const OF_OTHERS: ReadonlySet<string> = new Set([
  '--enable-dp-attention',
  '--model-path', // python -m sglang.launch_server
  '--global', // npm
  '--changed', // npm test
  ...['--local', '--unset'], // srtctl
]);
/** Pages about the router as users have it; those about other programs and about what is missing are not among them. */
const OF_THE_ROUTER = [
  'README.md',
  ...['operations', 'shutdown', 'logs', 'life-of-a-request', 'pd', 'policies', 'control-api', 'metrics', 'errors', 'limits'].map(
    (name) => `docs/${name}.md`,
  ),
];

describe('flags', () => {
  const isOfTheSimulation = (flag: string): boolean => SIM_OPTION_NAMES.some((name) => flagOf(name) === flag);

  it('that the pages of the router name exist and work', () => {
    const pages = OF_THE_ROUTER.map((path) => ({ path, text: page(path) }));
    checkAll(pages, /(?<![\w-])(--[a-z][a-z0-9-]+)/g, (flag) => {
      const works = FLAGS.get(flag)?.entry.setting.built === true || ['--help', '--version'].includes(flag);
      return works || OF_OTHERS.has(flag) || isOfTheSimulation(flag);
    });
  });

  it('that work are all in configuration.md', () => {
    for (const { flag } of BUILT) assert.ok(page('docs/configuration.md').includes(`| \`${flag}\``), flag);
  });
});

describe('README.md', () => {
  const readme = page('README.md');

  it('shows the first screen as it is', () => {
    const shown = /```text\nstarting [^\n]*\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no screen');
    const engines = [...(/^ {2}engines((?: +http:\S+\n)+)/m.exec(shown)?.[1] ?? '').matchAll(/http:\S+/g)].map(([url]) => url);
    assert.equal(engines.length, 4);
    const screen = {
      router: 'http://127.0.0.1:3001',
      policy: 'round_robin',
      engines,
      metrics: 'http://127.0.0.1:29000/metrics',
      metricsPort: 29000,
    };
    assert.equal(shown, demoScreen(screen));
  });

  it('has a counterpart of each section of the first version', () => {
    for (const title of ['## Architecture', '## Installation', '## Development', '## Usage'])
      assert.match(readme, new RegExp(`^${title}$`, 'm'));
    assert.ok(readme.includes('\nrouter --worker-urls http://127.0.0.1:30000,http://127.0.0.1:30002\n'));
  });

  it('shows a configuration file that is right', () => {
    const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)];
    assert.ok(blocks.length > 0);
    for (const [, text = ''] of blocks) {
      const loaded = loadConfig({ argv: ['--config', 'router.yaml'], env: {}, readFile: () => text });
      assert.equal(loaded.kind, 'config', loaded.kind === 'errors' ? formatProblems(loaded.problems) : loaded.kind);
      assert.deepEqual(loaded.kind === 'config' && loaded.warnings, []);
    }
  });

  it('lists the folders that there are', () => {
    const listed = tableAfter(readme, '| Folder').map(([cell = '']) => cell.replaceAll('`', ''));
    const inSrc = FILES.flatMap((file) => /^src\/[^/]+/.exec(file) ?? []);
    const others = [...FOLDERS].filter((folder) => /^[^./]+$/.test(folder) && folder !== 'src');
    assert.deepEqual([...listed].sort(), [...new Set(inSrc), ...others].sort());
  });

  it('names policies that exist', () => {
    const listed = tableAfter(readme, '## Policies').map(([cell = '']) => cell.replaceAll('`', ''));
    assert.deepEqual(
      listed.filter((name) => SETTINGS.policy.shape.choices?.includes(name) !== true),
      [],
    );
  });
});

describe('docs/policies.md', () => {
  const text = page('docs/policies.md');
  const namesAfter = (heading: string): string[] => tableAfter(text, heading).map(([cell = '']) => cell.replaceAll('`', ''));

  it('names every policy and no other, and says how each one chooses', () => {
    const all = namesAfter('| `--policy`');
    assert.deepEqual(all, SETTINGS.policy.shape.choices);
    assert.deepEqual(all, SETTINGS.prefillPolicy.shape.choices);
    for (const name of all) assert.match(text, new RegExp(`^## ${name}$`, 'm'));
  });

  it('names every reason of a choice', () => {
    const reasons = /^- The reason of each choice is one of (.*)\.$/m.exec(text)?.[1] ?? assert.fail('no reasons');
    const listed = [...reasons.matchAll(/`([^`]+)`/g)].map(([, reason]) => reason);
    assert.deepEqual(listed.sort(), [...new Set(['only', 'none', ...POLICIES.flatMap((policy) => policy.reasons)])].sort());
  });
});

describe('docs/life-of-a-request.md', () => {
  const text = page('docs/life-of-a-request.md');

  it('names files and folders that exist', () => {
    const paths = [...text.matchAll(/`(src\/[^`]+)`/g)].map(([, path = '']) => path);
    assert.ok(paths.length > 5);
    for (const path of paths) assert.ok(existsSync(`${ROOT}${path}`), path);
  });

  it('states the limits as they are', () => {
    let checked = 0;
    for (const [what = '', most = '', , cell = ''] of tableAfter(text, '## What is held')) {
      const flag = /^`(--[\w-]+)`$/.exec(cell)?.[1];
      const setting = flag === undefined ? undefined : FLAGS.get(flag)?.entry.setting;
      if (setting === undefined) {
        assert.equal(cell, '-', what);
        continue;
      }
      assert.ok(setting.built);
      if (typeof setting.default !== 'number' || flag === '--max-tree-size') continue;
      checked++;
      const inBytes = setting.default >= 2 ** 20 ? `${setting.default / 2 ** 20} MiB` : `${setting.default / 1024} KiB`;
      const expected = setting.unit === 'bytes' ? inBytes : setting.default.toLocaleString('en');
      assert.ok(most.startsWith(expected), `${what}: ${most}, ${flag} is ${expected}`);
    }
    assert.ok(checked > 12, `${checked} limits`);
  });
});

describe('docs/errors.md', () => {
  it('has no code that nothing answers with', () => {
    const files = filesBelow('src', '.ts').filter((path) => !path.endsWith('.test.ts') && path !== 'src/base/core/errors.ts');
    const sources = files.map(read).join('\n');
    for (const [code, { status }] of Object.entries(ERRORS)) {
      // Heads are refused by status, pools by the kind of outcome.
      const kind = code.replace(/^upstream_/, '').replaceAll('_', '-');
      assert.ok(
        [`'${code}'`, `'${kind}'`, `HeadError(${status}`].some((sign) => sources.includes(sign)),
        code,
      );
    }
  });
});

describe('docs/operations.md', () => {
  const text = page('docs/operations.md');

  it('has every message of the log, with its level', () => {
    const inSources: string[] = [];
    for (const file of filesBelow('src', '.ts').filter((path) => !path.endsWith('.test.ts'))) {
      for (const [, level, call = ''] of read(file).matchAll(/[lL]ogger\.(info|warn|error|debug)\(([\s\S]*?)\);\n/g)) {
        const message = [...call.matchAll(/'((?:[^'\\]|\\.)*)'/g)].at(-1)?.[1];
        assert.ok(message !== undefined, `${file}: ${call}`);
        inSources.push(`${level} ${message}`);
      }
    }
    const listed = tableAfter(text, '## The log').flatMap(([cell = '', level]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, message]) => `${level} ${message}`),
    );
    assert.deepEqual([...new Set(listed)].sort(), [...new Set(inSources)].sort());
  });

  it('names metrics that exist', () => {
    const names = new Set<string>(Object.values(METRICS).map(({ name }) => name));
    checkAll([{ path: 'docs/operations.md', text }], /\bsmg_\w+/g, (name) => names.has(name.replace(/_(?:bucket|sum|count)$/, '')));
  });
});
