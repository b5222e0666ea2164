/** The script that SLURM runs on the first node of a job: options, then the supervisor. Pure. Source: sbatch(1). */
import { shellQuoted } from '../launch/start-script.ts';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import { timeLimitSeconds } from '../recipe/resolve/time-limit.ts';

export interface BatchScriptInput {
  readonly recipe: Pick<Recipe, 'name' | 'slurm' | 'sbatchDirectives'> & {
    readonly resources: Pick<Recipe['resources'], 'nodes' | 'gpusPerNode'>;
  };
  readonly cluster: Cluster;
  /** Absolute: the run directory is a directory in it, named after the job's number. */
  readonly outputs: string;
  /** Command line of the supervisor, absolute program first; the run directory is added as its last word. */
  readonly supervisor: readonly string[];
}

/** `problems`: what no script can be made of, one sentence each; then `script` is empty. */
export interface BatchScript {
  readonly script: string;
  readonly problems: readonly string[];
}

/** What srtctl counts on; a recipe that changes it would break its own run. */
const OWNED = new Set(
  [
    ...['nodes', 'N', 'ntasks', 'n', 'ntasks-per-node', 'output', 'o', 'error', 'e', 'input', 'i', 'open-mode', 'signal', 'array', 'a'],
    ...['requeue', 'no-requeue', 'no-kill', 'k', 'hold', 'H', 'wait', 'W', 'wrap', 'parsable', 'test-only', 'chdir', 'D', 'job-name', 'J'],
  ].values(),
);
/** An ordered shutdown: the sum of what the tiers are given, and some time for the last files. */
const SHUTDOWN_SECONDS = 90;
const MAX_NAME = 64;

export function renderBatchScript({ recipe, cluster, outputs, supervisor }: BatchScriptInput): BatchScript {
  const given = { ...cluster.sbatchDirectives, ...recipe.sbatchDirectives };
  const { nodes, gpusPerNode } = recipe.resources;
  const owned = Object.keys(given).filter((name) => OWNED.has(name));
  const problems = owned.map((name) => `sbatch_directives.${name}: srtctl sets --${name} itself; remove it`);
  const options: [string, string | null][] = [
    ['job-name', jobName(recipe.name)],
    ['nodes', String(nodes)],
    ['ntasks', String(nodes)],
    ['ntasks-per-node', '1'],
    // SLURM replaces %j; a % of our own is written twice.
    ['output', `${outputs.replaceAll('%', '%%')}/%j/logs/slurm.log`],
    ['open-mode', 'append'],
    // A second start would find the traces of the first, and servers that nobody expects.
    ['no-requeue', null],
    // A lost node must not take the supervisor along, which says what happened and stops the rest in order.
    ['no-kill', null],
    ['signal', `B:USR1@${warningSeconds(recipe.slurm.timeLimit)}`],
    ...derived(recipe, cluster, nodes, gpusPerNode).filter(([name]) => !(name in given)),
    ...Object.entries(given).filter(([name]) => !OWNED.has(name)),
  ];
  for (const [name, value] of options) {
    if (value !== null && isHostile(value))
      problems.push(
        `--${name}: ${JSON.stringify(value)} cannot be written as an option of SLURM: no ", \\, line breaks or control characters`,
      );
  }
  if (problems.length > 0) return { script: '', problems };
  const lines = [
    '#!/bin/bash',
    ...options.map(([name, value]) => `#SBATCH --${name}${value === null ? '' : `="${value}"`}`),
    '',
    '# Heard from the first moment on; the supervisor listens to it as soon as it runs.',
    "trap '' USR1",
    '# Set by `sbatch --export`, it would empty the environment of every step.',
    'unset SLURM_EXPORT_ENV',
    'if [ -n "$SLURM_RESTART_COUNT" ] && [ "$SLURM_RESTART_COUNT" != 0 ]; then',
    '  echo "srtctl: this job was requeued; a run is never started twice. Submit it again with srtctl apply." >&2',
    '  exit 3',
    'fi',
    `exec ${supervisor.map(shellQuoted).join(' ')} ${shellQuoted(`${outputs}/`)}"$SLURM_JOB_ID"`,
  ];
  return { script: `${lines.join('\n')}\n`, problems: [] };
}

/** What recipe and cluster file ask for in words of their own. */
function derived(
  recipe: BatchScriptInput['recipe'],
  cluster: Cluster,
  nodes: number,
  gpusPerNode: number,
): readonly [string, string | null][] {
  const { account, partition, timeLimit } = recipe.slurm;
  return [
    ...(account === null ? [] : [['account', account] as [string, string]]),
    ...(partition === null ? [] : [['partition', partition] as [string, string]]),
    ...(timeLimit === null ? [] : [['time', timeLimit] as [string, string]]),
    ...(cluster.useGpusPerNodeDirective ? [['gpus-per-node', String(gpusPerNode)] as [string, string]] : []),
    ...(cluster.useSegmentDirective ? [['segment', String(nodes)] as [string, string]] : []),
    ...(cluster.useExclusiveDirective ? [['exclusive', null] as [string, null]] : []),
  ];
}

/** Seconds before the end of the job at which it is warned; SLURM may warn up to 60 s earlier. Short jobs are not warned at their start. */
export function warningSeconds(timeLimit: string | null): number {
  const limit = timeLimit === null ? null : timeLimitSeconds(timeLimit);
  if (limit === null || !Number.isFinite(limit)) return SHUTDOWN_SECONDS;
  return Math.max(10, Math.min(SHUTDOWN_SECONDS, Math.floor(limit / 4)));
}

/** For squeue and file names of sites; the full name stands in job.json. */
function jobName(name: string): string {
  return name.replaceAll(/[^\w.@+-]+/g, '-').slice(0, MAX_NAME) || 'srtctl';
}

/** sbatch reads values as a shell would, without expanding anything: what ends or escapes a quoted text cannot be part of one. */
function isHostile(value: string): boolean {
  return [...value].some((char) => char === '"' || char === '\\' || char < ' ' || char === '\x7f');
}
