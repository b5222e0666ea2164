/** Runs on the disk: all of a directory, or the one that the command line means. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import { type JobFile, type RunPaths, runPaths } from '../supervise/run-directory.ts';

export interface FoundRun {
  readonly paths: RunPaths;
  readonly job: JobFile;
}

/** Where runs are: `-o`, else `output_dir` of the cluster file, else `outputs`. Absolute. */
export function outputDirectory(given: string | undefined, cluster: Cluster, workingDirectory: string): string {
  return path.resolve(workingDirectory, given ?? cluster.outputDirectory ?? 'outputs');
}

type ListedRuns = { readonly ok: true; readonly runs: readonly FoundRun[] } | { readonly ok: false; readonly message: string };

/** Newest first. A directory that is not there has none. */
export async function listRuns(directory: string): Promise<ListedRuns> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return { ok: true, runs: [] };
    return { ok: false, message: `${directory} cannot be read (${String(error.code)}); -o DIR looks elsewhere` };
  }
  const found = await Promise.all(names.map((name) => findAt(path.join(directory, name))));
  return { ok: true, runs: found.filter((run) => run !== null).sort((a, b) => (a.job.createdAt < b.job.createdAt ? 1 : -1)) };
}

export type WhichRun = { readonly ok: true; readonly run: FoundRun } | { readonly ok: false; readonly message: string };

/**
 * `which`: a run directory, the identifier of a run, or the name of a recipe (its newest run); undefined: the newest run of all.
 * `directory`: as of `outputDirectory`.
 */
export async function findRun(which: string | undefined, directory: string, workingDirectory: string): Promise<WhichRun> {
  if (which !== undefined) {
    const at = await findAt(path.resolve(workingDirectory, which));
    if (at !== null) return { ok: true, run: at };
  }
  const listed = await listRuns(directory);
  if (!listed.ok) return listed;
  const { runs } = listed;
  const run = which === undefined ? runs[0] : (runs.find(({ job }) => job.id === which) ?? runs.find(({ job }) => job.name === which));
  if (run !== undefined) return { ok: true, run };
  if (runs.length === 0)
    return { ok: false, message: `there are no runs in ${directory}; "srtctl apply" makes one, -o DIR looks elsewhere` };
  const some = runs.slice(0, 5).map(({ job }) => job.id);
  return { ok: false, message: `no run "${which}" in ${directory}; the newest are ${some.join(', ')}` };
}

async function findAt(directory: string): Promise<FoundRun | null> {
  const paths = runPaths(directory);
  try {
    const job = JSON.parse(await readFile(paths.job, 'utf8')) as Partial<JobFile>;
    // A file of another kind under this name is not a run.
    if (typeof job.id !== 'string' || typeof job.createdAt !== 'string' || typeof job.name !== 'string') return null;
    return { paths, job: job as JobFile };
  } catch {
    // No job.json, or not yet a whole one: not a run that anything can be said of.
    return null;
  }
}
