import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRng } from '../base/runtime/rng.ts';
import { COMPARED, startCompared } from './compared.ts';
import { ENGINE } from './engine-settings.ts';
import type { RunMeasures } from './measures.ts';
import { Simulation } from './simulation.ts';
import { Draws } from './traffic/draws.ts';
import { TRAFFIC_KINDS } from './traffic/kinds.ts';
import type { Traffic } from './traffic/traffic.ts';

const WORKERS = 4;

function trafficOf(name: string, seconds: number, seed = 1): Traffic {
  const kind = TRAFFIC_KINDS.find((one) => one.name === name);
  assert.ok(kind);
  return { name, ...kind.generate(new Draws(createRng(seed)), { seconds, workers: WORKERS, load: 1 }) };
}
const runOf = (policy: string, traffic: Traffic, usage = true): RunMeasures =>
  new Simulation(traffic, startCompared(policy, 1), createRng(1), { engine: ENGINE, workers: WORKERS, usage }).run();
const turnsOf = ({ conversations }: Traffic): number => conversations.reduce((sum, { turns }) => sum + turns.length, 0);

describe('a simulation', () => {
  it('serves every turn of every conversation under every policy, also while workers leave and join', () => {
    const traffic = trafficOf('changing-fleet', 40);
    assert.equal(traffic.changes.length, 2);
    assert.ok(COMPARED.includes('lmetric') && COMPARED.includes('least_wait') && COMPARED.length >= 6);
    for (const policy of COMPARED) {
      const { requests, hits, ttftP50, ttftP99, e2eP50, itlP50 } = runOf(policy, traffic);
      assert.equal(requests, turnsOf(traffic), policy);
      assert.ok(hits > 0.2 && hits < 1, `${policy} ${hits}`);
      assert.ok(0 < ttftP50 && ttftP50 <= ttftP99 && ttftP50 < e2eP50 && itlP50 > 0.01, policy);
    }
  });

  it('measures the same again', () => {
    const traffic = trafficOf('chat', 30);
    for (const policy of ['random', 'least_wait']) assert.deepEqual(runOf(policy, traffic), runOf(policy, traffic));
  });

  it('computes a lone prompt in the time of the engine, and finds it in the cache when it comes again', () => {
    const turn = { afterMs: 0, pieces: [{ seed: 3, tokens: 18_000 }], answerTokens: 3 };
    const traffic: Traffic = {
      name: 'two',
      conversations: [
        { atMs: 0, turns: [turn] },
        { atMs: 10_000, turns: [turn] },
      ],
      changes: [],
    };
    const { ttftP99, ttftMean, hits } = runOf('cache_aware', traffic);
    const alone = 3 * 0.008 + 18_003 / 9000;
    assert.ok(Math.abs(ttftP99 - alone) < 0.01, `${ttftP99}`);
    assert.ok(ttftMean < 0.51 * alone);
    assert.ok(Math.abs(hits - 0.5) < 0.01, `${hits}`);
  });

  it('shows least_wait ahead of cache_aware and round_robin in the 99th percentile where lengths differ', () => {
    for (const name of ['unshared', 'hot-prefix']) {
      const traffic = trafficOf(name, 120);
      const [least, cache, turn] = ['least_wait', 'cache_aware', 'round_robin'].map((policy) => runOf(policy, traffic));
      assert.ok(least!.ttftP99 < cache!.ttftP99 && least!.ttftP99 < turn!.ttftP99, name);
      assert.ok(least!.hits >= cache!.hits - 0.03, name);
    }
  });

  it('shows least_wait no worse when answers count no tokens', () => {
    const traffic = trafficOf('system-prompts', 60);
    assert.ok(runOf('least_wait', traffic, false).ttftP99 <= 1.1 * runOf('cache_aware', traffic).ttftP99);
  });
});
