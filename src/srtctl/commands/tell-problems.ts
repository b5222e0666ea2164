/** Complaints about recipes, as people read them and as programs do. */
import { formatProblem } from '../recipe/problem.ts';
import type { Gathering } from './gather-recipes.ts';
import type { Surroundings } from './surroundings.ts';

/** Warnings, then problems, one a line on stderr, and how many there are. Returns whether the recipes may be used. */
export function tellProblems(gathering: Gathering, around: Surroundings): boolean {
  const { reports, gathered, hasProblems, named } = gathering;
  tellWarnings(gathering, around);
  const problems = reports.flatMap((report) => report.problems);
  for (const problem of problems) around.err(`error: ${formatProblem(problem)}\n`);
  if (hasProblems) {
    around.err(`${problems.length === 1 ? '1 problem' : `${problems.length} problems`}\n`);
    return false;
  }
  if (gathered.length > 0) return true;
  around.err(`error: there is no recipe in ${named.join(' and ')}\n`);
  return false;
}

/** Those of all files, one a line on stderr. */
export function tellWarnings({ reports }: Gathering, around: Surroundings): void {
  for (const { warnings } of reports) for (const warning of warnings) around.err(`warning: ${formatProblem(warning)}\n`);
}
