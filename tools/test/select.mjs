// Finds the test files and chooses the lane of each. Both follow from file names, so a new test needs no entry in a list.
import { existsSync, readdirSync } from 'node:fs';

const FOLDERS = ['src', 'test', 'tools', 'bench'];

/**
 * Lanes, by the names of files:
 *
 * - `ordinary`: several at a time.
 * - `slurm`: tests on a SLURM cluster mostly wait, so one of these files runs beside the ordinary ones.
 * - `time`: tests that measure time. One at a time, after all others, with a high priority if the user is root.
 */
export function laneOf(file) {
  if (file.endsWith('.time.test.ts')) return 'time';
  return /\.slurm[.-][^/]*\.test\.ts$/.test(file) ? 'slurm' : 'ordinary';
}

/** The sources of all tests, relative to `root`, without the code planted for the linter. */
export function findTests(root) {
  return FOLDERS.filter((folder) => existsSync(`${root}${folder}`))
    .flatMap((folder) => readdirSync(`${root}${folder}`, { recursive: true }).map((file) => `${folder}/${file}`))
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/planted/'))
    .sort();
}

/** The compiled file of a source. */
export function compiled(file) {
  return `.build/${file.replace(/\.ts$/, '.js')}`;
}

/**
 * Sorts by the duration of the last run, longest first, so that no long file runs alone at the end. Unknown files come first, in reverse
 * order of their names: tests in test/, which start programs, before those in src/.
 */
export function byDuration(files, durations) {
  const last = (file) => durations[file] ?? Number.POSITIVE_INFINITY;
  return [...files].sort((a, b) => (last(a) === last(b) ? (a < b ? 1 : -1) : last(b) - last(a)));
}
