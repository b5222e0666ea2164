/**
 * What a policy costs per request (select, commit, first token, end, one load up, one down) in fleets of 8, 64 and 1,024 workers. Target:
 * 1,024 workers cost at most three times what 8 cost. Prompts have 1,500 bytes.
 */
import { LoadTable } from '../../src/base/core/load.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { POLICIES } from '../../src/router/policy/catalogue.ts';
import type { Choice, Policy } from '../../src/router/policy/contract.ts';
import { FleetViewState } from '../../src/router/policy/view.ts';
import { defaultsOf } from '../../src/router/setting/setting.ts';
import { inputOf, promptOf } from '../../test/support/prompt-of.ts';
import { workerOf } from '../../test/support/worker-of.ts';
import type { Case } from './case.ts';

const OPS = 1024;
const IN_FLIGHT = 256;
const OK = { kind: 'ok', status: 200 } as const;

/** 32 beginnings of 1,000 bytes with 128 endings each. */
const INPUTS = Array.from({ length: 4096 }, (_, i) => {
  const text = Buffer.alloc(1500, `shared beginning number ${i & 31} `);
  text.write(`ending ${i}`, 1000);
  return inputOf(promptOf(text));
});

function policyCase(policy: Policy, workers: number): Case {
  const loads = new LoadTable();
  const view = new FleetViewState(loads);
  const state = policy.create(defaultsOf(policy.settings, 'seed'), 1);
  for (let worker = 0; worker < workers; worker++) {
    loads.reset(worker);
    policy.join?.(state, workerOf(worker));
  }
  const all = Int32Array.from({ length: workers }, (_, i) => i);
  view.setEligible(all);
  policy.eligible?.(state, all);
  const rng = createRng(1);
  const running: (Choice | undefined)[] = new Array(IN_FLIGHT).fill(undefined);
  let count = 0;
  return {
    name: `${policy.name}, ${workers} workers`,
    ops: OPS,
    run() {
      for (let i = 0; i < OPS; i++) {
        const input = INPUTS[count & 4095]!;
        const choice = policy.select(view, input, state, rng);
        policy.commit?.(state, choice, input);
        loads.acquire(choice.worker);
        const slot = count++ & (IN_FLIGHT - 1);
        const ended = running[slot];
        if (ended !== undefined) {
          loads.release(ended.worker);
          policy.firstToken?.(state, ended, count);
          policy.settled?.(state, ended, { outcome: OK, usage: null, nowMs: count });
        }
        running[slot] = choice;
      }
    },
  };
}

export function cases(): readonly Case[] {
  return POLICIES.flatMap((policy) => [8, 64, 1024].map((workers) => policyCase(policy, workers)));
}
