"""Private attributes and functions of Keras Hub's tokenizers."""

from __future__ import annotations

from typing import Any

import keras_hub
from keras_hub.src.tokenizers import byte_pair_tokenizer

from keras_textcls.keras_compat.fallback import has_names

_SPLIT = "split_strings_for_bpe"
# Methods that decide what a byte-pair tokenizer makes of a text.
TOKENIZING = ("tokenize", "_tokenize_tf")


def can_tokenize_byte_pairs(tokenizer: Any) -> bool:
    """Return whether a tokenizer follows the rules of `keras_hub.tokenizers.BytePairTokenizer`.

    Args:
        tokenizer: any tokenizer.

    Returns:
        A bool: `False` for a subclass with rules of its own, and, with one
        warning, where Keras Hub lacks a name that tells.
    """
    base = keras_hub.tokenizers.BytePairTokenizer
    if not isinstance(tokenizer, base):
        return False
    slower = "byte-pair tokenization"
    if not (
        has_names(byte_pair_tokenizer, [_SPLIT], slower) and has_names(base, TOKENIZING, slower)
    ):
        return False
    return all(getattr(type(tokenizer), name) is getattr(base, name) for name in TOKENIZING)


def split_for_byte_pairs(texts: Any, special_tokens: list[str]) -> Any:
    """Split texts into words as Keras Hub does before it merges bytes.

    Args:
        texts: `tf.Tensor` of strings.
        special_tokens: list of strings that are kept whole.

    Returns:
        A `tf.RaggedTensor` of strings.
    """
    return byte_pair_tokenizer.split_strings_for_bpe(texts, special_tokens)


def is_sentence_piece(tokenizer: Any) -> bool:
    """Return whether a tokenizer holds a SentencePiece model, which a graph of it refers to.

    Args:
        tokenizer: any object.

    Returns:
        A bool.
    """
    return isinstance(tokenizer, keras_hub.tokenizers.SentencePieceTokenizer)


def reload(tokenizer: Any) -> None:
    """Load the model of a SentencePiece tokenizer anew.

    TensorFlow forgets it when it is given a new random seed.

    Args:
        tokenizer: a `keras_hub.tokenizers.SentencePieceTokenizer`.
    """
    tokenizer.set_proto(tokenizer.proto)
