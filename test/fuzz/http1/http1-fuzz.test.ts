import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzRequests, fuzzResponses, type Tally } from './campaign.ts';

/** At least this part of the generated messages must be accepted and compared, or the campaign says nothing. */
const MIN_COMPARED = 0.3;

function assertAgreement(tally: Tally): void {
  assert.deepEqual(tally.differences, []);
  assert.equal(tally.differenceCount, 0);
  assert.ok(tally.compared >= MIN_COMPARED * tally.generated, `only ${tally.compared} of ${tally.generated} messages were compared`);
  assert.ok(tally.refusedByBoth > 0);
}

test('requests that we accept read the same in the parser of Node, however they are split', async () => {
  assertAgreement(await fuzzRequests(3500, 20260101));
});

test('responses that we accept read the same in the parser of Node, however they are split', async () => {
  assertAgreement(await fuzzResponses(1500, 20260101));
});
