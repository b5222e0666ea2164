import assert from 'node:assert/strict';
import test from 'node:test';
import { createRng } from '../../base/runtime/rng.ts';
import { gapMs } from './arrivals.ts';

for (const burstiness of [0.25, 1, 4])
  test(`arrivals of burstiness ${burstiness} have the mean of their rate and the spread of their shape`, () => {
    const rng = createRng(7);
    const gaps = Array.from({ length: 40_000 }, () => gapMs({ perSecond: 50, burstiness }, rng));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    assert.ok(Math.abs(mean - 20) < 0.6, `mean ${mean}`);
    // A gamma distribution of shape k has a coefficient of variation of 1 / sqrt(k).
    const variation = Math.sqrt(variance) / mean;
    assert.ok(Math.abs(variation * Math.sqrt(burstiness) - 1) < 0.05, `variation ${variation}`);
    assert.ok(Math.min(...gaps) >= 0);
  });
