import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRng } from '../../base/runtime/rng.ts';
import { datasetPrompts, readDataset } from './dataset.ts';
import { ONE_TOKEN_PER_WORD } from './prompt.ts';
import { sharedPrefix } from './shared-prefix.ts';
import type { Workload } from './workload.ts';

const LOOP = { concurrencies: [2], rate: null, promptsMultiplier: 2, warmupMultiplier: 1 };

function drawn(workload: Workload, point: number, count: number): readonly string[] {
  const draw = workload.points[point]?.draw(ONE_TOKEN_PER_WORD, createRng(point + 1)) ?? assert.fail();
  return Array.from({ length: count }, (_, index) => draw(index).prompt);
}

describe('prompts with a common part', () => {
  const workload = sharedPrefix({ inputTokens: 100, outputTokens: 5, requests: 7, concurrencies: [4], prefixRatios: [0, 0.5, 1] });
  const common = (point: number): number => {
    const [first = [], second = []] = drawn(workload, point, 2).map((prompt) => prompt.trim().split(' '));
    assert.equal(first.length, 100);
    return first.findIndex((word, at) => word !== second[at]);
  };

  it('are points by their share, each with the asked number of requests', () => {
    assert.deepEqual(
      workload.points.map(({ requests, warmups, concurrency, facts }) => [requests, warmups, concurrency, facts.prefixRatio]),
      [
        [7, 0, 4, 0],
        [7, 0, 4, 0.5],
        [7, 0, 4, 1],
      ],
    );
  });

  it('have that share in common and no more', () => {
    assert.ok(common(0) < 10, 'by chance alone');
    assert.ok(common(1) >= 50 && common(1) < 60);
    assert.equal(common(2), -1);
  });
});

describe('a data set', () => {
  const text = [
    { prompt: 'first one', expected_output_len: 9 },
    {
      input: {
        messages: [
          { role: 'system', content: 's' },
          { role: 'user', content: 'u' },
        ],
        max_tokens: 4,
        num_tokens: 3,
      },
    },
  ]
    .map((line) => JSON.stringify(line))
    .join('\n');

  it('is read in both forms, and sent in its order, again and again', () => {
    const read = readDataset(text);
    assert.ok(read.ok);
    const workload = datasetPrompts(read.prompts, 'mine', 77, LOOP);
    assert.equal(workload.directoryName, 'sa-bench_custom_mine');
    assert.deepEqual(drawn(workload, 0, 3), ['first one', 'u', 'first one']);
    const draw = workload.points[0]!.draw(ONE_TOKEN_PER_WORD, createRng(1));
    assert.deepEqual(draw(0), { prompt: 'first one', inputTokens: 3, outputTokens: 9 });
    assert.deepEqual(draw(1), { prompt: 'u', inputTokens: 3, outputTokens: 4 });
  });

  it('takes the length of answers from the recipe where a line does not say', () => {
    const read = readDataset('{"prompt":"p"}');
    assert.ok(read.ok);
    assert.equal(datasetPrompts(read.prompts, 'mine', 77, LOOP).points[0]?.draw(ONE_TOKEN_PER_WORD, createRng(1))(0).outputTokens, 77);
  });

  it('that is none is refused with the line', () => {
    assert.deepEqual(readDataset('{"prompt":"p"}\n{"x":1}'), {
      ok: false,
      line: 2,
      message: 'expected "prompt", or "input" with messages of which one is of the user',
    });
    assert.deepEqual(readDataset('['), { ok: false, line: 1, message: 'not JSON' });
    assert.deepEqual(readDataset(' \n'), { ok: false, line: 1, message: 'there is no prompt' });
  });
});
