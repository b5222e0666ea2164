#!/usr/bin/env python3
"""make-model.py FOLDER: writes a random Llama of half a megabyte with its own tokenizer. Nothing is downloaded.

One token is one UTF-8 byte and no token is added in front, so a test can tell the length of a prompt by looking at it.
The weights come from a fixed seed: two engines with this folder give the same greedy answer.
Context length: 4096. Needs only what install.sh has put into the virtual environment.
"""
import json
import pathlib
import sys

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as FromBytes
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel as ToBytes
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 4096
MARKS = {"bos": "<|bos|>", "eos": "<|eos|>", "start": "<|im_start|>", "end": "<|im_end|>", "pad": "<|pad|>"}
CHAT = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\n' }}
{%- if message['content'] is string -%}{{ message['content'] }}
{%- elif message['content'] -%}{%- for part in message['content'] -%}{{ part['text'] }}{%- endfor -%}
{%- endif -%}{{ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}
"""


def byte_tokenizer():
    """256 tokens for the bytes, then the marks. Without merges BPE never joins two bytes."""
    alphabet = sorted(ToBytes.alphabet())
    core = Tokenizer(BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = ToBytes(add_prefix_space=False, use_regex=False)
    core.decoder = FromBytes()
    core.add_special_tokens(list(MARKS.values()))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=MARKS["bos"],
        eos_token=MARKS["eos"],
        pad_token=MARKS["pad"],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = CHAT
    return wrapped


def random_llama(tokenizer):
    tokens = len(tokenizer)
    rows = -(-tokens // 64) * 64
    torch.manual_seed(7)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=rows,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=CONTEXT,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=False,
            initializer_range=0.3,
        )
    ).float()
    # The end mark and the rows that are no token get logit 0, so that a greedy answer does not reach them.
    with torch.no_grad():
        model.lm_head.weight[tokenizer.eos_token_id].zero_()
        model.lm_head.weight[tokens:].zero_()
    return model


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make-model.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(folder)
    random_llama(tokenizer).save_pretrained(folder, safe_serialization=True)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    (folder / "generation_config.json").write_text(json.dumps(ends))
    print(f"wrote {folder}: {len(tokenizer)} tokens, context {CONTEXT}")


if __name__ == "__main__":
    main()
