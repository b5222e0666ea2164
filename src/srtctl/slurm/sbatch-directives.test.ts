import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeDirectives, requestProblems } from './sbatch-directives.ts';

const told = (found: readonly { readonly path: string; readonly message: string }[]): readonly string[] =>
  found.map(({ path, message }) => `${path}: ${message}`);

test('directives that srtctl counts on are left out, with a warning each', () => {
  const { kept, warnings, problems } = judgeDirectives({ output: 'x', requeue: null, ntasks: '8', qos: 'low', 'job-name': 'mine' }, 2);
  assert.deepEqual(kept, { qos: 'low', 'job-name': 'mine' });
  assert.deepEqual(problems, []);
  assert.deepEqual(told(warnings), [
    'sbatch_directives.output: left out, got "x": srtctl sets --output itself',
    'sbatch_directives.requeue: left out, got nothing: srtctl sets --requeue itself',
    'sbatch_directives.ntasks: left out, got "8": srtctl sets --ntasks itself',
  ]);
});

test('directives that make another job are refused', () => {
  for (const name of ['array', 'wrap', 'hold', 'test-only'])
    assert.match(told(judgeDirectives({ [name]: '1' }, 2).problems).join(), new RegExp(`^sbatch_directives\\.${name}: got "1"`));
});

test('nodes may be as many as the plan needs, or more', () => {
  for (const [given, nodes] of [
    ['2', '2'],
    ['1-4', '2'],
    ['4', '4'],
    ['3-5', '3'],
  ] as const) {
    const judged = judgeDirectives({ nodes: given }, 2);
    assert.deepEqual([judged.nodes, judged.problems], [nodes, []], given);
    assert.equal(judged.warnings.length, Number(nodes) > 2 ? 1 : 0, given);
  }
  assert.deepEqual(told(judgeDirectives({ N: '1' }, 2).problems), ['sbatch_directives.N: got "1", and the plan needs 2 nodes']);
  assert.equal(judgeDirectives({ nodes: 'many' }, 2).problems.length, 1);
});

test('what cannot stand in a directive is refused by name, all of it at once', () => {
  for (const value of ['a"b', 'a\\b', 'a\nb', 'a\u0007b']) {
    assert.deepEqual(
      judgeDirectives({ comment: value, 'mail-user': value }, 1).problems.map(({ path }) => path),
      ['sbatch_directives.comment', 'sbatch_directives.mail-user'],
    );
    assert.deepEqual(
      requestProblems({ account: value, partition: value }).map(({ path }) => path),
      ['slurm.account', 'slurm.partition'],
    );
  }
  assert.deepEqual(judgeDirectives({ comment: "it's #1, $HOME `id` ; x" }, 1).problems, []);
});
