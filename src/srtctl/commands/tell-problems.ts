/** Complaints about recipes, as people read them and as programs do. */
import { formatProblem } from '../recipe/problem.ts';
import type { Gathering } from './gather-recipes.ts';
import type { Surroundings } from './surroundings.ts';

/** Warnings, then problems, one a line on stderr, and how many there are. Returns whether the recipes may be used. */
export function tellProblems({ reports, gathered, hasProblems }: Gathering, around: Surroundings): boolean {
  for (const { warnings } of reports) for (const warning of warnings) around.err(`warning: ${formatProblem(warning)}\n`);
  const problems = reports.flatMap((report) => report.problems);
  for (const problem of problems) around.err(`error: ${formatProblem(problem)}\n`);
  if (hasProblems) {
    around.err(`${problems.length === 1 ? '1 problem' : `${problems.length} problems`}\n`);
    return false;
  }
  if (gathered.length > 0) return true;
  around.err('error: there is no recipe in what -f names\n');
  return false;
}
