/** What the launcher must understand of an engine's flags: sizes, and what belongs to the plan. */
import { ENGINE_SPELLINGS } from '../../../base/config/engine-spellings.ts';
import { editDistance } from '../../../base/config/suggest.ts';
import type { Flags, FlagValue, WorkerRole } from './recipe.ts';

/** Spellings of one flag. Source: SGLang's server_args.py. */
const SPELLINGS = {
  tensor: ENGINE_SPELLINGS.tensor,
  pipeline: ENGINE_SPELLINGS.pipeline,
  data: ENGINE_SPELLINGS.data,
  bootstrapPort: ['disaggregation-bootstrap-port'],
  mode: ['disaggregation-mode'],
  transferBackend: ['disaggregation-transfer-backend'],
  pageSize: ['page-size'],
  cacheType: ['kv-cache-dtype'],
  modelPath: ENGINE_SPELLINGS.modelPath,
  port: ['port'],
} as const;

/** Long enough that a name two letters away is a slip of the hand. */
const LONG_NAMES: readonly string[] = Object.values(SPELLINGS)
  .flat()
  .filter((name) => name.length >= 12);

/** The flag that was probably meant by one that engines do not know; null: no idea. */
export function misspelledFlag(flag: string): string | null {
  if (flag.length < 10 || flag.length > 40 || LONG_NAMES.includes(flag)) return null;
  return LONG_NAMES.find((name) => Math.abs(name.length - flag.length) <= 2 && editDistance(name, flag) <= 2) ?? null;
}

export type EngineFlag = keyof typeof SPELLINGS;

export interface FoundFlag {
  /** As the recipe spells it. */
  readonly name: string;
  readonly value: FlagValue;
}

/** The last one counts, as for the engine. Null if the recipe does not say. */
export function findEngineFlag(flags: Flags, flag: EngineFlag): FoundFlag | null {
  const names: readonly string[] = SPELLINGS[flag];
  const name = Object.keys(flags).findLast((candidate) => names.includes(candidate) && flags[candidate] !== null);
  return name === undefined ? null : { name, value: flags[name]! };
}

/** Pairs of names in these flags that mean one flag, in their order. */
export function doubleFlags(flags: Flags): readonly (readonly [string, string])[] {
  const names = Object.keys(flags).filter((name) => flags[name] !== null);
  return Object.values(SPELLINGS).flatMap((spellings: readonly string[]) => {
    const [first, second] = names.filter((name) => spellings.includes(name));
    return first === undefined || second === undefined ? [] : [[first, second] as const];
  });
}

/** The value as a whole number, also in quotes; NaN for anything else (maps and lists may have no text at all). */
export function wholeNumber(value: unknown): number {
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isInteger(number) ? number : Number.NaN;
}

/** GPUs that one worker uses, or the flag that says something else than a whole number from 1. */
export type WorkerGpus =
  | { readonly ok: true; readonly gpus: number; readonly given: boolean; readonly how: string }
  | { readonly ok: false; readonly flag: FoundFlag };

/** Tensor x pipeline, times data unless attention is data-parallel inside of the tensor ranks. */
export function gpusOfWorker(flags: Flags): WorkerGpus {
  const sizes: { readonly flag: EngineFlag; readonly size: number; readonly name: string | null }[] = [];
  for (const flag of ['tensor', 'pipeline', 'data'] as const) {
    const found = findEngineFlag(flags, flag);
    const size = found === null ? 1 : wholeNumber(found.value);
    if (found !== null && !(size >= 1 && size <= 1_000_000)) return { ok: false, flag: found };
    sizes.push({ flag, size, name: found?.name ?? null });
  }
  const isInside = isSwitchedOn(flags['enable-dp-attention']);
  const counted = sizes.filter(({ flag, name }) => name !== null && !(flag === 'data' && isInside));
  const gpus = counted.reduce((product, { size }) => product * size, 1);
  return { ok: true, gpus, given: counted.length > 0, how: counted.map(({ name, size }) => `${name} ${size}`).join(' x ') };
}

/** A switch, also in quotes. */
function isSwitchedOn(value: FlagValue | undefined): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

/** Flags that only the plan can know. */
const OWNED: Readonly<Record<string, string>> = {
  host: 'the address of the node',
  'dist-init-addr': 'the address of the first node of the worker',
  'nccl-init-addr': 'the address of the first node of the worker',
  nnodes: 'the number of nodes of the worker',
  'node-rank': 'the place of the process in its worker',
};

/** What the plan gives instead, or null if the flag is the recipe's own. */
export function ownedFlag(flag: string): string | null {
  return Object.hasOwn(OWNED, flag) ? OWNED[flag]! : null;
}

/** What `disaggregation-mode` must be; null: it must not be there. */
export function expectedMode(role: WorkerRole): string | null {
  return role === 'aggregated' ? null : role;
}
