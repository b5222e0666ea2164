/** The policies that go by a key of the request: manual, consistent_hashing, prefix_hash. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool } from '../../../test/support/policy-pool.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { NONE } from '../../base/core/worker.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { consistentHashing } from './consistent-hashing.ts';
import type { Choice } from './contract.ts';
import { manual } from './manual.ts';
import { prefixHash } from './prefix-hash.ts';
import { MAX_KEYS, StickyKeys } from './sticky-keys.ts';

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const HOUR_MS = 3600 * 1000;

function poolOf(policy: typeof manual | typeof consistentHashing | typeof prefixHash, values = {}): Pool {
  const pool = new Pool(policy as ConstructorParameters<typeof Pool>[0], createRng(7), values);
  pool.join(...EIGHT);
  return pool;
}

/** Dispatches a request with these header fields, by their order in `needs`. */
function send(pool: Pool, headers: readonly (string | undefined)[], ...excluded: number[]): Choice {
  const input = { prompt: promptOf(''), headers, nowMs: pool.nowMs };
  return pool.commit(pool.selectFor(input, excluded), input);
}

describe('manual', () => {
  it('keeps a key on its worker, moves it when that is away, and takes it back', () => {
    const pool = poolOf(manual);
    const first = send(pool, ['a']);
    assert.equal(first.because, 'assigned');
    for (let i = 0; i < 20; i++) assert.deepEqual([send(pool, ['a']).worker, send(pool, ['a']).because], [first.worker, 'sticky']);
    pool.setEligible(first.worker, false);
    const second = send(pool, ['a']);
    assert.notEqual(second.worker, first.worker);
    assert.equal(send(pool, ['a']).worker, second.worker);
    pool.setEligible(first.worker, true);
    assert.equal(send(pool, ['a']).worker, first.worker);
  });

  it('forgets a key after --max-idle-secs without a request', () => {
    const pool = poolOf(manual, { maxIdleSecs: 3600 });
    send(pool, ['a']);
    pool.nowMs += HOUR_MS;
    assert.equal(send(pool, ['a']).because, 'sticky');
    pool.nowMs += HOUR_MS + 1;
    assert.equal(send(pool, ['a']).because, 'assigned');
  });

  it('assigns by number of keys with min_group, by requests with min_load', () => {
    const byKeys = poolOf(manual, { assignmentMode: 'min_group' });
    for (let i = 0; i < 80; i++) send(byKeys, [`key ${i}`]);
    const { keys } = byKeys.state as { keys: StickyKeys };
    assert.deepEqual(
      EIGHT.map((worker) => keys.countOf(worker)),
      new Array(8).fill(10),
    );
    const byLoad = poolOf(manual, { assignmentMode: 'min_load' });
    const workers = EIGHT.map((i) => send(byLoad, [`key ${i}`]).worker);
    assert.deepEqual([...workers].sort(), EIGHT);
  });

  it('remembers nothing of requests without a key', () => {
    const pool = poolOf(manual);
    assert.equal(send(pool, [undefined]).because, 'unassigned');
    assert.equal((pool.state as { keys: StickyKeys }).keys.size, 0);
  });

  it('remembers a bounded number of keys, the latest', () => {
    const keys = new StickyKeys(1);
    for (let i = 0; i < MAX_KEYS + 1000; i++) keys.use(`${i}`, i % 8, i, 0);
    assert.equal(keys.size, MAX_KEYS);
    assert.equal(
      EIGHT.reduce((sum, worker) => sum + keys.countOf(worker), 0),
      MAX_KEYS,
    );
    keys.use('late', 0, MAX_KEYS + HOUR_MS, MAX_KEYS + HOUR_MS);
    assert.equal(keys.size, 1);
  });
});

