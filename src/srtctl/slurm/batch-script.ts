/** The script that SLURM runs on the first node of a job: options, then the supervisor. Pure. Source: sbatch(1). */
import { shellQuoted } from '../launch/start-script.ts';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import { timeLimitSeconds } from '../recipe/resolve/time-limit.ts';
import { judgeDirectives } from './sbatch-directives.ts';

export interface BatchScriptInput {
  readonly recipe: Pick<Recipe, 'name' | 'slurm' | 'sbatchDirectives'> & { readonly resources: Pick<Recipe['resources'], 'gpusPerNode'> };
  /** Of the plan. */
  readonly nodes: number;
  readonly cluster: Cluster;
  /** Whether this SLURM has `--segment`. */
  readonly knowsSegments: boolean;
  /** Absolute: the run directory is a directory in it, named after the job's number. */
  readonly outputs: string;
  /** Command line of the supervisor, absolute program first; the run directory is added as its last word. */
  readonly supervisor: readonly string[];
  /** What the supervisor needs, gzip in base64, where the nodes do not see the directory of this host; null: they do. */
  readonly embedded: string | null;
}

/** An ordered shutdown: the sum of what the tiers are given, and some time for the last files. */
const SHUTDOWN_SECONDS = 90;
const MAX_NAME = 64;
const JOB_NAMES = ['job-name', 'J'];

/** `sbatch_directives` must have been judged: those with problems are not looked for again. */
export function renderBatchScript(input: BatchScriptInput): string {
  const { recipe, cluster, outputs, supervisor } = input;
  const { kept, nodes } = judgeDirectives({ ...cluster.sbatchDirectives, ...recipe.sbatchDirectives }, input.nodes);
  const options: [string, string | null][] = [
    ...(JOB_NAMES.some((name) => name in kept) ? [] : [['job-name', jobName(recipe.name)] as [string, string]]),
    ['nodes', nodes],
    ['ntasks', nodes],
    ['ntasks-per-node', '1'],
    // SLURM replaces %j; a % of our own is written twice.
    ['output', input.embedded === null ? `${outputs.replaceAll('%', '%%')}/%j/logs/slurm.log` : '/dev/null'],
    ['open-mode', 'append'],
    // A second start would find the traces of the first, and servers that nobody expects.
    ['no-requeue', null],
    // A lost node must not take the supervisor along, which says what happened and stops the rest in order.
    ['no-kill', null],
    ['signal', `B:USR1@${warningSeconds(recipe.slurm.timeLimit)}`],
    ...derived(input, nodes).filter(([name]) => !(name in kept)),
    ...Object.entries(kept),
  ];
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
    ...(input.embedded === null ? [] : unpacking(outputs, input.embedded)),
    `exec ${supervisor.map(shellQuoted).join(' ')} ${shellQuoted(`${outputs}/`)}"$SLURM_JOB_ID"`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Makes the run directory on the node, with what the supervisor needs in it. */
function unpacking(outputs: string, embedded: string): readonly string[] {
  return [
    `run=${shellQuoted(`${outputs}/`)}"$SLURM_JOB_ID"`,
    'mkdir -p -- "$run" || exit 3',
    'exec >>"$run/slurm.log" 2>&1',
    '(umask 077 && base64 -d <<\'END\' | gzip -dc >"$run/handover.json") || exit 3',
    ...(embedded.match(/.{1,100}/g) ?? []),
    'END',
  ];
}

/** What recipe and cluster file ask for in words of their own. */
function derived({ recipe, cluster, knowsSegments }: BatchScriptInput, nodes: string): readonly [string, string | null][] {
  const { account, partition, timeLimit } = recipe.slurm;
  const { gpusPerNode } = recipe.resources;
  const gpus: [string, string] = cluster.gpuDirective === 'gres' ? ['gres', `gpu:${gpusPerNode}`] : ['gpus-per-node', String(gpusPerNode)];
  return [
    ...(account === null ? [] : [['account', account] as [string, string]]),
    ...(partition === null ? [] : [['partition', partition] as [string, string]]),
    ...(timeLimit === null ? [] : [['time', timeLimit] as [string, string]]),
    ...(cluster.useGpusPerNodeDirective ? [gpus] : []),
    ...(cluster.useSegmentDirective && knowsSegments ? [['segment', nodes] as [string, string]] : []),
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
