/** What metrics cost: an observation and a count on the path of a request, and the text of a scrape. */
import { SILENT_LOGGER } from '../../src/base/core/logger.ts';
import { Counter, Histogram } from '../../src/base/telemetry/cells.ts';
import { AccessLog } from '../../src/router/telemetry/access-record.ts';
import { DURATION_BUCKETS, INTER_TOKEN_BUCKETS } from '../../src/router/telemetry/buckets.ts';
import { Family } from '../../src/router/telemetry/families.ts';
import { StatusCounters } from '../../src/router/telemetry/status-counters.ts';
import type { Case } from './case.ts';

const OPS = 1024;
const WORKERS = 64;

export function cases(): readonly Case[] {
  const family = new Family('workerInterToken', INTER_TOKEN_BUCKETS);
  for (let i = 0; i < WORKERS; i++) family.histogram({ worker: `http://10.0.0.${i}:30000` }).observe(0.02);
  const responses = new StatusCounters(() => new Counter());
  const skipped = new Counter();
  const access = new AccessLog('auto', SILENT_LOGGER, skipped);
  let nowMs = 0;
  return [
    observing('observe a time between tokens, 5 to 35 ms', new Histogram(INTER_TOKEN_BUCKETS), 0.005, 0.03),
    observing('observe a duration, 0.5 to 30 s', new Histogram(DURATION_BUCKETS), 0.5, 30),
    {
      name: 'count an answer by status',
      ops: OPS,
      run() {
        for (let i = 0; i < OPS; i++) responses.of(200, '').value++;
        if (responses.of(200, '').value < OPS) throw new Error('not counted');
      },
    },
    {
      name: 'ask for an access record at 1000 requests per second',
      ops: OPS,
      run() {
        const before = skipped.value;
        for (let i = 0; i < OPS; i++) access.wants(nowMs++, false);
        if (skipped.value - before < OPS - 200) throw new Error('not paused');
      },
    },
    {
      name: `text of one histogram per worker, ${WORKERS} workers, per worker`,
      ops: WORKERS,
      run() {
        let chars = 0;
        for (const part of family.text()) chars += part.length;
        if (chars < WORKERS * 1000) throw new Error(`${chars} characters`);
      },
    },
  ];
}

function observing(name: string, histogram: Histogram, from: number, spread: number): Case {
  // 7919 is a prime: the values come in no order that a branch predictor could learn at once.
  const values = Float64Array.from({ length: OPS }, (_, i) => from + (((i * 7919) % OPS) / OPS) * spread);
  return {
    name,
    ops: OPS,
    run() {
      const before = histogram.sum;
      for (let i = 0; i < OPS; i++) histogram.observe(values[i]!);
      if (!(histogram.sum > before)) throw new Error('not observed');
    },
  };
}
