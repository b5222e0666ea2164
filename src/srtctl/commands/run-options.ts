/** What every command about runs has in common: which run is meant, and where runs are. */
import { type Command, InvalidArgumentError } from 'commander';
import { formatProblem } from '../recipe/problem.ts';
import { readClusterFile } from '../recipe/read-files.ts';
import { type FoundRun, findRun, outputDirectory } from './find-runs.ts';
import type { Surroundings } from './surroundings.ts';

export interface RunFlags {
  readonly output?: string;
}

/** The option `-o`. */
export function addOutputOption(command: Command): Command {
  return command.option('-o, --output <dir>', 'where runs are (default: output_dir of srtslurm.yaml, or outputs)', directoryName);
}

/** `-o "$NOT_SET"` would otherwise mean the working directory. */
function directoryName(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a directory.');
  return text;
}

/** As `outputDirectory`; a cluster file with problems counts as none, and that is said. */
export function runsDirectory({ output }: RunFlags, around: Surroundings): string {
  const { cluster, problems } = readClusterFile(around.workingDirectory, around.env);
  for (const problem of problems) around.err(`warning: ${formatProblem(problem)}\n`);
  return outputDirectory(output, cluster, around.workingDirectory);
}

/** Null: there is no such run, and that has been said. */
export async function whichRun(which: string | undefined, flags: RunFlags, around: Surroundings): Promise<FoundRun | null> {
  const found = await findRun(which, runsDirectory(flags, around), around.workingDirectory);
  if (found.ok) return found.run;
  around.err(`error: ${found.message}\n`);
  return null;
}
