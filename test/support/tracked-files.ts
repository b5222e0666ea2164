/** The files that belong to the project: what git tracks. Results of runs and scratch files beside them are of no concern to tests. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ROOT } from './program.ts';

/** Relative to `root`, with slashes. Where it is no repository (a scratch copy, an unpacked archive): all that .gitignore does not name. */
export function trackedFiles(root: string = ROOT): readonly string[] {
  const { status, stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const files = status === 0 ? stdout.split('\0').filter((file) => file !== '' && existsSync(join(root, file))) : [];
  // A copy inside of another repository is not what that one tracks.
  return files.includes('package.json') ? files : notIgnored(root);
}

function notIgnored(root: string): readonly string[] {
  const isIgnored = ignoredBy(readFileSync(join(root, '.gitignore'), 'utf8'));
  const walk = (directory: string): string[] =>
    readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      const name = relative(root, path).split(sep).join('/');
      if (entry.name === '.git' || isIgnored(name)) return [];
      return entry.isDirectory() ? walk(path) : [name];
    });
  return walk(root).sort();
}

/** Understands names with `*`, a slash at the beginning (only there) and at the end: what our .gitignore uses. */
function ignoredBy(text: string): (path: string) => boolean {
  const patterns = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const expressions = patterns.map((pattern) => {
    const name = pattern.replaceAll(/^\/|\/$/g, '');
    const body = name.replaceAll('.', '\\.').replaceAll('*', '[^/]*');
    return new RegExp(`${pattern.startsWith('/') ? '^' : '(?:^|/)'}${body}$`);
  });
  return (path) => expressions.some((expression) => expression.test(path));
}
