// npm test -- --changed: finds the tests that concern the changed files.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { laneOf } from './select.mjs';

const IMPORTS = /(?:from|import\(|import)\s*'(\.[^']+)'/g;
/** Programs that a test starts: `Program.start(t, 'router', ...)`, `dist/bin/srtctl.js`. */
const STARTS = /Program\.start\(t, '(\w+)'|dist\/bin\/(\w+)\.js/g;
/** The folder that holds most of a program. */
const FOLDER_OF = { router: 'src/router/', demo: 'src/router/', sim: 'src/sim/', srtctl: 'src/srtctl/' };
/** A change of these files concerns every test. */
const OF_ALL = /^(?:tsconfig[^/]*\.json|package-lock\.json)$/;

function git(root, args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .split('\0')
    .filter((line) => line !== '');
}

/** The commit where this branch left the main branch, or HEAD. */
function branchPoint(root) {
  for (const main of ['origin/HEAD', 'origin/main', 'main']) {
    try {
      return git(root, ['merge-base', 'HEAD', main])[0].trim();
    } catch {
      // No branch has this name.
    }
  }
  return 'HEAD';
}

/** Files that differ from `since`, untracked files included. Throws outside a repository. */
export function changedFiles(root, since = branchPoint(root)) {
  const known = git(root, ['diff', '--name-only', '--no-renames', '-z', '--relative', since]);
  return [...new Set([...known, ...git(root, ['ls-files', '--others', '--exclude-standard', '-z'])])].sort();
}

/** The imports of a source and the programs that it starts. */
function readSource(root, file) {
  if (!existsSync(root + file)) return { text: '', imports: [], programs: [] };
  const text = readFileSync(root + file, 'utf8');
  const imports = [...text.matchAll(IMPORTS)].map(([, path]) => posix.join(posix.dirname(file), path));
  const programs = [...text.matchAll(STARTS)].map(([, started, named]) => started ?? named);
  return { text, imports, programs };
}

/** Whether `text` quotes `path` or one of its folders as a path from the root: such tests read files. */
function isNamedIn(text, path) {
  for (let name = path; name !== '.'; name = posix.dirname(name))
    if (["'", '"', '`', '}'].some((before) => ["'", '"', '`', '/'].some((after) => text.includes(before + name + after)))) return true;
  return false;
}

/** A test that quotes a changed file or starts its program counts as this many imports away. */
const FAR = 100;

/**
 * Those of `tests` that import a changed file, directly or not, quote its path, or start the program whose folder holds it; those with
 * the fewest imports between come first. Tests on SLURM take minutes, so only an import selects them.
 */
export function concerned(root, tests, changed) {
  if (changed.some((file) => OF_ALL.test(file))) return tests;
  const isChanged = new Set(changed);
  const sources = new Map();
  const source = (file) => {
    if (!sources.has(file)) sources.set(file, readSource(root, file));
    return sources.get(file);
  };
  const distance = (test) => {
    const found = new Map([[test, 0]]);
    for (const [file, imports] of found) {
      if (isChanged.has(file)) return imports;
      for (const path of source(file).imports) if (!found.has(path)) found.set(path, imports + 1);
    }
    if (laneOf(test) === 'slurm') return Number.POSITIVE_INFINITY;
    const programs = [...found.keys()].flatMap((file) => (file.startsWith('src/') && file !== test ? [] : source(file).programs));
    const isStarted = (file) =>
      programs.some(
        (name) => file === `src/bin/${name}.ts` || file === `src/bin/${name}-main.ts` || file.startsWith(FOLDER_OF[name] ?? '/'),
      );
    return changed.some((file) => isStarted(file) || isNamedIn(source(test).text, file)) ? FAR : Number.POSITIVE_INFINITY;
  };
  return tests
    .map((test) => ({ test, imports: distance(test) }))
    .filter(({ imports }) => imports < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.imports - b.imports)
    .map(({ test }) => test);
}
