import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDED_BY_ROUTER, differences, judge, type KnownDifference } from './difference.ts';
import type { Observation } from './observe.ts';

const plain: Observation = {
  status: '200',
  headers: ['content-type: application/json'],
  body: 'json',
  keys: ['a:number'],
  values: { message: ['no'] },
  events: [],
  eventCount: 0,
  growth: '',
  text: 'x',
  raw: '',
};

/** The same answer through a router. */
const routed: Observation = { ...plain, headers: [...plain.headers, ...ADDED_BY_ROUTER] };

test('equal observations have no difference', () => {
  assert.deepEqual(differences(plain, { ...plain }, 'simulated'), []);
  assert.deepEqual(differences(plain, routed, 'routed'), []);
});

test('every field that is compared makes a difference of its own', () => {
  const changes: Partial<Observation>[] = [
    { status: '400' },
    { body: 'text' },
    { headers: [] },
    { headers: ['content-type: application/json', 'content-type: application/json'] },
    { keys: ['a:null'] },
    { values: { message: ['yes'] } },
    { events: ['[DONE]'] },
    { eventCount: 3 },
    { growth: 'delta' },
    { text: 'y' },
  ];
  for (const change of changes) assert.notDeepEqual(differences(plain, { ...routed, ...change }, 'routed'), [], JSON.stringify(change));
});

test('every routed answer must have what the router adds', () => {
  assert.deepEqual(
    differences(plain, { ...plain }, 'routed'),
    ADDED_BY_ROUTER.map((line) => `header missing in B: ${line}`),
  );
});

test('generated text is the own invention of a simulation', () => {
  assert.deepEqual(differences(plain, { ...plain, text: 'y' }, 'simulated'), []);
});

test("the words of the engine's body validation are not compared with a simulation's, but through the router", () => {
  const a = { ...plain, values: { message: ['1 validation error:\n  one'] } };
  const b = { ...plain, values: { message: ['2 validation errors:\n  other'] } };
  assert.deepEqual(differences(a, b, 'simulated'), []);
  assert.equal(differences(a, { ...b, headers: routed.headers }, 'routed').length, 1);
  assert.equal(differences(a, plain, 'simulated').length, 1);
});

test('the number of equal neighbours in a stream may differ within limits', () => {
  const stream = { ...plain, events: ['{a}', '[DONE]'], eventCount: 41 };
  assert.deepEqual(differences(stream, { ...stream, eventCount: 20 }, 'simulated'), []);
  assert.equal(differences(stream, { ...stream, eventCount: 3 }, 'simulated').length, 1);
});

test('a known difference explains only its own relation, cases and lines', () => {
  const known: KnownDifference[] = [{ relation: 'simulated', cases: /^docs$/, lines: /^status: 200 \| 404$/, reason: 'no pages' }];
  assert.deepEqual(judge(['status: 200 | 404'], 'docs', 'simulated', known), { unexplained: [], explainedBy: [0] });
  assert.equal(judge(['status: 200 | 404'], 'docs', 'routed', known).unexplained.length, 1);
  assert.equal(judge(['status: 200 | 404'], 'chat', 'simulated', known).unexplained.length, 1);
  assert.equal(judge(['status: 200 | 500'], 'docs', 'simulated', known).unexplained.length, 1);
});
