/** Makes the directory of a run and writes what is known before it begins. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { makeDirectory } from '../../base/runtime/make-directory.ts';
import { bootId, processStartTime } from '../launch/proc.ts';
import type { Plan } from '../plan/plan.ts';
import type { Redactor } from '../recipe/secrets/redactor.ts';
import { type JobFile, type RunPaths, runPaths, type SupervisorIdentity } from '../supervise/run-directory.ts';
import { writeAtomically } from '../supervise/run-files.ts';

export interface NewRun {
  readonly id: string;
  readonly paths: RunPaths;
}

/** What one run is made of. */
export interface RunInput {
  readonly plan: Plan;
  /** As it was named; null: standard input. */
  readonly recipeFile: string | null;
  /** As it may be kept. */
  readonly redactedText: string;
  readonly tags: readonly string[];
}

const MAX_NAME = 80;
const MAX_TRIES = 1000;

/** Rejects when the directory cannot be made or written (code ENOSPC, EACCES...). `outputs`: absolute; made if it is not there. */
export async function createRun(
  input: RunInput,
  outputs: string,
  launcher: JobFile['launcher'],
  redactor: Redactor,
  wallMs: number,
): Promise<NewRun> {
  await makeDirectory(outputs);
  const { id, directory } = await takeDirectory(outputs, input.plan.name, wallMs);
  const paths = runPaths(directory);
  await writeRun(paths, id, input, launcher, redactor, wallMs);
  return { id, paths };
}

/** Fills a new directory, of whatever name. */
export async function writeRun(
  paths: RunPaths,
  id: string,
  input: RunInput,
  launcher: JobFile['launcher'],
  redactor: Redactor,
  wallMs: number,
): Promise<void> {
  const job: JobFile = {
    version: 1,
    id,
    name: input.plan.name,
    launcher,
    createdAt: new Date(wallMs).toISOString(),
    host: hostname(),
    recipeFile: input.recipeFile,
    tags: input.tags,
    supervisor: launcher === 'slurm' ? null : await ownIdentity(),
  };
  await mkdir(paths.logs, { recursive: true });
  await writeFile(paths.recipe, input.redactedText);
  await writeFile(paths.plan, `${JSON.stringify(redactor.data(input.plan), null, 2)}\n`);
  // Last: a directory with this file is a run.
  await writeAtomically(paths.job, `${JSON.stringify(redactor.data(job), null, 2)}\n`);
}

/** This process as the supervisor of a run. */
async function ownIdentity(): Promise<SupervisorIdentity> {
  const { pid } = process;
  return { pid, startTime: await processStartTime(pid), host: hostname(), bootId: await bootId() };
}

/** A run that was handed over to this process: whoever looks at it before its first status finds this one. */
export async function takeOver(paths: RunPaths): Promise<void> {
  const job = JSON.parse(await readFile(paths.job, 'utf8')) as JobFile;
  await writeAtomically(paths.job, `${JSON.stringify({ ...job, supervisor: await ownIdentity() }, null, 2)}\n`);
}

/** `quickstart-20261121-131500`; with `-2` and so on behind it when that is taken. */
async function takeDirectory(outputs: string, name: string, wallMs: number): Promise<{ id: string; directory: string }> {
  const time = new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  // A word of command lines: no option, and not hidden.
  const word = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+/, '');
  const base = `${word === '' ? 'run' : word.slice(0, MAX_NAME)}-${time}`;
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    const directory = path.join(outputs, id);
    try {
      await mkdir(directory);
      return { id, directory };
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      if (!isTaken || number >= MAX_TRIES) throw error;
    }
  }
}
