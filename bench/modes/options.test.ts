import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from './options.ts';

test('five rounds of both shapes without options, one short round with --quick, whose parts may be set', () => {
  const { rounds, shapes, requests, quietMs } = parseOptions([]);
  assert.deepEqual([rounds, shapes, requests, quietMs], [5, ['aggregated', 'pairs'], 100, null]);
  const quick = parseOptions(['--quick', '--rounds', '2', '--shapes', 'pairs']);
  assert.deepEqual([quick.rounds, quick.shapes, quick.requests, quick.quietMs], [2, ['pairs'], 20, 1000]);
});

for (const [args, words] of [
  [['--rounds', '0'], /--rounds "0": expected a whole number from 1/],
  [['--requests', 'many'], /--requests "many"/],
  [['--shapes', 'pairs,triples'], /--shapes "triples": expected aggregated or pairs/],
  [['--modes', 'both'], /--modes "both": expected router or dynamo/],
  [['--migration-limit', '-1'], /migration-limit/],
  [['--fast'], /--fast/],
] as const) {
  test(`${args.join(' ')} is refused with what was expected`, () => {
    assert.throws(() => parseOptions(args), words);
  });
}
