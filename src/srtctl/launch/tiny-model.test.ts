import assert from 'node:assert/strict';
import test from 'node:test';
import { tinyModelFiles } from './tiny-model.ts';

interface Tokenizer {
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly string[] };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

const parsed = (name: string): unknown => JSON.parse(tinyModelFiles()[name] ?? 'null');

test('every token of the vocabulary has an identifier of its own, without gaps', () => {
  const { model, added_tokens: added } = parsed('tokenizer.json') as Tokenizer;
  const ids = Object.values(model.vocab).sort((a, b) => a - b);
  assert.deepEqual(
    ids,
    Array.from({ length: 4096 }, (_, id) => id),
  );
  for (const { id, content } of added) assert.equal(model.vocab[content], id);
  // The letters that byte-level tokenizers of GPT-2's kind use for blank, line feed, A and the bytes 0 and 255.
  for (const letter of ['\u0120', '\u010a', 'A', '\u0100', '\u00ff']) assert.ok((model.vocab[letter] ?? 4096) < 300, letter);
});

test('what the mocker may answer with is a word for each token', () => {
  const { model } = parsed('tokenizer.json') as Tokenizer;
  for (const id of [1000, 1999]) assert.equal(model.vocab[`\u0120w${id}`], id);
});

test('the files agree on sizes and special tokens', () => {
  const { model } = parsed('tokenizer.json') as Tokenizer;
  const config = parsed('config.json') as Record<string, unknown>;
  const words = parsed('tokenizer_config.json') as Record<string, string>;
  assert.equal(config['vocab_size'], Object.keys(model.vocab).length);
  assert.equal(config['eos_token_id'], model.vocab[words['eos_token'] ?? '']);
  assert.equal(config['max_position_embeddings'], words['model_max_length']);
  assert.match(words['chat_template'] ?? '', /add_generation_prompt/);
});
