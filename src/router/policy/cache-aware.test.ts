import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool } from '../../../test/support/policy-pool.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import type { Prompt } from '../../base/core/route-input.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { type CacheAwareState, cacheAware } from './cache-aware.ts';
import type { Policy } from './contract.ts';
import { roundRobin } from './round-robin.ts';

const NO_CHANCE = { nextUint32: () => assert.fail('cache_aware drew'), below: () => assert.fail('cache_aware drew') };
const poolOf = (workers: number, values: Readonly<Record<string, number>> = {}) => {
  const pool = new Pool(cacheAware as Policy, NO_CHANCE, values);
  pool.join(...Array.from({ length: workers }, (_, i) => i));
  return pool;
};
const addLoad = (pool: Pool, worker: number, count: number) => {
  for (let i = 0; i < count; i++) pool.loads.acquire(worker);
};
const words = (seed: number, bytes: number) => {
  const rng = createRng(seed);
  return Array.from({ length: bytes }, () => String.fromCharCode(97 + rng.below(26))).join('');
};
const chat = (...messages: readonly string[]) =>
  promptOf(JSON.stringify(messages.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))));
const plain = (text: string) => promptOf(JSON.stringify(text));

describe('cache_aware', () => {
  it('sends a prompt where its prefix went, and says how much of it is there', () => {
    const pool = poolOf(4);
    const system = words(1, 3000);
    addLoad(pool, 0, 1);
    assert.deepEqual(pool.dispatch(plain(`${system} one`)), { worker: 1, because: 'prefix-miss', matchedBytes: 0 });
    addLoad(pool, 1, 5);
    const choice = pool.dispatch(plain(`${system} two`));
    assert.deepEqual([choice.worker, choice.because], [1, 'prefix']);
    assert.ok(choice.matchedBytes > 2800 && choice.matchedBytes <= 3002, `${choice.matchedBytes}`);
  });

  it('goes by load, then by requests processed, when it knows too little of the prompt', () => {
    const pool = poolOf(3);
    const shared = words(2, 1000);
    assert.equal(pool.dispatch(plain(shared + words(3, 100))).worker, 0);
    pool.endOldest();
    // 1,000 of 4,000 bytes are known: less than 0.3. Nobody has load; worker 0 has processed one already.
    assert.deepEqual(pool.dispatch(plain(shared + words(4, 3000))), { worker: 1, because: 'prefix-miss', matchedBytes: 0 });
    // Of 2,500 bytes it is enough.
    assert.equal(pool.select(plain(shared + words(5, 1500))).because, 'prefix');
  });

  it('takes the threshold as exclusive', () => {
    const pool = poolOf(2, { cacheThreshold: 0.5 });
    pool.dispatch(plain('a'.repeat(32)));
    // The quote in front is skeleton; behind the 64 letters comes the quote that ends the string.
    assert.equal(pool.select(promptOf(`"${'a'.repeat(32)}${'b'.repeat(32)}`)).because, 'prefix-miss');
    assert.equal(pool.select(promptOf(`"${'a'.repeat(32)}${'b'.repeat(31)}`)).because, 'prefix');
  });

  it('sets affinity aside when loads differ by more than abs and rel, and still remembers the prompt', () => {
    const pool = poolOf(3);
    const prompt = plain(words(6, 500));
    pool.dispatch(prompt);
    addLoad(pool, 0, 63);
    assert.equal(pool.select(prompt).because, 'prefix', '64 and 0 differ by 64: not more than abs');
    addLoad(pool, 0, 1);
    addLoad(pool, 1, 1);
    assert.equal(pool.dispatch(prompt).because, 'imbalance');
    assert.deepEqual([pool.loads.inflight[2], pool.loads.processed[2]], [1, 1]);
    for (let i = 0; i < 60; i++) pool.loads.release(0);
    for (let i = 0; i < 5; i++) pool.loads.release(0);
    addLoad(pool, 0, 3);
    assert.deepEqual([pool.select(prompt).worker, pool.select(prompt).because], [2, 'prefix'], 'both hold it now; 2 has less load');
  });

  it('needs both thresholds to call loads imbalanced', () => {
    const pool = poolOf(2);
    const prompt = plain(words(7, 500));
    pool.dispatch(prompt);
    addLoad(pool, 0, 229);
    addLoad(pool, 1, 160);
    assert.equal(pool.select(prompt).because, 'prefix', '230 is less than 1.5 times 160');
    for (let i = 0; i < 10; i++) pool.loads.release(1);
    assert.equal(pool.select(prompt).because, 'imbalance', '230 is more than 1.5 times 150');
  });

  it('asks the next longest holder when the longest cannot take it, then the least loaded', () => {
    const pool = poolOf(5);
    const system = words(8, 2000);
    const [longer, longest] = [words(9, 600), words(10, 600)];
    pool.dispatch(plain(system + longer)); // worker 0
    addLoad(pool, 0, 80);
    const question = plain(system + longer + longest);
    assert.deepEqual([pool.dispatch(question).because, pool.dispatch(question).worker], ['imbalance', 2]);
    for (let i = 0; i < 80; i++) pool.loads.release(0);
    addLoad(pool, 0, 9);
    // 1 and 2 hold all of it with one request each, 2 got it last; 0 holds the first part.
    assert.equal(pool.select(question).worker, 2);
    assert.equal(pool.select(question, 2).worker, 1);
    addLoad(pool, 2, 1);
    assert.equal(pool.select(question).worker, 1);
    pool.setEligible(1, false);
    pool.leave(2);
    const choice = pool.select(question);
    assert.deepEqual([choice.worker, choice.because], [0, 'prefix']);
    assert.ok(choice.matchedBytes >= 2500 && choice.matchedBytes <= 2601, `${choice.matchedBytes}`);
    assert.deepEqual([pool.select(question, 0).worker, pool.select(question, 0).because], [3, 'prefix-miss']);
  });

  it('follows a conversation that grows, even to a worker that has more to do', () => {
    const pool = poolOf(6);
    const turns = [words(11, 400)];
    const { worker } = pool.dispatch(chat(...turns));
    for (let turn = 0; turn < 10; turn++) {
      turns.push(words(20 + turn, 300), words(40 + turn, 60));
      const choice = pool.dispatch(chat(...turns));
      assert.deepEqual([choice.worker, choice.because], [worker, 'prefix']);
      assert.ok(choice.matchedBytes >= 400 + 360 * turn, `${choice.matchedBytes} in turn ${turn}`);
    }
    assert.equal(pool.loads.inflight[worker], 11);
  });

  it('gives short prompts affinity on an exact repeat and on a shared start, but not for being JSON', () => {
    const pool = poolOf(8);
    const first = pool.dispatch(chat('Hi')).worker;
    assert.deepEqual([pool.dispatch(chat('Hi')).worker, pool.select(chat('Hi')).because], [first, 'prefix']);
    assert.equal(pool.select(chat('Ho')).because, 'prefix-miss');
    assert.equal(pool.select(chat('What is the capital of France?')).because, 'prefix-miss');
    const poet = pool.dispatch(chat('You are a poet. Write about the sea.')).worker;
    assert.deepEqual([pool.select(chat('You are a poet. Write about a cat.')).worker, poet], [poet, poet]);
    assert.equal(
      pool.select(promptOf(JSON.stringify([{ role: 'user', content: [{ type: 'text', text: 'Hey you' }] }]))).because,
      'prefix-miss',
    );
  });

  it('routes an empty prompt by load', () => {
    const pool = poolOf(2);
    const nothing: Prompt = { body: Buffer.alloc(0), ranges: new Int32Array(0), rangeCount: 0 };
    assert.deepEqual([pool.dispatch(nothing).worker, pool.dispatch(nothing).worker], [0, 1]);
    assert.equal(pool.select(chat('')).because, 'prefix-miss');
  });

  it('keeps groups with a common prefix together and the fleet in balance', () => {
    const [groups, workers, concurrent] = [64, 8, 128];
    const rng = createRng(12);
    const prefixes = Array.from({ length: groups }, (_, i) => words(1000 + i, 1500));
    const run = (pool: Pool) => {
      const seen = Array.from({ length: groups }, () => new Array<number>(workers).fill(0));
      const counts = new Array<number>(workers).fill(0);
      for (let i = 0; i < 6000; i++) {
        const group = rng.below(groups);
        const { worker } = pool.dispatch(plain(`${prefixes[group]} ${words(i, 200)}`));
        seen[group]![worker]!++;
        counts[worker]!++;
        if (pool.running > concurrent) pool.endOldest();
      }
      const together = seen.reduce((sum, row) => sum + Math.max(...row), 0) / 6000;
      return { together, spread: Math.max(...counts) / (6000 / workers) };
    };
    const aware = run(poolOf(workers, {}));
    const spread = new Pool(roundRobin as Policy, NO_CHANCE);
    spread.join(0, 1, 2, 3, 4, 5, 6, 7);
    assert.ok(run(spread).together < 0.3, 'the measure tells a policy without affinity');
    assert.ok(aware.together > 0.95, `affinity ${aware.together}`);
    assert.ok(aware.spread < 1.3, `busiest worker ${aware.spread} of its share`);
  });

  it('lets a single hot prefix load one worker no further than the imbalance rule, then uses the whole fleet', () => {
    const pool = poolOf(8);
    const system = words(13, 4000);
    const counts = new Array<number>(8).fill(0);
    let widest = 0;
    for (let i = 0; i < 8000; i++) {
      counts[pool.dispatch(plain(`${system} ${words(5000 + i, 150)}`)).worker]!++;
      widest = Math.max(widest, pool.view.maxLoad() - pool.view.minLoad());
      if (pool.running > 400) pool.endOldest();
    }
    assert.ok(widest <= 64 + 1, `${widest}`);
    assert.ok(Math.min(...counts) > 300, `${counts}`);
  });

  it('remembers the prompt of the commit, not the one that was hashed last', () => {
    const [a, b, c] = [words(14, 500), words(15, 500), words(16, 700)].map(plain) as [Prompt, Prompt, Prompt];
    const pool = poolOf(2);
    const choice = pool.select(a);
    pool.select(b); // of the same length
    pool.policy.commit?.(pool.state, choice, pool.input(a));
    assert.deepEqual([pool.select(a).because, pool.select(b).because], ['prefix', 'prefix-miss']);
    pool.policy.commit?.(pool.state, pool.select(b), pool.input(c));
    assert.deepEqual([pool.select(b).because, pool.select(c).because], ['prefix-miss', 'prefix']);
  });

  it('stays within its budget however many prompts come', () => {
    const pool = poolOf(4, { maxTreeSize: 1 });
    const { index } = pool.state as CacheAwareState;
    for (let i = 0; i < 2000; i++) {
      pool.dispatch(plain(words(i, 1500)));
      pool.endOldest();
      assert.ok(index.bytes <= 2 ** 20);
    }
    assert.equal(index.blocks, index.capacity);
  });
});
