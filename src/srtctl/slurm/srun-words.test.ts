import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOfTask, kindOfWord, lostNode } from './srun-words.ts';

for (const [what, status, said, end] of [
  ['a status', 3, ['srun: error: node1: task 0: Exited with exit code 3'], { code: 3, signal: null }],
  ['success', 0, [], { code: 0, signal: null }],
  ['a signal', 137, ['srun: error: node1: task 0: Killed'], { code: null, signal: 'SIGKILL' }],
  ['a signal told by its number alone', 143, [], { code: null, signal: 'SIGTERM' }],
  ['a crash', 139, ['srun: error: node1: task 0: Segmentation fault'], { code: null, signal: 'SIGSEGV' }],
  ['a status that looks like a signal', 137, ['srun: error: node1: task 0: Exited with exit code 137'], { code: 137, signal: null }],
  ['a lost node, which srun calls success', 0, ['srun: error: Node failure on node3'], { code: null, signal: null }],
  ['an end that nobody knows', null, [], { code: null, signal: null }],
  ['no signal', 255, [], { code: 255, signal: null }],
] as const) {
  test(`the end of a task is read from srun: ${what}`, () => assert.deepEqual(endOfTask(status, said), end));
}

test('words of srun are kept apart from noise and from what the end tells anyway', () => {
  assert.equal(kindOfWord('srun: cluster configuration lacks support for cpu binding'), 'noise');
  for (const line of [
    'srun: error: node1: task 0: Exited with exit code 3',
    'srun: error: node1: task 0: Killed',
    'srun: Force Terminated StepId=2.1',
    'slurmstepd-node2: error: *** STEP 2.1 ON node2 CANCELLED AT 2026-11-21T13:57:30 ***',
  ])
    assert.equal(kindOfWord(line), 'farewell', line);
  for (const line of [
    'srun: error: Node failure on node3',
    'srun: Job 12 step creation temporarily disabled, retrying (Requested nodes are busy)',
  ])
    assert.equal(kindOfWord(line), 'word', line);
  assert.equal(lostNode('srun: error: Node failure on node3'), 'node3');
  assert.equal(lostNode('the engine says: Node failure on node3'), null);
});
