/** Where the setup script of a recipe and the directory behind /configs are on this host. */
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import { namesConfigs } from './check-mounted-files.ts';
import { expandAt } from './free-maps.ts';
import type { SetupScript } from './recipe.ts';
import type { ResolveContext } from './resolve-context.ts';

export interface FoundConfigs {
  readonly setupScript: SetupScript | null;
  /** Null: there is none on this host. */
  readonly configsDirectory: string | null;
}

/** Levels above a recipe at which `configs/` is looked for. */
const LEVELS = 12;

export function resolveConfigs(input: RecipeInput, context: ResolveContext, findings: Findings): FoundConfigs {
  const places = configsPlaces(context);
  const { directoryExists: exists } = context;
  const seen = exists === null ? null : (places.find(exists) ?? null);
  // Where a recipe relies on it there has to be one; a run makes it.
  const found = seen ?? (exists !== null && namesConfigs(findings.tree) ? 'configs' : null);
  if (seen === null && found !== null)
    findings.warn(
      [],
      'names files below /configs, and there is no directory configs here or above the recipe',
      'the run makes ./configs; put them there',
    );
  const path = ['setup_script'];
  const name = input.setup_script === undefined ? null : expandAt(input.setup_script, path, context.variables, findings);
  if (name === null) return { setupScript: null, configsDirectory: found };
  if (/[:,\r\n]/.test(name))
    findings.problem(path, `${shown(name)} cannot be mounted`, 'paths with ":", "," or line breaks cannot be mounted');
  return findScript(name, places, found, context, findings);
}

function findScript(
  name: string,
  places: readonly string[],
  found: string | null,
  { recipeDirectory, fileExists }: ResolveContext,
  findings: Findings,
): FoundConfigs {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const own = (host: string): FoundConfigs => ({ setupScript: { host, inConfigs: null, name: base }, configsDirectory: found });
  if (fileExists === null || name.startsWith('/')) {
    if (fileExists?.(name) === false)
      findings.warn(['setup_script'], `there is no file ${shown(name)} on this host`, 'right only if the nodes have it');
    return own(name);
  }
  const beside = recipeDirectory === null ? [name] : [`${recipeDirectory}/${name}`, name];
  const here = beside.find(fileExists);
  if (here !== undefined) return own(here);
  for (const directory of places)
    for (const inConfigs of [name, `patches/${name}`])
      if (fileExists(`${directory}/${inConfigs}`))
        return { setupScript: { host: `${directory}/${inConfigs}`, inConfigs, name: base }, configsDirectory: directory };
  const looked = [recipeDirectory ?? '.', ...(found === null ? ['configs'] : [found, `${found}/patches`])].join(', ');
  findings.warn(['setup_script'], `there is no file ${shown(name)} in ${looked}`, `right only if containers have it at /configs/${name}`);
  return { setupScript: { host: null, inConfigs: name, name: base }, configsDirectory: found };
}

/** That of srt-slurm's checkout, if the cluster file names it; that of the working directory; those above the recipe, the nearest first. */
function configsPlaces({ cluster, recipeDirectory }: ResolveContext): readonly string[] {
  const places = [...(cluster.srtctlRoot === null ? [] : [`${cluster.srtctlRoot}/configs`]), 'configs'];
  let directory = recipeDirectory ?? '.';
  for (let level = 0; level < LEVELS; level++) {
    places.push(`${directory}/configs`);
    const slash = directory.lastIndexOf('/');
    if (slash <= 0) break;
    directory = directory.slice(0, slash);
  }
  return [...new Set(places)];
}
