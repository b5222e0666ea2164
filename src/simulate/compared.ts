/** Policies that a simulation can compare: those of the router, and some that are only comparisons. */
import { findPolicy, POLICIES, serves } from '../router/policy/catalogue.ts';
import type { Policy, PoolPolicy } from '../router/policy/contract.ts';
import { defaultsOf } from '../router/setting/setting.ts';
import { lmetric } from './lmetric.ts';

// What `create` returned goes back into the other calls of the same policy unseen, so its type is lost without harm.
const COMPARISONS: readonly Policy[] = [lmetric as Policy];

export const COMPARED: readonly string[] = [...POLICIES.filter((policy) => serves(policy, 'regular')), ...COMPARISONS].map(
  ({ name }) => name,
);

/** The policy with its defaults. Throws a RangeError for a name that is not in COMPARED. */
export function startCompared(name: string, salt: number): PoolPolicy {
  const policy = findPolicy(name) ?? COMPARISONS.find((one) => one.name === name);
  if (policy === undefined) throw new RangeError(`${name}: no such policy`);
  return { policy, state: policy.create(defaultsOf(policy.settings, 'seed'), salt) };
}
