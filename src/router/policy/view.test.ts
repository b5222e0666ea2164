import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { LoadTable } from '../../base/core/load.ts';
import { SmallWorkerSet } from '../../base/core/worker-set.ts';
import { FleetViewState } from './view.ts';

const WORKERS = 40;
const workers = fc.uniqueArray(fc.nat(WORKERS - 1), { maxLength: WORKERS, size: 'max' });

it('a view answers as if the excluded workers were not eligible', () => {
  fc.assert(
    fc.property(workers, workers, fc.array(fc.nat(WORKERS - 1), { maxLength: 60, size: 'max' }), (eligible, excluded, load) => {
      const loads = new LoadTable();
      const [view, plain] = [new FleetViewState(loads), new FleetViewState(loads)];
      view.setEligible(Int32Array.from(eligible).sort());
      plain.setEligible(Int32Array.from(eligible.filter((worker) => !excluded.includes(worker))).sort());
      for (const worker of load) loads.acquire(worker);
      const set = new SmallWorkerSet();
      for (const worker of excluded) set.add(worker);
      view.exclude(set);
      assert.equal(view.count, plain.count);
      for (let n = 0; n < plain.count; n++) assert.equal(view.at(n), plain.at(n));
      for (let worker = -1; worker <= WORKERS; worker++) {
        assert.equal(view.placeOf(worker), plain.placeOf(worker));
        assert.equal(view.has(worker), plain.has(worker));
      }
      assert.equal(view.leastLoaded(), plain.leastLoaded());
      assert.equal(view.minLoad(), plain.minLoad());
      assert.equal(view.maxLoad(), plain.maxLoad());
      view.setEligible(view.eligible.slice());
      assert.equal(view.count, eligible.length, 'an exclusion ends when the eligible set changes');
    }),
  );
});
