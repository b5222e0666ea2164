/** Complaints about recipes, as people read them and as programs do. */
import { formatProblem } from '../recipe/text/problem.ts';
import type { CommandContext } from './command-context.ts';
import type { Gathering } from './gather-recipes.ts';

/** Warnings, then problems, one a line on stderr, and how many there are. Returns whether the recipes may be used. */
export function tellProblems(gathering: Gathering, context: CommandContext): boolean {
  const { reports, gathered, hasProblems, named } = gathering;
  tellWarnings(gathering, context);
  const problems = reports.flatMap((report) => report.problems);
  for (const problem of problems) context.err(`error: ${formatProblem(problem)}\n`);
  if (hasProblems) {
    context.err(`${problems.length === 1 ? '1 problem' : `${problems.length} problems`}\n`);
    return false;
  }
  if (gathered.length > 0) return true;
  context.err(`error: there is no recipe in ${named.join(' and ')}\n`);
  return false;
}

/** Those of all files, one a line on stderr. */
export function tellWarnings({ reports }: Gathering, context: CommandContext): void {
  for (const { warnings } of reports) for (const warning of warnings) context.err(`warning: ${formatProblem(warning)}\n`);
}
