/** The benchmark block: complete for its type, or a complaint. */

import { DEFAULTS, type RecipeInput } from '../schema/recipe-schema.ts';
import type { Findings } from '../text/findings.ts';
import type { Tree } from '../text/tree.ts';
import { parseConcurrencies } from './concurrencies.ts';
import { readEnvironment } from './free-maps.ts';
import type { Benchmark } from './recipe.ts';

type BenchmarkInput = NonNullable<RecipeInput['benchmark']>;

const OF_SA_BENCH = ['isl', 'osl', 'concurrencies', 'req_rate', 'random_range_ratio', 'num_prompts_mult', 'num_warmup_mult'] as const;
const OF_CUSTOM = ['command', 'container_image'] as const;

/** @param container of the model, for a custom benchmark that names none. */
export function resolveBenchmark(
  input: RecipeInput,
  tree: Tree,
  container: string | null,
  alias: (name: string) => string,
  findings: Findings,
): Benchmark {
  const given = input.benchmark ?? {};
  const type = given.type ?? 'manual';
  // With a wrong type nobody knows what belongs to it, but concurrencies are what they are.
  if (given.type === undefined && findings.isWritten(['benchmark', 'type'])) concurrencies(given, findings);
  else warnUnused(type, given, findings);
  const environment = readEnvironment(tree, ['benchmark', 'env'], findings);
  if (type === 'custom') {
    if (given.command === undefined) missing('command', type, findings);
    return {
      type,
      command: given.command ?? '',
      container: given.container_image === undefined ? container : alias(given.container_image),
      environment,
    };
  }
  if (type === 'manual') return { type };
  for (const key of ['isl', 'osl', 'concurrencies'] as const) {
    if (!findings.isWritten(['benchmark', key])) missing(key, type, findings);
  }
  return {
    type,
    inputTokens: Number(given.isl ?? 1),
    outputTokens: Number(given.osl ?? 1),
    concurrencies: concurrencies(given, findings),
    requestRate: given.req_rate === undefined || given.req_rate === 'inf' ? null : given.req_rate,
    rangeRatio: given.random_range_ratio ?? DEFAULTS.rangeRatio,
    promptsMultiplier: Number(given.num_prompts_mult ?? DEFAULTS.promptsMultiplier),
    warmupMultiplier: Number(given.num_warmup_mult ?? DEFAULTS.warmupMultiplier),
    environment,
  };
}

function concurrencies(given: BenchmarkInput, findings: Findings): readonly number[] {
  if (given.concurrencies === undefined) return [];
  const parsed = parseConcurrencies(given.concurrencies);
  if (parsed.ok) return parsed.values;
  findings.problem(['benchmark', 'concurrencies'], parsed.message, parsed.suggestion);
  return [];
}

function missing(key: string, type: string, findings: Findings): void {
  findings.problem(['benchmark'], `${key} is missing, which ${type} needs`);
}

function warnUnused(type: string, given: BenchmarkInput, findings: Findings): void {
  const unused = [
    ...(type === 'sa-bench' ? [] : OF_SA_BENCH),
    ...(type === 'custom' ? [] : OF_CUSTOM),
    ...(type === 'manual' ? (['env'] as const) : []),
  ];
  for (const key of unused)
    if (given[key] !== undefined)
      findings.warn(['benchmark', key], `has no effect: the type is ${type}`, type === 'manual' ? 'set benchmark.type' : null);
}
