"""Small causal language models with a tokenizer of letters, and transformers beside them."""

import functools
import json

import keras
import keras_hub
import numpy as np

from keras_textcls.models import (
    GPTNeoBackbone,
    GPTNeoCausalLM,
    GPTNeoCausalLMPreprocessor,
    GPTNeoTokenizer,
)

SPACE = "\u0120"
MERGES = ["# #", f"{SPACE} #", f"{SPACE} h", "a m", f"{SPACE} s", "p am", f"{SPACE}s pam"]
LETTERS = [
    *(chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))),
    *(chr(code) for code in range(256, 324)),
    *(merge.replace(" ", "") for merge in MERGES),
    "<|endoftext|>",
]
END = len(LETTERS) - 1
# Enough for every short instruction; shorter than most prompts, so that layers look back locally.
WINDOW = 16
SHORT = {"instruction": "Choose {labels}.", "turn": " Text: {text} Answer: {answer}"}


@functools.cache
def letter_tokenizer(kind="gpt_neo"):
    """A byte-pair tokenizer of single letters and a few merges."""
    cls = GPTNeoTokenizer if kind == "gpt_neo" else keras_hub.models.GPT2Tokenizer
    return cls({token: i for i, token in enumerate(LETTERS)}, MERGES)


def language_model(kind="gpt_neo", sequence_length=256, scale=0.15, seed=0):
    """A tiny GPT-Neo or GPT-2 of its own, weights moved so that answers differ visibly."""
    keras.utils.set_random_seed(seed)
    shared = {"vocabulary_size": len(LETTERS), "num_layers": 2, "num_heads": 4, "hidden_dim": 32}
    if kind == "gpt_neo":
        backbone = GPTNeoBackbone(**shared, window_size=WINDOW, max_sequence_length=256)
        preprocessor = GPTNeoCausalLMPreprocessor(letter_tokenizer(), sequence_length)
        model = GPTNeoCausalLM(backbone, preprocessor)
    else:
        backbone = keras_hub.models.GPT2Backbone(
            **shared, intermediate_dim=128, max_sequence_length=256, dropout=0.0
        )
        preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(
            letter_tokenizer("gpt2"), sequence_length=sequence_length
        )
        model = keras_hub.models.GPT2CausalLM(backbone, preprocessor)
    rng = np.random.default_rng(seed)
    for weight in backbone.trainable_weights:
        noise = rng.normal(0, scale, weight.shape).astype("float32")
        weight.assign(keras.ops.convert_to_numpy(weight) + noise)
    return model


def write_oracle(kind, folder):
    """Save a random model of transformers with the letters; return it."""
    import torch
    import transformers

    torch.manual_seed(0)
    shared = {"vocab_size": len(LETTERS), "bos_token_id": END, "eos_token_id": END}
    if kind == "gpt_neo":
        config = transformers.GPTNeoConfig(
            **shared, max_position_embeddings=256, hidden_size=32, num_layers=2, num_heads=4,
            attention_types=[[["global", "local"], 1]], window_size=WINDOW,
            attn_implementation="eager",
        )  # fmt: skip
        oracle = transformers.GPTNeoForCausalLM(config).eval()
    else:
        config = transformers.GPT2Config(**shared, n_positions=256, n_embd=32, n_layer=2, n_head=4)
        oracle = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for weight in oracle.parameters():
            weight.add_(0.15 * torch.randn_like(weight))
    oracle.save_pretrained(folder)
    vocabulary = json.dumps({token: i for i, token in enumerate(LETTERS)})
    (folder / "vocab.json").write_text(vocabulary, encoding="utf-8")
    merges = "\n".join(["#version: 0.2", *MERGES, ""])
    (folder / "merges.txt").write_text(merges, encoding="utf-8")
    return oracle


def likelihood(oracle, prompt_ids, answer_ids):
    """The logarithm of the probability of an answer, by transformers."""
    import torch

    ids = torch.tensor([[*prompt_ids, *answer_ids]], dtype=torch.long)
    with torch.no_grad():
        scores = torch.log_softmax(oracle(ids).logits[0].double(), dim=-1)
    first = len(prompt_ids) - 1
    return float(sum(scores[first + i, token] for i, token in enumerate(answer_ids)))


def whole_ids(tokenizer, text):
    """The tokens of a text, all at once."""
    return [int(i) for i in np.asarray(keras.ops.convert_to_numpy(tokenizer(text)))]


def prompt_ids(tokenizer, prompt):
    """The tokens of a prompt, all at once, as Keras Hub begins them for GPT-2 and its like."""
    return [END, *whole_ids(tokenizer, prompt)]
