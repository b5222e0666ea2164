// Every recipe of recipes/ is planned, and its plan is the one in test/golden/plans, to the letter.
// After a wanted change: UPDATE_GOLDEN=1 node tools/test.mjs srtctl.plans, then read the difference.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { planTable } from '../src/srtctl/plan/plan-table.ts';
import { compactJson, GOLDEN_DIRECTORY, plansOf, recipeFiles } from './support/golden-plans.ts';

const IS_UPDATE = process.env['UPDATE_GOLDEN'] === '1';
const AGAIN = 'UPDATE_GOLDEN=1 node tools/test.mjs srtctl.plans';

describe('plans of the example recipes', () => {
  const expected = new Set<string>();
  for (const recipe of recipeFiles())
    it(`${recipe} is planned as ever`, () => {
      for (const { file, plan } of plansOf(recipe)) {
        expected.add(file);
        const path = join(GOLDEN_DIRECTORY, file);
        const text = `${compactJson(plan)}\n`;
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(plan)));
        if (IS_UPDATE) {
          mkdirSync(GOLDEN_DIRECTORY, { recursive: true });
          writeFileSync(path, text);
        }
        assert.ok(existsSync(path), `${path} is missing: ${AGAIN}`);
        assert.equal(text, readFileSync(path, 'utf8'), `${file} differs; if that is wanted: ${AGAIN}`);
        for (const { id } of plan.processes) assert.ok(planTable(plan).includes(id), `${id} is not in the table`);
      }
    });

  it('are all that is kept', () => {
    const kept = readdirSync(GOLDEN_DIRECTORY).filter((file) => file.endsWith('.json'));
    const stale = kept.filter((file) => !expected.has(file));
    if (IS_UPDATE) for (const file of stale) rmSync(join(GOLDEN_DIRECTORY, file));
    else assert.deepEqual(stale, [], `no recipe has these plans: ${AGAIN}`);
    assert.ok(expected.size > 0);
  });
});
