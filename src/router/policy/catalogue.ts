/** All policies by name. A new policy is a file and a line here; the conformance suite runs over this list. */
import { bucket } from './bucket.ts';
import { cacheAware } from './cache-aware.ts';
import type { Policy } from './contract.ts';
import { powerOfTwo } from './power-of-two.ts';
import { random } from './random.ts';
import { roundRobin } from './round-robin.ts';

/** A policy whose state only it knows: what `create` returned goes back into the other calls unseen. */
const POLICIES: readonly Policy[] = [roundRobin, random, powerOfTwo, cacheAware, bucket].map((policy) => policy as Policy);

export const POLICY_NAMES: readonly string[] = POLICIES.map((policy) => policy.name);

export function findPolicy(name: string): Policy | undefined {
  return POLICIES.find((policy) => policy.name === name);
}
