/** Files that flags name below the directories that every container sees: whether this host has them. */
import type { Findings } from '../text/findings.ts';
import { shown } from '../text/findings.ts';
import { findTree, type Path, type Tree } from '../text/tree.ts';
import type { Recipe } from './recipe.ts';
import type { PathCheck } from './resolve-context.ts';

const CONFIGS = '/configs';
const WORKSPACE = '/infmax-workspace';

/** Where flags and commands with paths are. */
const FLAGS: readonly Path[] = [
  ['backend', 'sglang_config', 'prefill'],
  ['backend', 'sglang_config', 'decode'],
  ['backend', 'sglang_config', 'aggregated'],
  ['frontend', 'args'],
];

type Directories = Pick<Recipe, 'configsDirectory' | 'workspaceDirectory' | 'mounts'>;

/** `tree`: of the recipe. */
export function checkMountedFiles(tree: Tree, directories: Directories, fileExists: PathCheck | null, findings: Findings): void {
  const { configsDirectory, workspaceDirectory, mounts } = directories;
  const isGiven = (place: string): boolean => mounts.some(({ container }) => container.replace(/\/+$/, '') === place);
  for (const section of FLAGS)
    for (const [path, text] of texts(findTree(tree, section), section)) {
      if (workspaceDirectory === null && text.startsWith(`${WORKSPACE}/`) && !isGiven(WORKSPACE))
        findings.problem(path, `${shown(text)}: nothing is mounted at ${WORKSPACE}`, 'set INFMAX_WORKSPACE where srtctl runs, or mount it');
      if (!text.startsWith(`${CONFIGS}/`) || isGiven(CONFIGS) || configsDirectory === null || fileExists === null) continue;
      const host = `${configsDirectory}${text.slice(CONFIGS.length)}`;
      if (!fileExists(host))
        findings.warn(path, `there is no file ${shown(host)} on this host`, 'right only if it is there when the run starts');
    }
  const command = findTree(tree, ['benchmark', 'command']);
  if (workspaceDirectory === null && !isGiven(WORKSPACE) && command?.kind === 'scalar' && command.text.includes(WORKSPACE))
    findings.warn(
      ['benchmark', 'command'],
      `names ${WORKSPACE}, and nothing is mounted there`,
      'set INFMAX_WORKSPACE where srtctl runs to the directory that the container should see',
    );
}

/** Whether any text of a recipe names the directory of configurations. */
export function namesConfigs(tree: Tree): boolean {
  if (tree.kind === 'scalar') return tree.text.includes(`${CONFIGS}/`);
  return tree.kind === 'list' ? tree.items.some(namesConfigs) : [...tree.entries.values()].some(({ value }) => namesConfigs(value));
}

function texts(tree: Tree | null, path: Path): readonly (readonly [Path, string])[] {
  if (tree === null) return [];
  if (tree.kind === 'scalar') return typeof tree.value === 'string' ? [[path, tree.value]] : [];
  if (tree.kind === 'list') return tree.items.flatMap((item, at) => texts(item, [...path, at]));
  return [...tree.entries].flatMap(([key, { value }]) => texts(value, [...path, key]));
}
