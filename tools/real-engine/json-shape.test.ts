import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generatedOf, scrub, shapeOf } from './json-shape.ts';

test('lists key paths with types once each, elements of lists together', () => {
  const { keys } = shapeOf({ a: 1, b: [{ c: 'x' }, { c: null }], d: {} });
  assert.deepEqual(keys, [':object', 'a:number', 'b:array', 'b[].c:null', 'b[].c:string', 'b[]:object', 'd:object']);
});

test('keeps the values that matter in the order of the document and no others', () => {
  const { values } = shapeOf({
    id: 'chance',
    choices: [{ finish_reason: 'stop' }, { finish_reason: 'length' }],
    usage: { prompt_tokens: 5 },
  });
  assert.deepEqual(values, { 'choices[].finish_reason': ['stop', 'length'], 'usage.prompt_tokens': ['5'] });
});

test('a token used as a key is not part of the shape', () => {
  const one = shapeOf({ top_logprobs: [{ a: -1, b: -2 }] });
  assert.deepEqual(one.keys, shapeOf({ top_logprobs: [{ x: -3 }] }).keys);
});

test('takes ids and folders out of messages', () => {
  assert.equal(scrub('object at 0x7f00deadbeef in File "/home/me/venv/site-packages/sglang/x.py"'), 'object at 0x~ in File "sglang/x.py"');
});

test('collects generated text of every kind of answer', () => {
  assert.equal(generatedOf({ choices: [{ message: { role: 'assistant', content: 'hi' } }] }), 'hi');
  assert.equal(generatedOf([{ text: 'a', output_ids: [1, 2] }, { text: 'b' }]), 'a[1,2]b');
});