describe('consistent_hashing', () => {
  const [target, routing, authorization, forwarded, cookie] = [0, 1, 2, 3, 4];
  const fields = (at: number, value: string): (string | undefined)[] => {
    const headers: (string | undefined)[] = new Array(5).fill(undefined);
    headers[at] = value;
    return headers;
  };

  it('goes by target, then routing key, then the first implicit key', () => {
    const pool = poolOf(consistentHashing);
    assert.equal(send(pool, ['3', 'a', 'b', 'c', 'd']).worker, 3);
    const byKey = send(pool, fields(routing, 'a')).worker;
    assert.equal(send(pool, [undefined, 'a', 'b', 'c', 'd']).worker, byKey);
    assert.deepEqual(send(pool, [undefined, undefined, 'x', 'y', 'z']), send(pool, fields(authorization, 'x')));
    assert.deepEqual(send(pool, [undefined, undefined, undefined, 'y', 'z']), send(pool, fields(forwarded, 'y')));
    assert.equal(send(pool, fields(cookie, 'z')).because, 'implicit-key');
    assert.equal(send(pool, new Array(5).fill(undefined)).because, 'chance');
  });

  it('finds nobody for a target that is not there', () => {
    const pool = poolOf(consistentHashing);
    for (const wrong of ['8', '-1', '1.5', 'x', '', '99999999']) {
      assert.deepEqual(send(pool, fields(target, wrong)), { worker: NONE, because: 'none', matchedBytes: 0 }, wrong);
    }
    pool.setEligible(0, false);
    assert.equal(send(pool, fields(target, '0')).worker, 1, 'counts those that may be chosen');
  });

  it('moves only the keys of a worker that leaves, and spreads them', () => {
    const pool = poolOf(consistentHashing);
    const keys = Array.from({ length: 4000 }, (_, i) => `session ${i}`);
    const where = (): number[] =>
      keys.map((key) => pool.selectFor({ prompt: promptOf(''), headers: fields(routing, key), nowMs: 0 }, []).worker);
    const before = where();
    const shares = EIGHT.map((worker) => before.filter((each) => each === worker).length);
    for (const share of shares) assert.ok(share > 300 && share < 700, `${shares}`);
    pool.leave(3);
    const after = where();
    assert.ok(before.every((worker, at) => worker === 3 || worker === after[at]));
    assert.equal(new Set(after.filter((_, at) => before[at] === 3)).size, 7);
    pool.join(3);
    assert.deepEqual(where(), before, 'the URL gives the place');
  });

  it('bounds the load of a worker if asked to', () => {
    const pool = poolOf(consistentHashing, { consistentHashingLoadFactor: 1.25 });
    const counts = new Map<number, number>();
    for (let i = 0; i < 80; i++) {
      const { worker } = send(pool, fields(routing, 'one key for all'));
      counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    assert.ok(Math.max(...counts.values()) <= Math.ceil((80 / 8) * 1.25), [...counts.values()].join());
  });
});

describe('a policy that a reload has put in place of another', () => {
  it('counts the requests that the other one has sent', () => {
    const pool = poolOf(prefixHash);
    const prompt = promptOf('x'.repeat(1024));
    const home = pool.select(prompt).worker;
    for (const worker of EIGHT) for (let i = 0; i < 50; i++) pool.loads.acquire(worker);
    assert.equal(pool.select(prompt).worker, home);
  });
});

describe('prefix_hash', () => {
  it('sends prompts with one beginning to one worker until that has more than its share', () => {
    const pool = poolOf(prefixHash);
    const beginning = 'x'.repeat(1024);
    const ask = (rest: string): Choice => pool.dispatch(promptOf(beginning + rest));
    const first = ask('a').worker;
    pool.endOldest();
    for (let i = 0; i < 20; i++) {
      assert.equal(ask(`${i}`).worker, first);
      pool.endOldest();
    }
    const workers = new Set(Array.from({ length: 40 }, (_, i) => ask(`${i}`).worker));
    assert.ok(workers.size >= 7, [...workers].join());
  });

  it('tells prompts apart that differ within --prefix-token-count, and no others', () => {
    const pool = poolOf(prefixHash, { prefixTokenCount: 4 });
    const workerOf = (text: string): number => pool.select(promptOf(text)).worker;
    assert.equal(workerOf('0123456789abcdef and one end'), workerOf('0123456789abcdef and another'));
    const others = new Set(Array.from({ length: 100 }, (_, i) => workerOf(`${i}`.padStart(16, '0'))));
    assert.ok(others.size > 5);
  });
});
