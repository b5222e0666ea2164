import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Pool } from '../../../../test/support/policy-pool.ts';
import { promptOf } from '../../../../test/support/prompt-of.ts';
import { workerOf } from '../../../../test/support/worker-of.ts';
import type { Prompt } from '../../../base/core/route-input.ts';
import type { Usage } from '../../../base/core/usage.ts';
import { NONE } from '../../../base/core/worker.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import type { Choice, Policy } from '../contract.ts';
import { leastWait } from './least-wait.ts';

const OK = { kind: 'ok', status: 200 } as const;

/** A pool with workers 0 .. count-1. */
function poolOf(count: number): Pool {
  const pool = new Pool(leastWait as Policy, createRng(3));
  pool.join(...Array.from({ length: count }, (_, i) => i));
  return pool;
}
/** Text of `bytes` bytes that no other seed begins like. */
const textOf = (seed: number, bytes: number): string => {
  const parts: string[] = [];
  for (let i = 0; i * 16 < bytes; i++) parts.push(`${seed}-${i}`.padEnd(16, '.'));
  return parts.join('').slice(0, bytes);
};
const long = (seed: number): Prompt => promptOf(textOf(seed, 40_000));
const end = (pool: Pool, choice: Choice, usage: Usage | null = null): void => {
  pool.loads.release(choice.worker);
  pool.policy.settled?.(pool.state, choice, { outcome: OK, usage, nowMs: pool.nowMs });
};
/** One request from dispatch to end, its first token `ms` later. */
function serve(pool: Pool, prompt: Prompt, ms: number, usage: Usage | null = null): Choice {
  const choice = pool.dispatch(prompt);
  pool.nowMs += ms;
  pool.policy.firstToken?.(pool.state, choice, pool.nowMs);
  end(pool, choice, usage);
  return choice;
}

