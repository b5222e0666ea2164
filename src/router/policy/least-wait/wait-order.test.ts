import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WaitOrder } from './wait-order.ts';

const WORKERS = 30;

test('finds the least idle and the least busy workers, as sorting would', () => {
  const change = fc.record({ worker: fc.nat(WORKERS - 1), isBusy: fc.boolean(), key: fc.nat(50), second: fc.nat(5) });
  const script = fc.array(fc.oneof(change, fc.uniqueArray(fc.nat(WORKERS - 1))), { maxLength: 80 });
  fc.assert(
    fc.property(script, fc.integer({ min: 1, max: 6 }), fc.nat(3), (steps, count, closed) => {
      const order = new WaitOrder();
      const model = new Map<number, { isBusy: boolean; key: number; second: number }>();
      for (const step of steps) {
        if (Array.isArray(step)) {
          order.setEligible(Int32Array.from(step));
          model.clear();
          for (const worker of step) model.set(worker, { isBusy: false, key: 0, second: 0 });
        } else {
          order.set(step.worker, step.isBusy, step.key, step.second);
          if (model.has(step.worker)) model.set(step.worker, step);
        }
        const isOpen = (worker: number): boolean => worker % 4 !== closed;
        const expected = [false, true].flatMap((isBusy) =>
          [...model]
            .filter(([worker, state]) => state.isBusy === isBusy && isOpen(worker))
            .sort(([a, x], [b, y]) => x.key - y.key || x.second - y.second || a - b)
            .slice(0, count)
            .map(([worker]) => worker),
        );
        const out: number[] = [];
        assert.equal(order.least(count, isOpen, out), expected.length);
        assert.deepEqual(out.slice(0, expected.length), expected);
      }
    }),
    { numRuns: 200 },
  );
});

test('asks for few of many workers', () => {
  const order = new WaitOrder();
  order.setEligible(Int32Array.from({ length: 1024 }, (_, i) => i));
  for (let worker = 0; worker < 1024; worker++) order.set(worker, worker % 2 === 0, (worker * 7919) % 1024, 0);
  let asked = 0;
  const found = order.least(4, () => {
    asked++;
    return true;
  }, []);
  assert.deepEqual([found, asked], [8, 8]);
});
