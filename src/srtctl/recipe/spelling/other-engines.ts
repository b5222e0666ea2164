/** Recipes for engines that srtctl does not start: one problem says so, and nothing else of them is judged. */
import type { Problem } from '../text/problem.ts';
import { findTree, formatPath, type MapTree, type Path, plainOf, type Tree } from '../text/tree.ts';

/** Engines of srt-slurm by their keys, and what to write instead. */
const ENGINES: Readonly<Record<string, { readonly name: string; readonly instead: string | null }>> = {
  vllm: { name: 'vLLM', instead: null },
  trtllm: { name: 'TensorRT-LLM', instead: null },
  atom: { name: 'ATOM', instead: null },
  tilert: { name: 'TileRT', instead: null },
  tokenspeed: { name: 'TokenSpeed', instead: null },
  mocker: { name: 'the mocker of Dynamo', instead: 'backend.type: sim starts simulated engines' },
};

/** Where recipes of either schema name their engine. */
const PLACES: readonly Path[] = [
  ['backend', 'type'],
  ['engine'],
  ['engine', 'type'],
  ...['prefill', 'decode', 'agg'].flatMap((role) => [
    ['roles', role, 'engine'],
    ['roles', role, 'engine', 'type'],
  ]),
];

/** The problem of such a recipe; null: its engine is one of srtctl, or a name that srtctl does not know. */
export function findOtherEngine(root: MapTree): Problem | null {
  for (const path of PLACES) {
    const found = findTree(root, path);
    const engine = found?.kind === 'scalar' ? String(plainOf(found)) : '';
    if (found !== null && Object.hasOwn(ENGINES, engine)) return refusal(found, path, engine);
  }
  for (const engine of Object.keys(ENGINES)) {
    const path = ['backend', `${engine}_config`];
    const found = findTree(root, path);
    if (found !== null && findTree(root, ['backend', 'type']) === null) return refusal(found, path, engine);
  }
  return null;
}

function refusal({ at }: Tree, path: Path, engine: string): Problem {
  const { name, instead } = ENGINES[engine]!;
  return { ...at, path: formatPath(path), message: `this recipe is for ${name}: srtctl starts only SGLang engines`, suggestion: instead };
}
