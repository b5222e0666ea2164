import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pendingReason } from './pending-reason.ts';

test('a job that can never start is told from one that waits', () => {
  for (const reason of [
    'PartitionNodeLimit',
    'PartitionTimeLimit',
    'BadConstraints',
    'DependencyNeverSatisfied',
    'QOSMaxNodePerJobLimit',
  ]) {
    const { words, isForEver } = pendingReason(reason);
    assert.ok(isForEver, reason);
    assert.match(words, new RegExp(`^it will never start: .+\\(${reason}\\)$`));
  }
  for (const reason of ['Resources', 'Priority', 'BeginTime', 'None', 'QOSGrpGRES', 'AssocGrpCpuLimit', 'SomethingNew', ''])
    assert.equal(pendingReason(reason).isForEver, false, reason);
});

test('reasons are told in words, with SLURM’s own behind them', () => {
  assert.equal(pendingReason('Resources').words, 'waiting for nodes to become free (Resources)');
  assert.match(
    pendingReason('ReqNodeNotAvail, UnavailableNodes:node3').words,
    /down, drained or reserved \(ReqNodeNotAvail, UnavailableNodes:node3\)/,
  );
  assert.match(pendingReason('QOSGrpGRES').words, /limit of its QOS/);
  assert.match(pendingReason('AssocGrpCpuLimit').words, /limit of its account/);
  assert.match(pendingReason('SomethingNew').words, /reason SomethingNew/);
});
