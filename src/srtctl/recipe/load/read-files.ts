/** The rim: recipes and cluster files from the disk. */
import { existsSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NO_CLUSTER } from '../resolve/cluster.ts';
import type { Variables } from '../resolve/expand-host.ts';
import type { Problem } from '../text/problem.ts';
import { type LoadedCluster, loadCluster } from './load-cluster.ts';

const CLUSTER_FILE = 'srtslurm.yaml';

/** `$SRTSLURM_CONFIG`, else `srtslurm.yaml` in the working directory, its parent or the one above. None is no problem. */
export function readClusterFile(directory: string, variables: Variables): LoadedCluster {
  const named = variables['SRTSLURM_CONFIG'];
  const file = named !== undefined && named !== '' ? named : findClusterFile(directory);
  if (file === null) return { cluster: NO_CLUSTER, problems: [], warnings: [] };
  const text = readText(file);
  if (text.ok) return loadCluster(text.text, file, variables);
  const suggestion = file === named ? 'SRTSLURM_CONFIG names it: correct or unset it' : null;
  return { cluster: { ...NO_CLUSTER, file }, problems: [{ ...text.problem, suggestion }], warnings: [] };
}

function findClusterFile(directory: string): string | null {
  for (const place of [directory, dirname(directory), dirname(dirname(directory))]) {
    const file = join(place, CLUSTER_FILE);
    if (existsSync(file)) return file;
  }
  return null;
}

export type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: Problem };

export function readText(file: string): ReadText {
  try {
    return { ok: true, text: readFileSync(file, 'utf8') };
  } catch (error) {
    return { ok: false, problem: unreadable(file, error) };
  }
}

export type ListedFiles = { readonly ok: true; readonly files: readonly string[] } | { readonly ok: false; readonly problem: Problem };

/** All YAML files below a directory, relative to it, in the order of their names. */
export function listYamlFiles(directory: string): ListedFiles {
  try {
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.ya?ml$/.test(file) && !isDirectory(join(directory, file)))
      .sort();
    return { ok: true, files };
  } catch (error) {
    return { ok: false, problem: unreadable(directory, error) };
  }
}

function unreadable(file: string, error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const message = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`;
  return { file, line: 0, column: 0, path: '', message, suggestion: null };
}

/** Not so: also what cannot be looked at. */
export function isDirectory(path: string): boolean {
  return stat(path)?.isDirectory() ?? false;
}

export function isFile(path: string): boolean {
  return stat(path)?.isFile() ?? false;
}

function stat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A loop of links, a directory above that may not be entered.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** `srtslurm.yaml`, `srtslurm.example.yaml`: a directory of recipes may hold one. */
export function isClusterFileName(file: string): boolean {
  return /(^|\/)srtslurm[^/]*\.ya?ml$/.test(file);
}

export interface Target {
  readonly file: string;
  /** For `LoadOptions.select`. */
  readonly select: string | null;
}

/** `recipe.yaml:tp8` -> file and selector. A file that has the colon in its name is taken as it is. */
export function splitTarget(target: string): Target {
  const colon = target.lastIndexOf(':');
  if (colon <= 0 || existsSync(target) || target.slice(colon).includes('/')) return { file: target, select: null };
  return { file: target.slice(0, colon), select: target.slice(colon + 1) };
}
