/** The command line of a worker. */
import type { Flags, WorkerGroup } from '../recipe/resolve/recipe.ts';
import { listenAddress, modelPath, type PlanContext } from './context.ts';
import { mockerArgv } from './dynamo-words.ts';
import { findText, flagWords } from './flag-words.ts';
import { addressOf } from './nodes.ts';
import type { PlacedWorker } from './placement.ts';
import { profilerWords } from './profiling-words.ts';
import { rankId } from './worker-ports.ts';

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
    ...profilerWords(context, group.role, rankId(seat.worker, seat.rank)),
    ...programOf(context),
    '--model-path',
    path,
    '--served-model-name',
    context.model,
    ...(group.role === 'aggregated' ? [] : ['--disaggregation-mode', group.role]),
    ...(isPrefill ? ['--disaggregation-bootstrap-port', String(seat.leader['bootstrap'])] : []),
    ...revisionWords(context, group),
    ...flagWords(group.flags, isPrefill ? OWNED_BY_PREFILL : OWNED),
    ...eventWords(group, seat),
    ...placeWords(context, seat),
  ];
}

/** What a role does not say about the model the other one may. */
function askedPath(flags: Flags): string | null {
  return findText(flags, 'model-path', 'model');
}

function isGiven(path: string | null): boolean {
  return path !== null;
}

function revisionWords({ recipe }: PlanContext, { flags }: WorkerGroup): readonly string[] {
  const { modelRevision, model } = recipe;
  return modelRevision === null || !model.path.startsWith('hf:') || 'revision' in flags ? [] : ['--revision', modelRevision];
}

/** Events of the KV cache, on a port of the worker's own. */
function eventWords({ kvEvents }: WorkerGroup, { own }: WorkerSeat): readonly string[] {
  const port = own['kv-events'];
  return kvEvents === null || port === undefined
    ? []
    : ['--kv-events-config', JSON.stringify({ ...kvEvents, endpoint: `tcp://*:${port}` })];
}

function programOf(context: PlanContext): readonly string[] {
  if (context.recipe.backend.type === 'sim') return ['<node-binary>', '<package>/dist/bin/sim.js', '--ignore-unknown'];
  return ['python3', '-m', context.recipe.mode === 'dynamo' ? 'dynamo.sglang' : 'sglang.launch_server'];
}

function placeWords(context: PlanContext, { worker, rank, own, leader }: WorkerSeat): readonly string[] {
  const node = worker.ranks[rank]?.node ?? 0;
  const port = own['http'] ?? own['engine'];
  const words = ['--host', context.recipe.frontend.isDirect ? listenAddress(context, node, port ?? 0) : addressOf(node)];
  if (port !== undefined) words.push('--port', String(port));
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
