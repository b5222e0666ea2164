/** What all parts of planning share. */
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { Environment, Recipe } from '../recipe/resolve/recipe.ts';
import { addressOf, INFRA_NODE } from './nodes.ts';
import type { PlannedMount, PlanProblem } from './plan.ts';
import type { PortBook } from './port-book.ts';

/** Directories that processes in containers see. The first two are names that recipes rely on. */
export const MODEL_DIRECTORY = '/model/';
export const SOURCE_DIRECTORY = '/ext-sglang-src/';
export const SETUP_DIRECTORY = '/srtctl-setup';
/** Names that recipes of srt-slurm rely on: its directory of configurations, the logs of the run, and a workspace of the user. */
export const CONFIGS_DIRECTORY = '/configs';
export const LOGS_DIRECTORY = '/logs';
export const WORKSPACE_DIRECTORY = '/infmax-workspace';

export interface PlanContext {
  readonly recipe: Recipe;
  readonly cluster: Cluster;
  /** Whether this run has containers at all. */
  readonly contained: boolean;
  /** Image of workers; null: they run on the host, and their paths are the host's. */
  readonly container: string | null;
  /** Name under which every worker serves the model. */
  readonly model: string;
  readonly ports: PortBook;
  readonly problems: PlanProblem[];
  readonly warnings: string[];
}

/** Where etcd, NATS and a Mooncake master run. */
export function infraNode({ recipe }: PlanContext): number {
  return recipe.dynamo.hasInfraNode ? INFRA_NODE : 0;
}

/** What a process of node `index` listens on; the one that clients meet may have been told otherwise. */
export function listenAddress({ recipe }: PlanContext, index: number, port: number): string {
  const { publicHost, publicPort } = recipe.frontend;
  return index === 0 && port === publicPort && publicHost !== null ? publicHost : addressOf(index);
}

/**
 * Variables of a process: those of the cluster file, of the recipe, then `more`; later ones win. `{node}` becomes the address of the
 * node and `{node_id}` its index; other braces stay.
 */
export function environmentOf(context: PlanContext, node: number, ...more: readonly Environment[]): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const part of [context.cluster.environment, context.recipe.environment, ...more])
    for (const [name, value] of Object.entries(part)) merged[name] = bindNode(value, node);
  return merged;
}

function bindNode(value: string, node: number): string {
  return value.includes('{') ? value.replaceAll('{node}', addressOf(node)).replaceAll('{node_id}', String(node)) : value;
}

/** What every container sees: the run directory, then the mounts of the cluster file and of the recipe. Without containers: none. */
export function commonMounts(context: PlanContext): readonly PlannedMount[] {
  if (context.container === null) return [];
  const { recipe, cluster } = context;
  const values: Readonly<Record<string, string>> = {
    job_id: '<job>',
    run_name: recipe.name,
    head_node_ip: addressOf(0),
    log_dir: '<run>/logs',
    model_path: recipe.model.path,
    container_image: context.container,
    gpus_per_node: String(recipe.resources.gpusPerNode),
  };
  const bind = (text: string): string => text.replace(/\{([a-z_]+)\}/g, (whole, name: string) => values[name] ?? whole);
  const given = [
    ...cluster.mounts,
    ...recipe.mounts.map((mount) => ({ host: bind(mount.host), container: bind(mount.container), options: mount.options })),
  ];
  const own: PlannedMount[] = [
    { host: '<run>', container: '<run>', options: null },
    { host: '<run>/logs', container: LOGS_DIRECTORY, options: null },
    ...(recipe.configsDirectory === null ? [] : [{ host: recipe.configsDirectory, container: CONFIGS_DIRECTORY, options: null }]),
    ...(recipe.workspaceDirectory === null ? [] : [{ host: recipe.workspaceDirectory, container: WORKSPACE_DIRECTORY, options: null }]),
  ];
  // Where the cluster file or the recipe mount something else at one of these places, that counts.
  const places = new Set(given.map(({ container }) => withoutSlash(container)));
  return [...own.filter(({ container }) => !places.has(container)), ...given];
}

/** `/a` for `/a/`. */
export function withoutSlash(path: string): string {
  return path.replace(/(.)\/+$/, '$1');
}

/** The path on the host of what a container sees at `path`; the path itself where no mount holds it. */
export function hostPath(mounts: readonly PlannedMount[], path: string): string {
  const holding = mounts
    .filter(({ container }) => path === withoutSlash(container) || path.startsWith(`${withoutSlash(container)}/`))
    .sort((a, b) => b.container.length - a.container.length);
  const [mount] = holding;
  return mount === undefined ? path : `${withoutSlash(mount.host)}${path.slice(withoutSlash(mount.container).length)}`;
}

/** The model's files of the host as a mount; none for models of a hub and without containers. */
export function modelMounts(context: PlanContext): readonly PlannedMount[] {
  const { path } = context.recipe.model;
  return context.container === null || path.startsWith('hf:') ? [] : [{ host: path, container: MODEL_DIRECTORY, options: null }];
}

/** `asked` (such as `/model/sub`, or null for the model itself) as a process of `container` sees it. */
export function modelPath(context: PlanContext, asked: string | null): string {
  const { path } = context.recipe.model;
  const inner = asked === null || asked === '/model' ? MODEL_DIRECTORY : asked;
  if (!inner.startsWith(MODEL_DIRECTORY)) return inner;
  if (path.startsWith('hf:')) return path.slice('hf:'.length);
  if (context.container !== null) return inner;
  const rest = inner.slice(MODEL_DIRECTORY.length);
  return rest === '' ? path : `${path.replace(/\/+$/, '')}/${rest}`;
}
