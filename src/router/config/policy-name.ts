/** Settings that name a policy: what they take follows from the catalogue of policies. */
import type { WorkerType } from '../../base/core/worker.ts';
import { POLICIES, serves } from '../policy/catalogue.ts';
import type { Policy } from '../policy/contract.ts';
import { choice, type Shape } from '../setting/shape.ts';

/** The name of a policy that can choose among workers of this type. */
export function policyName(type: WorkerType): Shape<string> {
  const names = POLICIES.filter((policy) => serves(policy, type)).map(({ name }) => name);
  const others = POLICIES.filter((policy) => !serves(policy, type));
  return choice('POLICY', names, {
    wrong: Object.fromEntries(others.map((policy) => [policy.name, placeOf(policy, type)])),
  });
}

function placeOf({ name, pools = [] }: Policy, type: WorkerType): string {
  return type === 'regular'
    ? `${name} is for ${pools.map((pool) => `--${pool}-policy`).join(' and ')}`
    : `${name} is for ${pools.join(' and ')} workers only`;
}
