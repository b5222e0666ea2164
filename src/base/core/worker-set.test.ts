import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { SmallWorkerSet } from './worker-set.ts';

it('a small set holds what was added since the last clear, each worker once, ascending', () => {
  const added = fc.array(fc.nat(60), { maxLength: 80, size: 'max' });
  fc.assert(
    fc.property(added, added, (before, workers) => {
      const set = new SmallWorkerSet();
      for (const worker of before) set.add(worker);
      set.clear();
      assert.equal(set.size, 0);
      for (const worker of workers) set.add(worker);
      const expected = [...new Set(workers)].sort((a, b) => a - b);
      assert.deepEqual(
        Array.from({ length: set.size }, (_, n) => set.at(n)),
        expected,
      );
      for (let worker = -1; worker < 62; worker++) assert.equal(set.has(worker), expected.includes(worker));
    }),
  );
});
