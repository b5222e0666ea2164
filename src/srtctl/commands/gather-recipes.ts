/** From what `-f` names to recipes and their plans, with every complaint about any of them. */
import path from 'node:path';
import { needsInWords } from '../plan/needs.ts';
import type { Plan, PlanProblem } from '../plan/plan.ts';
import { planRecipe } from '../plan/plan-recipe.ts';
import { loadCluster } from '../recipe/load/load-cluster.ts';
import { loadRecipe } from '../recipe/load/load-recipe.ts';
import {
  isClusterFileName,
  isDirectory,
  isFile,
  type ListedFiles,
  listYamlFiles,
  readClusterFile,
  readText,
  splitTarget,
} from '../recipe/load/read-files.ts';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import type { Problem } from '../recipe/text/problem.ts';
import { judgeDirectives, requestProblems } from '../slurm/sbatch-directives.ts';
import { judgeStepOptions } from '../slurm/step-extras.ts';
import type { CommandContext } from './command-context.ts';
import type { RecipeOptions } from './recipe-options.ts';

/** One recipe, ready to run. */
export interface Gathered {
  /** As it was named on the command line; null: standard input. */
  readonly file: string | null;
  readonly recipe: Recipe;
  readonly plan: Plan;
  /** The recipe as it may be kept, with what `--set`, variants and sweeps made of it: secrets are `***`. */
  readonly redactedText: string;
}

/** What one file held. */
interface FileReport {
  readonly file: string;
  /** Names of the recipes in it; empty for a cluster file and where there are problems. */
  readonly recipes: readonly string[];
  /** What has to be installed on the nodes, for people, by recipe; empty: nothing. */
  readonly needs: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface Gathering {
  readonly cluster: Cluster;
  readonly gathered: readonly Gathered[];
  /** By file, the cluster file first if it has something to say. */
  readonly reports: readonly FileReport[];
  readonly hasProblems: boolean;
  /** What `-f` named, as it was written. */
  readonly named: readonly string[];
}

const STANDARD_INPUT = '(standard input)';

/**
 * Reads, loads and plans everything; never throws for what it reads. A preview starts nothing: variables that this host lacks are then
 * warnings.
 */
export async function gatherRecipes(options: RecipeOptions, context: CommandContext, isPreview: boolean): Promise<Gathering> {
  const { cluster, problems, warnings } = readClusterFile(context.workingDirectory, context.env);
  const reports: FileReport[] = [];
  if (problems.length > 0 || warnings.length > 0) reports.push({ file: cluster.file ?? '', recipes: [], needs: [], problems, warnings });
  const gathered: Gathered[] = [];
  for (const target of options.file) {
    const listed = expand(target, context);
    if (!listed.ok) {
      reports.push({ file: target, recipes: [], needs: [], problems: [{ ...listed.problem, file: target }], warnings: [] });
      continue;
    }
    for (const file of listed.files) {
      if (isClusterFileName(file)) reports.push(readCluster(file, context));
      else {
        const one = await gatherFile(file, cluster, { ...options, isPreview }, context);
        reports.push(one.report);
        gathered.push(...one.gathered);
      }
    }
  }
  return { cluster, gathered, reports, hasProblems: reports.some((report) => report.problems.length > 0), named: options.file };
}

/** A directory is all YAML files below it, in the order of their names. */
function expand(target: string, context: CommandContext): ListedFiles {
  const directory = path.resolve(context.workingDirectory, target);
  if (target === '-' || !isDirectory(directory)) return { ok: true, files: [target] };
  const listed = listYamlFiles(directory);
  return listed.ok ? { ok: true, files: listed.files.map((file) => path.join(target, file)) } : listed;
}

function readCluster(file: string, context: CommandContext): FileReport {
  const read = readText(path.resolve(context.workingDirectory, file));
  if (!read.ok) return { file, recipes: [], needs: [], problems: [{ ...read.problem, file }], warnings: [] };
  const { problems, warnings } = loadCluster(read.text, file, context.env);
  return { file, recipes: [], needs: [], problems, warnings };
}

async function gatherFile(
  target: string,
  cluster: Cluster,
  { overrides, local, isPreview }: RecipeOptions & { readonly isPreview: boolean },
  context: CommandContext,
): Promise<{ readonly report: FileReport; readonly gathered: readonly Gathered[] }> {
  const isInput = target === '-';
  const { file, select } = isInput ? { file: STANDARD_INPUT, select: null } : splitTarget(target);
  const read = isInput ? ({ ok: true, text: await context.readInput() } as const) : readText(path.resolve(context.workingDirectory, file));
  if (!read.ok) {
    const suggestion = `it was looked for in ${context.workingDirectory}`;
    return { report: { file, recipes: [], needs: [], problems: [{ ...read.problem, file, suggestion }], warnings: [] }, gathered: [] };
  }
  const directory = context.workingDirectory;
  const loaded = loadRecipe(read.text, file, {
    overrides,
    select,
    cluster,
    variables: context.env,
    directoryExists: (name) => isDirectory(path.resolve(directory, name)),
    recipeDirectory: isInput ? null : path.dirname(file),
    isPreview,
    fileExists: (name) => isFile(path.resolve(directory, name)),
  });
  const problems: Problem[] = [...loaded.problems];
  const warnings: Problem[] = [...loaded.warnings];
  const gathered: Gathered[] = [];
  for (const recipe of loaded.recipes) {
    const planned = planRecipe(recipe, cluster, { local, directory });
    const redactor = createRedactor(recipe.secrets);
    const placed = (problem: PlanProblem): Problem => ({ ...redactor.data(problem), ...loaded.placeOf(recipe, problem.path) });
    const nodes = planned.plan?.nodes.length ?? recipe.resources.nodes;
    const judged = local ? [] : [judgeDirectives(recipe.sbatchDirectives, nodes), judgeStepOptions(recipe.srunOptions)];
    for (const problem of [...planned.problems, ...judged.flatMap((one) => one.problems), ...(local ? [] : requestProblems(recipe.slurm))])
      problems.push(placed(problem));
    warnings.push(...judged.flatMap((one) => one.warnings).map(placed));
    if (planned.plan !== null)
      gathered.push({ file: isInput ? null : file, recipe, plan: planned.plan, redactedText: loaded.textOf(recipe) });
  }
  const recipes = problems.length === 0 ? gathered.map(({ recipe }) => recipe.name) : [];
  const needs = problems.length === 0 ? [...new Set(gathered.map((one) => needsInWords(one.plan)))].filter((text) => text !== '') : [];
  return { report: { file, recipes, needs, problems, warnings }, gathered: problems.length === 0 ? gathered : [] };
}
