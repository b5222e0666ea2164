/** A model directory without a model, enough for Dynamo's frontends and its simulated engine (the mocker), which read no weights. Pure. */

/**
 * The mocker answers with random token identifiers between 1000 and 2000; what lies outside the vocabulary comes out as no text at all.
 * Source: ai-dynamo 1.6.1, run.
 */
const VOCABULARY = 4096;
const LONGEST = 131_072;

const [BEGIN, PAD, TURN, END] = ['<|begin|>', '<|pad|>', '<|turn|>', '<|end|>'];
const SPECIAL = [BEGIN, PAD, TURN, END] as const;

const CHAT_TEMPLATE =
  `{% for m in messages %}{{ '${TURN}' + m['role'] + '\\n' + m['content'] + '${END}\\n' }}{% endfor %}` +
  `{% if add_generation_prompt %}{{ '${TURN}assistant\\n' }}{% endif %}`;

/**
 * Files by name. A prompt has one token for each byte, as at the simulated engines of this package; each token of an answer is one word,
 * such as ` w1234`, so that tokens can be counted in text.
 */
export function tinyModelFiles(): Readonly<Record<string, string>> {
  const tokens = [...SPECIAL, ...byteLetters()];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  // The letter before the w stands for the blank. Nothing merges bytes into these words, so no prompt is read as them.
  for (let id = tokens.length; id < VOCABULARY; id++) vocab[`\u0120w${id}`] = id;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const ids = { bos_token_id: vocab[BEGIN], eos_token_id: vocab[END] };
  const files = {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: SPECIAL.map((content, id) => ({
        ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
      })),
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: byteLevel,
      decoder: byteLevel,
      model: { type: 'BPE', dropout: null, unk_token: null, fuse_unk: false, byte_fallback: false, vocab, merges: [] },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...{ bos_token: BEGIN, eos_token: END, pad_token: PAD, model_max_length: LONGEST },
      clean_up_tokenization_spaces: false,
      chat_template: CHAT_TEMPLATE,
    },
    'config.json': {
      ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', torch_dtype: 'bfloat16', hidden_act: 'silu' },
      ...{ vocab_size: VOCABULARY, hidden_size: 256, intermediate_size: 512, num_hidden_layers: 2, num_attention_heads: 4 },
      ...{ num_key_value_heads: 2, head_dim: 64, max_position_embeddings: LONGEST, rms_norm_eps: 1e-6, rope_theta: 10_000 },
      ...{ tie_word_embeddings: true, pad_token_id: vocab[PAD] },
      ...ids,
    },
    'generation_config.json': ids,
  };
  return Object.fromEntries(Object.entries(files).map(([name, value]) => [name, `${JSON.stringify(value)}\n`]));
}

/** One letter for each byte, in the order of bytes: printable ones stand for themselves, the others for 256 and up. Source: GPT-2. */
function byteLetters(): readonly string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}
