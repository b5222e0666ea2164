import assert from 'node:assert/strict';
import { it } from 'node:test';
import { findPolicy, POLICY_NAMES } from '../src/policy/catalogue.ts';
import { createRng } from '../src/runtime/rng.ts';
import { testConformance } from './support/policy-conformance.ts';

for (const name of POLICY_NAMES) testConformance(findPolicy(name)!, createRng);

it('the catalogue knows the policies of the command line, and no others', () => {
  assert.deepEqual([...POLICY_NAMES].sort(), ['bucket', 'cache_aware', 'power_of_two', 'random', 'round_robin']);
  assert.equal(findPolicy('nonsense'), undefined);
});
