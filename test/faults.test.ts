/** The fast rows of the fault matrix (`npm run test:faults` plays all of them). */
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { CELLS } from './faults/cell.ts';
import { FAST_FAULTS, FAULTS } from './faults/faults.ts';
import { FaultBench } from './faults/run-cell.ts';

suite('a client behind a router whose worker fails', () => {
  const ends: (() => void | Promise<void>)[] = [];
  const bench = new FaultBench({ after: (end) => void ends.push(end) });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  for (const fault of FAST_FAULTS) {
    for (const cell of fault.cells) {
      test(`${fault.name} (${cell})`, async () => {
        const { saw, right, why, left, tookMs, withinMs, isExpected } = await bench.play(fault, cell);
        const seen = `saw ${saw} after ${tookMs} ms, left: ${left.join(', ') || 'nothing'}`;
        const wanted = `right: ${right} within ${withinMs} ms, left: nothing. ${why}`;
        assert.ok(isExpected, `${seen}; ${wanted}`);
      });
    }
  }
});

test('every kind of request is in the matrix, and each row has a name of its own', () => {
  for (const cell of CELLS)
    assert.ok(
      FAULTS.some(({ cells }) => cells.includes(cell)),
      cell,
    );
  assert.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
});
