/** What every command about runs has in common: which run is meant, and where runs are. */
import { type Command, InvalidArgumentError } from 'commander';
import { readClusterFile } from '../recipe/load/read-files.ts';
import { formatProblem } from '../recipe/text/problem.ts';
import type { CommandContext } from './command-context.ts';
import { type FoundRun, findRun, outputDirectory } from './find-runs.ts';

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
export function runsDirectory({ output }: RunFlags, context: CommandContext): string {
  const { cluster, problems } = readClusterFile(context.workingDirectory, context.env);
  for (const problem of problems) context.err(`warning: ${formatProblem(problem)}\n`);
  return outputDirectory(output, cluster, context.workingDirectory);
}

/** Null: there is no such run, and that has been said. */
export async function whichRun(which: string | undefined, flags: RunFlags, context: CommandContext): Promise<FoundRun | null> {
  const found = await findRun(which, runsDirectory(flags, context), context.workingDirectory);
  if (found.ok) return found.run;
  context.err(`error: ${found.message}\n`);
  return null;
}
