/** `sbatch_directives`: which of them a job takes, which srtctl sets itself, and which would make another kind of job. Pure. Source: sbatch(1). */
import type { PlanProblem } from '../plan/plan.ts';
import type { SlurmRequest } from '../recipe/resolve/recipe.ts';

export type Directives = Readonly<Record<string, string | null>>;

export interface JudgedDirectives {
  /** For the script, without `nodes`. */
  readonly kept: Directives;
  /** Nodes to ask for, at least those of the plan. */
  readonly nodes: string;
  readonly problems: readonly PlanProblem[];
  readonly warnings: readonly PlanProblem[];
}

/** What srtctl sets; another value would not change what runs. */
const SET_BY_SRTCTL: ReadonlySet<string> = new Set([
  ...['ntasks', 'n', 'ntasks-per-node', 'output', 'o', 'error', 'e', 'input', 'i', 'open-mode', 'signal', 'requeue', 'no-requeue'],
  ...['no-kill', 'k', 'parsable', 'chdir', 'D', 'wait', 'W'],
]);

/** With these the job would be another one, or none. */
const REFUSED: Readonly<Record<string, string>> = {
  array: 'a run is one job; use sweep for several',
  a: 'a run is one job; use sweep for several',
  wrap: 'srtctl writes the script of the job',
  'test-only': 'srtctl validate and srtctl plan start nothing',
  hold: 'srtctl holds a job until its files are written, then releases it',
  H: 'srtctl holds a job until its files are written, then releases it',
};

export function judgeDirectives(given: Directives, plannedNodes: number): JudgedDirectives {
  const problems: PlanProblem[] = [];
  const warnings: PlanProblem[] = [];
  const kept: [string, string | null][] = [];
  let nodes = String(plannedNodes);
  for (const [name, value] of Object.entries(given)) {
    const at = { path: `sbatch_directives.${name}` };
    const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    if (refused !== undefined) problems.push({ ...at, message: `got ${shown(value)}: ${refused}`, suggestion: 'remove it' });
    else if (name === 'nodes' || name === 'N') nodes = judgeNodes(value, plannedNodes, at, problems, warnings);
    else if (SET_BY_SRTCTL.has(name))
      warnings.push({ ...at, message: `left out, got ${shown(value)}: srtctl sets --${name} itself`, suggestion: null });
    else if (value !== null && isHostile(value)) problems.push(hostile(at, value));
    else kept.push([name, value]);
  }
  return { kept: Object.fromEntries(kept), nodes, problems, warnings };
}

function judgeNodes(
  value: string | null,
  planned: number,
  at: { readonly path: string },
  problems: PlanProblem[],
  warnings: PlanProblem[],
): string {
  const [, least = '', most = least] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(value ?? '') ?? [];
  if (least === '' || Number(most) < planned) {
    problems.push({ ...at, message: `got ${shown(value)}, and the plan needs ${planned} nodes`, suggestion: 'remove it' });
    return String(planned);
  }
  if (Number(least) <= planned) return String(planned);
  warnings.push({ ...at, message: `got ${value}: the plan uses ${planned} nodes, the others idle`, suggestion: 'remove it' });
  return least;
}

/** Of `slurm`: account and partition as sbatch can take them. */
export function requestProblems({ account, partition }: Pick<SlurmRequest, 'account' | 'partition'>): readonly PlanProblem[] {
  return Object.entries({ account, partition }).flatMap(([key, value]) =>
    value !== null && isHostile(value) ? [hostile({ path: `slurm.${key}` }, value)] : [],
  );
}

function hostile(at: { readonly path: string }, value: string): PlanProblem {
  const suggestion = 'no ", \\, line breaks or control characters';
  return { ...at, message: `${JSON.stringify(value)} cannot be written as an option of SLURM`, suggestion };
}

function shown(value: string | null): string {
  return value === null ? 'nothing' : JSON.stringify(value);
}

/** sbatch reads values as a shell would, without expanding anything: what ends or escapes a quoted text cannot be part of one. */
export function isHostile(value: string): boolean {
  return [...value].some((char) => char === '"' || char === '\\' || char < ' ' || char === '\x7f');
}
