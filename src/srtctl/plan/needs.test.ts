import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planned, planOf } from '../../../test/support/small-plan.ts';
import { needsInWords, needsOf } from './needs.ts';

const plan = planOf([
  planned('etcd', { argv: ['etcd', '--name', 'x'] }),
  planned('frontend-0', { argv: ['python3', '-m', 'dynamo.frontend'] }),
  planned('prefill-0', { argv: ['python3', '-m', 'dynamo.mocker'] }),
  planned('decode-0', { node: 'n1', argv: ['python3', '-m', 'dynamo.mocker'] }),
  planned('decode-1', { node: 'n1', argv: ['python3', '-m', 'dynamo.sglang'], container: 'image' }),
  planned('router-0', { argv: ['<node-binary>', '<package>/dist/bin/router.js'] }),
  planned('benchmark', { argv: ['/bin/bash', '-lc', 'x'] }),
]);

describe('what a plan needs on its nodes', () => {
  it('is each program once, with its modules and the nodes, without what containers and this package bring', () => {
    assert.deepEqual(
      needsOf(plan).map(({ program, modules, nodes, processes }) => [program, modules, nodes, processes.length]),
      [
        ['etcd', [], ['n0'], 1],
        ['python3', ['dynamo.frontend', 'dynamo.mocker'], ['n0', 'n1'], 3],
      ],
    );
  });

  it('is told in one line', () => {
    assert.equal(needsInWords(plan), 'needs etcd on n0; python3 with dynamo.frontend, dynamo.mocker on every node');
    assert.equal(needsInWords(planOf([planned('router-0', { argv: ['<node-binary>', 'x'] })])), '');
  });
});
