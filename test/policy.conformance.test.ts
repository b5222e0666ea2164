import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { WorkerType } from '../src/base/core/worker.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { loadConfig } from '../src/router/config/load-config.ts';
import { findPolicy, POLICIES, POLICY_SETTINGS, serves, startPolicy } from '../src/router/policy/catalogue.ts';
import { testConformance } from './support/policy-conformance.ts';

for (const policy of POLICIES) testConformance(policy, createRng);

const isTaken = (flag: string, name: string): boolean =>
  loadConfig({ argv: ['--pd-disaggregation', flag, name], env: {}, readFile: () => '' }).kind === 'config';

it('the command line takes each policy of the catalogue where it serves, and no others', () => {
  let refused = 0;
  for (const policy of POLICIES) {
    assert.equal(
      isTaken('--policy', policy.name),
      ['regular', 'prefill', 'decode'].every((type) => serves(policy, type as WorkerType)),
    );
    assert.equal(isTaken('--prefill-policy', policy.name), serves(policy, 'prefill'));
    assert.equal(isTaken('--decode-policy', policy.name), serves(policy, 'decode'));
    if (!serves(policy, 'decode')) refused++;
  }
  assert.ok(POLICIES.length - refused >= 4 && refused >= 1);
  assert.equal(isTaken('--policy', 'nonsense'), false);
});

it('the catalogue finds its policies by name', () => {
  for (const policy of POLICIES) assert.equal(findPolicy(policy.name), policy);
  assert.equal(new Set(POLICIES.map(({ name }) => name)).size, POLICIES.length);
  assert.equal(findPolicy('nonsense'), undefined);
  assert.throws(() => startPolicy('nonsense', {}, 1), RangeError);
});

it('policies that have a setting of one name share it', () => {
  const all: Readonly<Record<string, unknown>> = POLICY_SETTINGS;
  for (const { name, settings } of POLICIES) {
    for (const [key, declared] of Object.entries(settings)) assert.equal(all[key], declared, `${key} of ${name}`);
  }
  assert.ok(Object.keys(all).length >= 4);
});
