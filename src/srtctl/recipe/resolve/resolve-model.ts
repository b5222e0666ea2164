/** model, with the aliases of the cluster file. */
import { nearest } from '../../../base/config/suggest.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import type { Cluster } from './cluster.ts';
import type { Variables } from './expand-host.ts';
import { expandAt } from './free-maps.ts';
import type { Model } from './recipe.ts';
import type { PathCheck, ResolveContext } from './resolve-context.ts';

export function resolveModel(input: RecipeInput, context: ResolveContext, findings: Findings): Model {
  const { path = '', container, precision } = input.model ?? {};
  const { cluster, variables, directoryExists, fileExists } = context;
  const isSim = input.backend?.type === 'sim';
  const model = {
    path: modelPath(path, isSim, cluster, variables, findings),
    container: container === undefined ? null : containerName(container, isSim, cluster, variables, findings),
    precision: precision ?? null,
  };
  if (isSim) return model;
  warnOfNothing(['model', 'path'], 'directory', model.path, directoryExists, findings);
  if (model.container !== null) warnOfNothing(['model', 'container'], 'file', model.container, fileExists, findings);
  return model;
}

/** Names of models and images have slashes, too, but do not begin like this. */
function warnOfNothing(where: readonly string[], kind: string, path: string, exists: PathCheck | null, findings: Findings): void {
  if (exists === null || !/^\.{0,2}\//.test(path) || exists(path)) return;
  findings.warn(where, `there is no ${kind} ${shown(path)} on this host`, 'right only if the nodes have it');
}

function modelPath(path: string, isSim: boolean, cluster: Cluster, variables: Variables, findings: Findings): string {
  const where = ['model', 'path'];
  if (Object.hasOwn(cluster.modelPaths, path)) return cluster.modelPaths[path]!;
  if (path === '' || path.startsWith('hf:')) return path;
  // A simulated engine takes any name for its model.
  if (!isSim && !/[/$~]/.test(path))
    findings.warn(
      where,
      `${shown(path)} is no path and no alias${ofCluster(cluster)}; it is taken as it is`,
      near(path, cluster.modelPaths),
    );
  return expandAt(path, where, variables, findings) ?? path;
}

function containerName(name: string, isSim: boolean, cluster: Cluster, variables: Variables, findings: Findings): string {
  if (Object.hasOwn(cluster.containers, name)) return cluster.containers[name]!;
  // Images are named like aliases, so only a file that has some can tell that one is missing.
  const suggestion = near(name, cluster.containers);
  if (!isSim && suggestion !== null && !/[/:]/.test(name))
    findings.warn(['model', 'container'], `${shown(name)} is no alias${ofCluster(cluster)}; it is taken for an image`, suggestion);
  return /^[$~]/.test(name) ? (expandAt(name, ['model', 'container'], variables, findings) ?? name) : name;
}

function ofCluster({ file }: Cluster): string {
  return file === null ? ' (there is no cluster file)' : ` of ${file}`;
}

function near(name: string, aliases: Readonly<Record<string, string>>): string | null {
  const found = nearest(name, Object.keys(aliases));
  return found === null ? null : `did you mean ${found}?`;
}
