import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { skeletonBytes } from './skeleton.ts';

/** The part of `prompt` that counts as JSON around the text. */
function skeleton(prompt: string): string {
  const body = Buffer.from(`##${prompt}`);
  return prompt.slice(0, skeletonBytes(body, 2, body.length));
}

describe('skeletonBytes', () => {
  const cases: readonly (readonly [kind: string, skeleton: string, text: string])[] = [
    ['a chat message', '[{"role":"user","content":"', 'Hello"}]'],
    ['a chat message written by Python', '[{"role": "system", "content": "', 'You are..."}]'],
    ['keys in the other order', '[{"content":"', 'Hello","role":"user"}]'],
    ['content in parts', '[{"role":"user","content":[{"type":"text","text":"', 'Hello"}]}]'],
    ['indented JSON', '[\n  {\n    "role": "user",\n    "content": "', 'Hello"}]'],
    ['input of /v1/responses', '[{"type":"message","role":"user","content":[{"type":"input_text","text":"', 'Hi"}]}]'],
    ['a string', '"', 'Once upon a time"'],
    ['a list of strings', '["', 'Once", "upon"]'],
    ['token ids', '[', '1,2,3]'],
    ['an image', '[{"role":"user","content":[{"type":"', 'image_url","image_url":{}}]'],
    ['an unknown key', '[{"', 'name":"bob","role":"user"}]'],
    ['text that begins with a word of JSON', '"', 'users are"'],
    ['an escaped quote', '"', '\\"role\\""'],
    ['bare text', '', 'Once upon a time'],
    ['nothing', '', ''],
  ];
  for (const [kind, expected, text] of cases)
    it(`ends where the text begins: ${kind}`, () => assert.equal(skeleton(expected + text), expected));

  it('takes an unfinished skeleton whole and does not read beyond its end', () => {
    assert.equal(skeleton('[{"role":"user","content":"'), '[{"role":"user","content":"');
    const body = Buffer.from('[{"role":"user","content":"x');
    assert.equal(skeletonBytes(body, 0, 7), 3, 'the word is cut: its first letters are text');
  });

  it('gives up on what imitates a skeleton for too long', () => {
    assert.equal(skeleton('['.repeat(1000)).length, 160);
  });
});
