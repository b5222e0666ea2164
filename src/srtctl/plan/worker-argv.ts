/** The command line of a worker. */
import type { Flags, WorkerGroup } from '../recipe/resolve/recipe.ts';
import { addressOf, modelPath, type PlanContext } from './context.ts';
import { mockerArgv } from './dynamo-words.ts';
import { findText, flagWords } from './flag-words.ts';
import type { PlacedWorker } from './place-workers.ts';

/** Flags that say where a worker is and what it is. The plan sets them, so that routers and workers cannot disagree. */
const OWNED: ReadonlySet<string> = new Set([
  'model-path',
  'model',
  'served-model-name',
  'host',
  'port',
  'nccl-port',
  'dist-init-addr',
  'nccl-init-addr',
  'nnodes',
  'node-rank',
  'disaggregation-mode',
]);

/** And of prefill workers, whose bootstrap port routers are told. */
const OWNED_BY_PREFILL: ReadonlySet<string> = new Set([...OWNED, 'disaggregation-bootstrap-port']);

export interface WorkerSeat {
  readonly worker: PlacedWorker;
  readonly rank: number;
  /** Ports of this rank, and of rank 0. */
  readonly own: Readonly<Record<string, number>>;
  readonly leader: Readonly<Record<string, number>>;
}

/** What is served, then the recipe's flags in its order, then where. */
export function workerArgv(context: PlanContext, group: WorkerGroup, seat: WorkerSeat): readonly string[] {
  if (context.recipe.mode === 'dynamo' && context.recipe.backend.type === 'sim') return mockerArgv(context, group, seat.own['bootstrap']);
  const path = modelPath(
    context,
    askedPath(group.flags) ?? context.recipe.workers.map(({ flags }) => askedPath(flags)).find(isGiven) ?? null,
  );
  const isPrefill = group.role === 'prefill';
  return [
    ...programOf(context),
    '--model-path',
    path,
    '--served-model-name',
    context.model,
    ...(group.role === 'aggregated' ? [] : ['--disaggregation-mode', group.role]),
    ...(isPrefill ? ['--disaggregation-bootstrap-port', String(seat.leader['bootstrap'])] : []),
    ...flagWords(group.flags, isPrefill ? OWNED_BY_PREFILL : OWNED),
    ...placeWords(seat),
  ];
}

/** What a role does not say about the model the other one may. */
function askedPath(flags: Flags): string | null {
  return findText(flags, 'model-path', 'model');
}

function isGiven(path: string | null): boolean {
  return path !== null;
}

function programOf(context: PlanContext): readonly string[] {
  if (context.recipe.backend.type === 'sim') return ['<node-binary>', '<package>/dist/bin/sim.js', '--ignore-unknown'];
  return ['python3', '-m', context.recipe.mode === 'dynamo' ? 'dynamo.sglang' : 'sglang.launch_server'];
}

function placeWords({ worker, rank, own, leader }: WorkerSeat): readonly string[] {
  const node = worker.ranks[rank]?.node ?? 0;
  const words = ['--host', addressOf(node)];
  if (own['http'] !== undefined) words.push('--port', String(own['http']));
  if (own['nccl'] !== undefined) words.push('--nccl-port', String(own['nccl']));
  const leaderNode = worker.ranks[0]?.node ?? 0;
  if (leader['dist'] !== undefined)
    words.push(
      '--dist-init-addr',
      `${addressOf(leaderNode)}:${leader['dist']}`,
      '--nnodes',
      String(worker.ranks.length),
      '--node-rank',
      String(rank),
    );
  return words;
}
