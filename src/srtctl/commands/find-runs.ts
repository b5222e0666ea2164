/** Runs on the disk: all of a directory, or the one that the command line means. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import { type JobFile, type RunPaths, runPaths } from '../supervise/run-directory.ts';
import { damageOfJson } from './read-status.ts';

export interface FoundRun {
  readonly paths: RunPaths;
  readonly job: JobFile;
  /** Why its job.json cannot be read: `job` holds what its directory tells. Null: it can. */
  readonly damage: string | null;
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

/** Null: not a run. */
async function findAt(directory: string): Promise<FoundRun | null> {
  const paths = runPaths(directory);
  let text: string;
  try {
    text = await readFile(paths.job, 'utf8');
  } catch {
    return null;
  }
  const damage = damageOfJson(text) ?? damageOfJob(JSON.parse(text) as Partial<JobFile>);
  if (damage === null) return { paths, job: JSON.parse(text) as JobFile, damage };
  // A file of another kind under this name is not a run.
  const changed = await stat(paths.plan).catch(() => null);
  if (changed === null) return null;
  const id = path.basename(directory);
  const launcher = /^\d+$/.test(id) ? 'slurm' : 'local';
  const known = {
    id,
    name: id,
    launcher,
    createdAt: changed.mtime.toISOString(),
    host: '',
    recipeFile: null,
    tags: [],
    supervisor: null,
  } as const;
  return { paths, job: { version: 1, ...known }, damage: `job.json is unreadable (${damage})` };
}

function damageOfJob({ id, createdAt, name }: Partial<JobFile>): string | null {
  return typeof id === 'string' && typeof createdAt === 'string' && typeof name === 'string' ? null : 'it is not a job';
}
