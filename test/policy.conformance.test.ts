import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRng } from '../src/base/runtime/rng.ts';
import { findPolicy, POLICY_NAMES } from '../src/router/policy/catalogue.ts';
import { testConformance } from './support/policy-conformance.ts';

for (const name of POLICY_NAMES) testConformance(findPolicy(name)!, createRng);

it('the catalogue knows the policies of the command line, and no others', () => {
  assert.deepEqual([...POLICY_NAMES].sort(), ['bucket', 'cache_aware', 'power_of_two', 'random', 'round_robin']);
  assert.equal(findPolicy('nonsense'), undefined);
});
