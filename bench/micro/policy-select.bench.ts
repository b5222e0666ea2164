/**
 * What a policy costs per request (select, commit, one load up, one down) in fleets of 8, 64 and 1,024 workers.
 *
 *   node .build/bench/micro/policy-select.bench.js     target: 1,024 workers cost at most 3 times what 8 cost
 */
import { Bench } from 'tinybench';
import { LoadTable } from '../../src/core/load.ts';
import { findPolicy, POLICY_NAMES } from '../../src/policy/catalogue.ts';
import { FleetViewState } from '../../src/policy/view.ts';
import { createRng } from '../../src/runtime/rng.ts';
import { promptOf } from '../../test/support/prompt-of.ts';
import { report } from './report.ts';

const PROMPT_BYTES = 1500;
const IN_FLIGHT = 256;
const bench = new Bench({ time: 300, warmupTime: 100 });
for (const name of POLICY_NAMES) {
  const policy = findPolicy(name)!;
  for (const workers of [8, 64, 1024]) {
    const loads = new LoadTable();
    const view = new FleetViewState(loads);
    const state = policy.create({
      cacheThreshold: 0.3,
      balanceAbsThreshold: 64,
      balanceRelThreshold: 1.5,
      prefixIndexBytes: 40 * 2 ** 20,
      salt: 1,
    });
    for (let worker = 0; worker < workers; worker++) {
      loads.reset(worker);
      policy.join?.(state, worker);
    }
    view.setEligible(Int32Array.from({ length: workers }, (_, i) => i));
    const rng = createRng(1);
    // 32 beginnings, 4,096 endings.
    const prompts = Array.from({ length: 4096 }, (_, i) => {
      const text = Buffer.alloc(PROMPT_BYTES, `shared beginning number ${i & 31} `);
      text.write(`${i}`, 1000);
      return promptOf(text);
    });
    const running = new Int32Array(IN_FLIGHT).fill(-1);
    let i = 0;
    bench.add(`${name}, ${workers} workers`, () => {
      const input = prompts[i & 4095]!;
      const choice = policy.select(view, input, state, rng);
      policy.commit?.(state, choice, input);
      loads.acquire(choice.worker);
      const slot = i++ & (IN_FLIGHT - 1);
      const ended = running[slot]!;
      if (ended >= 0) loads.release(ended);
      running[slot] = choice.worker;
    });
  }
}
await bench.run();
report(bench, { 'prompt bytes': PROMPT_BYTES, 'requests in flight': IN_FLIGHT });
