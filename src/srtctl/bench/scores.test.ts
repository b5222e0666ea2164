import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readToolResult, scoreLines } from './scores.ts';

const json = (value: object, name = 'x.json'): { readonly name: string; readonly text: string } => ({ name, text: JSON.stringify(value) });
const log = (text: string): { readonly name: string; readonly text: string } => ({ name: 'tool.log', text });

describe('the result of a tool', () => {
  it('of run_eval is its score and its throughput', () => {
    assert.deepEqual(readToolResult([log('Score: 0.900\n'), json({ score: 0.9125, latency: 3.2, output_throughput: 812.5 })]), {
      scores: [{ name: 'score', value: 0.9125 }],
      outputTokensPerSecond: 812.5,
    });
  });

  it('of several rounds is their mean', () => {
    assert.deepEqual(readToolResult([json({ scores: ['0.500', '0.700'], mean_score: 0.6, score: 0.7 })]).scores, [
      { name: 'score', value: 0.6 },
    ]);
  });

  it('of sgl-eval is that of all examples', () => {
    assert.deepEqual(readToolResult([json({ name: 'gpqa', aggregate: { score: 0.55 }, output_throughput_tps: 90 }, 'metrics.json')]), {
      scores: [{ name: 'score', value: 0.55 }],
      outputTokensPerSecond: 90,
    });
  });

  it('of lm-eval is each metric of each task, without their errors', () => {
    const results = { gsm8k: { alias: 'gsm8k', 'exact_match,strict-match': 0.5, 'exact_match_stderr,strict-match': 0.1 } };
    assert.deepEqual(readToolResult([json({ results })]).scores, [{ name: 'gsm8k exact_match,strict-match', value: 0.5 }]);
  });

  it('is read from the log where there is no file', () => {
    const text = 'Total latency: 3 s\nScore: 0.111\nScore: 0.250\nOutput throughput: 77.125 token/s\n';
    assert.deepEqual(readToolResult([log(text)]), { scores: [{ name: 'score', value: 0.25 }], outputTokensPerSecond: 77.125 });
    assert.deepEqual(readToolResult([log('Repeat: 8, mean: 0.375\n')]).scores, [{ name: 'score', value: 0.375 }]);
  });

  it('is nothing where nothing says', () => {
    assert.deepEqual(readToolResult([log('done'), { name: 'y.json', text: '{' }, json({ score: 'high' })]), {
      scores: [],
      outputTokensPerSecond: null,
    });
  });

  it('is a line for people', () => {
    const result = { scores: [{ name: 'score', value: 0.5 }], outputTokensPerSecond: 12.6 };
    assert.equal(scoreLines('gsm8k', result), 'gsm8k: score 0.500, 13 out tok/s\n');
  });
});
