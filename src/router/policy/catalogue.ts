/** All policies. A new policy is a file and a line here (docs/internals/adding.md). */
import type { WorkerType } from '../../base/core/worker.ts';
import { pickValues } from '../setting/setting.ts';
import { bucket } from './bucket.ts';
import { cacheAware } from './cache-aware.ts';
import { consistentHashing } from './consistent-hashing.ts';
import type { Policy, PoolPolicy } from './contract.ts';
import { leastLoad } from './least-load.ts';
import { leastWait } from './least-wait/least-wait.ts';
import { manual } from './manual.ts';
import { passthrough } from './passthrough.ts';
import { powerOfTwo } from './power-of-two.ts';
import { prefixHash } from './prefix-hash.ts';
import { random } from './random.ts';
import { roundRobin } from './round-robin.ts';

/** One a line, with what it goes by; in the order of help and documents. */
const CATALOGUE = [
  roundRobin, // by turn
  random, // by chance
  powerOfTwo, // by load
  cacheAware, // by prefix, then by load
  leastWait, // by predicted wait and prefix
  bucket, // by length of the prompt
  leastLoad, // by load
  manual, // by routing key, remembered
  consistentHashing, // by routing key, computed
  prefixHash, // by the beginning of the prompt
  passthrough, // the first
] as const;

// What `create` returned goes back into the other calls of the same policy unseen, so its type is lost without harm.
export const POLICIES: readonly Policy[] = CATALOGUE.map((policy) => policy as Policy);

type IntersectionOf<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;

/** The settings of all policies. Policies may share one; two different settings never have one key. */
export const POLICY_SETTINGS = Object.assign({}, ...POLICIES.map(({ settings }) => settings)) as IntersectionOf<
  (typeof CATALOGUE)[number]['settings']
>;

export function findPolicy(name: string): Policy | undefined {
  return POLICIES.find((policy) => policy.name === name);
}

/** Whether a policy can choose among workers of this type. */
export function serves({ pools }: Policy, type: WorkerType): boolean {
  return pools === undefined || pools.includes(type);
}

/** A policy for one pool, with those of `values` that are its settings. Throws a RangeError for a name that is not in the catalogue. */
export function startPolicy(name: string, values: object, salt: number): PoolPolicy {
  const policy = findPolicy(name);
  if (policy === undefined) throw new RangeError(`${name}: no such policy`);
  return { policy, state: policy.create(pickValues(policy.settings, values), salt) };
}

/** The same policy with other values: what it has learnt stays. */
export function adjustPolicy({ policy, state }: PoolPolicy, values: object): void {
  policy.adjust?.(state, pickValues(policy.settings, values));
}
