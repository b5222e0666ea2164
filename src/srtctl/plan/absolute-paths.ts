/** Host paths of a recipe made absolute, since processes run in other directories. */
import { resolve } from 'node:path';
import type { Benchmark, Recipe } from '../recipe/resolve/recipe.ts';

/**
 * `sglang_src_dir`, `setup_script`, `mocker_model` and the files of benchmarks are paths whatever they look like. Models, containers and mounts are paths here only if they begin
 * with `./` or `../`; otherwise they are absolute, names, or begin with a placeholder.
 * @param directory absolute; what relative paths are relative to
 */
export function withAbsolutePaths(recipe: Recipe, directory: string): Recipe {
  const explicit = (path: string): string => (/^\.\.?(\/|$)/.test(path) ? resolve(directory, path) : path);
  const source = recipe.backend.sglangSourceDirectory;
  const { container } = recipe.model;
  const { mockerModel } = recipe.dynamo;
  const script = recipe.setupScript;
  return {
    ...recipe,
    model: { ...recipe.model, path: explicit(recipe.model.path), container: container === null ? null : explicit(container) },
    backend: { ...recipe.backend, sglangSourceDirectory: source === null ? null : resolve(directory, source) },
    dynamo: { ...recipe.dynamo, mockerModel: mockerModel === null ? null : resolve(directory, mockerModel) },
    setupScript: script === null ? null : { ...script, host: script.host === null ? null : resolve(directory, script.host) },
    configsDirectory: recipe.configsDirectory === null ? null : resolve(directory, recipe.configsDirectory),
    workspaceDirectory: recipe.workspaceDirectory === null ? null : resolve(directory, recipe.workspaceDirectory),
    workers: recipe.workers.map((group) => ({ ...group, container: group.container === null ? null : explicit(group.container) })),
    benchmark: withAbsoluteFiles(recipe.benchmark, directory),
    mounts: recipe.mounts.map((mount) => ({ ...mount, host: explicit(mount.host) })),
  };
}

function withAbsoluteFiles(benchmark: Benchmark, directory: string): Benchmark {
  if (benchmark.type === 'sa-bench' && benchmark.dataset !== null)
    return { ...benchmark, dataset: absoluteFile(benchmark.dataset, directory) };
  // The other client with a trace takes names of published ones.
  if (benchmark.type === 'trace-replay') return { ...benchmark, trace: absoluteFile(benchmark.trace, directory) };
  return benchmark;
}

/** URLs and placeholders are left. */
function absoluteFile(file: string, directory: string): string {
  return /^[{<$]|:\/\//.test(file) ? file : resolve(directory, file);
}
