/** What all parts of planning share. */
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { Environment, Recipe } from '../recipe/resolve/recipe.ts';
import type { PlannedMount, PlanProblem } from './plan.ts';
import type { PortBook } from './port-book.ts';

/** Directories that processes in containers see. The first two are names that recipes rely on. */
export const MODEL_DIRECTORY = '/model/';
export const SOURCE_DIRECTORY = '/ext-sglang-src/';
export const SETUP_DIRECTORY = '/srtctl-setup';

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

/** Name of node `index` in the plan. */
export function nodeName(index: number): string {
  return `n${index}`;
}

/** Symbol of the address of node `index`. */
export function addressOf(index: number): string {
  return `<node${index}>`;
}

export function urlOf(node: number, port: number): string {
  return `http://${addressOf(node)}:${port}`;
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
  return [
    { host: '<run>', container: '<run>', options: null },
    ...cluster.mounts,
    ...recipe.mounts.map((mount) => ({ host: bind(mount.host), container: bind(mount.container), options: mount.options })),
  ];
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
