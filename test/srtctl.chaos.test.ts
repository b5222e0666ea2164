/** A part of the chaos matrix (npm run test:chaos plays all of it). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAST_CELLS } from './chaos/cells.ts';
import { play } from './chaos/play.ts';
import { NEEDS_NGINX } from './support/srtctl-run.ts';

describe('a run ends as it must', { concurrency: 2, ...NEEDS_NGINX }, () => {
  for (const cell of FAST_CELLS)
    test(`while ${cell.phase}: ${cell.name}`, async () => {
      assert.deepEqual((await play(cell)).wrong, []);
    });
});