describe('least_wait', () => {
  it('sends a prompt to the worker that holds its beginning, if nothing waits there', () => {
    const pool = poolOf(4);
    const first = serve(pool, long(1), 1000);
    for (let i = 0; i < 8; i++) serve(pool, long(10 + i), 1000);
    const again = pool.dispatch(promptOf(textOf(1, 40_000) + textOf(2, 500)));
    assert.deepEqual([again.worker, again.because], [first.worker, 'prefix']);
    assert.ok(again.matchedBytes > 30_000);
  });

  it('leaves the holder when more waits there than the prefix saves, and comes back when that is done', () => {
    const pool = poolOf(2);
    const { worker } = serve(pool, long(1), 1000);
    const waiting = [0, 1, 2, 3].map((i) => pool.dispatch(promptOf(textOf(1, 40_000) + textOf(20 + i, 40_000))));
    assert.ok(new Set(waiting.map((choice) => choice.worker)).size === 2, 'both have work');
    pool.nowMs += 60_000;
    for (const choice of waiting) pool.policy.firstToken?.(pool.state, choice, pool.nowMs);
    for (const choice of waiting) end(pool, choice);
    assert.equal(pool.dispatch(promptOf(textOf(1, 40_000))).because, 'prefix');
    assert.ok(worker === 0 || worker === 1);
  });

  it('goes where prefill ends first: one long prompt weighs more than many short ones', () => {
    const pool = poolOf(2);
    const { worker } = pool.dispatch(long(1));
    for (let i = 0; i < 10; i++) assert.equal(pool.dispatch(promptOf(textOf(100 + i, 400))).worker, 1 - worker);
  });

  it('prefers the faster worker, as first tokens show it', () => {
    const pool = poolOf(2);
    for (let i = 0; i < 60; i++) {
      const choice = pool.dispatch(long(100 + i));
      const other = pool.dispatch(long(1000 + i));
      for (const one of [choice, other]) pool.policy.firstToken?.(pool.state, one, pool.nowMs + (one.worker === 0 ? 400 : 2000));
      pool.nowMs += 2000;
      end(pool, choice);
      end(pool, other);
    }
    assert.equal(pool.dispatch(long(1)).worker, 0);
    assert.equal(pool.dispatch(long(2)).worker, 0, 'behind another one it is still sooner');
  });

  it('prefers the worker where fewer requests decode', () => {
    const pool = poolOf(2);
    const prompt = (seed: number): Prompt => promptOf(textOf(seed, 2000));
    const [running, ended] = [pool.dispatch(prompt(1)), pool.dispatch(prompt(2))];
    assert.notEqual(running.worker, ended.worker);
    pool.nowMs += 100;
    for (const choice of [running, ended]) pool.policy.firstToken?.(pool.state, choice, pool.nowMs);
    end(pool, ended);
    assert.equal(pool.dispatch(prompt(3)).worker, ended.worker);
  });

  it('forgets what an engine must have evicted by now, by the size of its cache', () => {
    const pool = poolOf(0);
    pool.join(0, 1);
    for (const index of [0, 1]) {
      pool.policy.leave?.(pool.state, index);
      pool.policy.join?.(pool.state, workerOf(index, { kvTokens: 50_000 }));
    }
    const matched = (others: number): number => {
      for (let i = 0; i < others; i++) serve(pool, long(1000 * others + i), 1000);
      return pool.select(long(1)).matchedBytes;
    };
    serve(pool, long(1), 1000);
    assert.ok(matched(2) > 30_000);
    // 50,000 tokens are about 200,000 bytes; the two workers compute 800,000 bytes between them.
    assert.equal(matched(20), 0);
  });

  it('takes what engines report as cached for the truth', () => {
    const pool = poolOf(1);
    const tokens = (cachedTokens: number): Usage => ({ promptTokens: 10_000, cachedTokens, completionTokens: 1 });
    serve(pool, long(1), 1000, tokens(0));
    for (let i = 0; i < 30; i++) {
      serve(pool, long(500 + i), 1000, tokens(0));
      serve(pool, long(1), 1000, tokens(0));
    }
    // The prefix was gone each time, though only 40,000 bytes had been computed in between.
    serve(pool, long(999), 1000, tokens(0));
    serve(pool, long(998), 1000, tokens(0));
    serve(pool, long(997), 1000, tokens(0));
    serve(pool, long(996), 1000, tokens(0));
    assert.equal(pool.select(long(1)).matchedBytes, 0);
  });

  it('learns the size of a cache from facts that come late', () => {
    const pool = poolOf(1);
    pool.join(1);
    for (const index of [0, 1]) pool.policy.join?.(pool.state, workerOf(index, { kvTokens: 20_000 }));
    serve(pool, long(1), 1000);
    for (let i = 0; i < 12; i++) serve(pool, long(100 + i), 1000);
    assert.equal(pool.select(long(1)).matchedBytes, 0);
  });

  it('notices that an engine has lost its cache, by answers that found nothing in it', () => {
    const pool = poolOf(2);
    const { worker } = serve(pool, long(1), 1000);
    const nothing: Usage = { promptTokens: 10_000, cachedTokens: 0, completionTokens: 1 };
    serve(pool, long(2), 1000);
    for (let i = 0; i < 4; i++) {
      assert.equal(pool.select(long(1)).worker, worker);
      serve(pool, long(1), 1000, nothing);
    }
    assert.equal(pool.select(long(1)).matchedBytes, 0);
  });

  it('serves requests whose prompt it cannot read by waits alone', () => {
    const pool = poolOf(3);
    const nothing: Prompt = { body: Buffer.alloc(0), ranges: new Int32Array(0), rangeCount: 0 };
    const { worker } = pool.dispatch(long(1));
    const counts = [0, 0, 0];
    for (let i = 0; i < 6; i++) counts[pool.dispatch(nothing).worker]!++;
    assert.equal(counts[worker], 0);
    assert.deepEqual(
      counts.filter((count) => count > 0),
      [3, 3],
    );
  });

  it('goes on without first tokens: plain answers teach nothing wrong and block nobody', () => {
    const pool = poolOf(4);
    const counts = [0, 0, 0, 0];
    const running: Choice[] = [];
    for (let i = 0; i < 400; i++) {
      pool.nowMs += 500;
      const choice = pool.dispatch(promptOf(textOf(i, 4000)));
      counts[choice.worker]!++;
      running.push(choice);
      if (running.length > 12) end(pool, running.shift()!);
    }
    for (const count of counts) assert.ok(count > 60, `${counts}`);
  });

  it('learns from the ends of answers of prefill workers, which have nothing to do after the first token', () => {
    const pool = new Pool(leastWait as Policy, createRng(3));
    for (const index of [0, 1]) {
      pool.join(index);
      pool.policy.join?.(pool.state, workerOf(index, { type: 'prefill' }));
    }
    for (let i = 0; i < 60; i++) {
      const both = [pool.dispatch(long(100 + i)), pool.dispatch(long(1000 + i))];
      pool.nowMs += 400;
      for (const choice of both.filter(({ worker }) => worker === 0)) end(pool, choice);
      pool.nowMs += 1600;
      for (const choice of both.filter(({ worker }) => worker === 1)) end(pool, choice);
    }
    assert.equal(pool.dispatch(long(1)).worker, 0);
    assert.equal(pool.dispatch(long(2)).worker, 0, 'behind another one it is still sooner');
  });

  it('survives a clock that stands, rates of nothing and lies: it chooses, and no worker is starved for good', () => {
    const lie = fc.record({
      promptTokens: fc.constantFrom(0, 1, 1e15),
      cachedTokens: fc.constantFrom(null, 0, 1e15),
      completionTokens: fc.constantFrom(0, 1e15),
    });
    const step = fc.record({
      seed: fc.nat(5),
      bytes: fc.nat(50_000),
      first: fc.boolean(),
      usage: fc.option(lie),
      ms: fc.constantFrom(0, 0, 5),
    });
    let chosen = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = poolOf(3);
        for (const { seed, bytes, first, usage, ms } of steps) {
          pool.nowMs += ms;
          const choice = pool.dispatch(promptOf(textOf(seed, bytes)));
          assert.notEqual(choice.worker, NONE);
          chosen++;
          if (first) pool.policy.firstToken?.(pool.state, choice, pool.nowMs);
          end(pool, choice, usage);
        }
        // Whatever it was told: when two of three workers have an hour of prefill before them, the third one gets the next.
        const queued = Array.from({ length: 200 }, (_, i) => pool.dispatch(promptOf(textOf(1000 + i, 8000))));
        assert.equal(new Set(queued.map(({ worker }) => worker)).size, 3);
      }),
      { numRuns: 60 },
    );
    assert.ok(chosen > 100);
  });

  it('chooses among 1,024 workers, and NONE when all are excluded', () => {
    const pool = poolOf(1024);
    const all = Array.from({ length: 1024 }, (_, i) => i);
    assert.deepEqual([pool.select(long(1), ...all).worker, pool.select(long(1), ...all).because], [NONE, 'none']);
    const used = new Set(all.map((i) => pool.dispatch(promptOf(textOf(i, 3000))).worker));
    assert.equal(used.size, 1024, 'idle ones first');
    assert.equal(pool.select(long(1), ...all.slice(1)).worker, 0);
  });

  it('drops what it knows of a worker that left, and a request that ends later changes nothing', () => {
    const pool = poolOf(2);
    const choice = pool.dispatch(long(1));
    pool.policy.leave?.(pool.state, choice.worker);
    pool.policy.join?.(pool.state, workerOf(choice.worker));
    pool.policy.firstToken?.(pool.state, choice, 1);
    pool.policy.settled?.(pool.state, choice, { outcome: OK, usage: null, nowMs: 2 });
    pool.loads.release(choice.worker);
    pool.view.setEligible(Int32Array.of(0, 1));
    pool.policy.eligible?.(pool.state, Int32Array.of(0, 1));
    const counts = [0, 0];
    for (let i = 0; i < 20; i++) counts[pool.dispatch(promptOf(textOf(50 + i, 3000))).worker]!++;
    assert.deepEqual(counts, [10, 10]);
  });
});
