"""Private attributes and functions of Keras Hub's tokenizers."""

from __future__ import annotations

from typing import Any

import keras_hub
from keras_hub.src.tokenizers import word_piece_tokenizer

from keras_textcls.keras_compat.fallback import has_names

# Methods that decide what a tokenizer makes of a text.
TOKENIZING = ("tokenize", "_tokenize_tf")
_SENTENCE_PIECE = (*TOKENIZING, "_tokenize_spm")
_WORD_PIECE = ("MAX_BYTES_PER_WORD", "casefold_utf8")


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
    if not has_names(base, TOKENIZING, slower):
        return False
    return all(getattr(type(tokenizer), name) is getattr(base, name) for name in TOKENIZING)


def can_tokenize_word_pieces(tokenizer: Any) -> bool:
    """Return whether a tokenizer follows the rules of `keras_hub.tokenizers.WordPieceTokenizer`.

    Args:
        tokenizer: any tokenizer.

    Returns:
        A bool, as in `can_tokenize_byte_pairs`; `False` also for a tokenizer of
        words that are split already, and for one that returns strings.
    """
    base = keras_hub.tokenizers.WordPieceTokenizer
    if not isinstance(tokenizer, base) or not _has_vocabulary(tokenizer):
        return False
    slower = "WordPiece tokenization"
    if not has_names(word_piece_tokenizer, _WORD_PIECE, slower):
        return False
    if not has_names(base, TOKENIZING, slower) or not tokenizer.split:
        return False
    return all(getattr(type(tokenizer), name) is getattr(base, name) for name in TOKENIZING)


def word_piece_specials(tokenizer: Any) -> list[str]:
    """Return the special tokens that a WordPiece tokenizer finds within texts.

    Args:
        tokenizer: a `keras_hub.tokenizers.WordPieceTokenizer`.

    Returns:
        A list of strings.
    """
    return list(tokenizer._special_tokens_for_splitting() or ())


def word_piece_limit() -> int:
    """Return the most bytes of a word that WordPiece looks into; longer ones are unknown."""
    return int(word_piece_tokenizer.MAX_BYTES_PER_WORD)


def fold_case(text: str) -> str:
    """Return a text without upper case, as Keras Hub's WordPiece reads it.

    Args:
        text: string.

    Returns:
        A string.
    """
    return str(word_piece_tokenizer.casefold_utf8(text))


def can_tokenize_sentence_pieces(tokenizer: Any) -> bool:
    """Return whether a tokenizer runs on the `sentencepiece` package as it does in a graph.

    Args:
        tokenizer: any tokenizer.

    Returns:
        A bool, as in `can_tokenize_byte_pairs`: `True` for the classes of Keras
        Hub, and for those that change nothing about them.
    """
    base = keras_hub.tokenizers.SentencePieceTokenizer
    if not isinstance(tokenizer, base) or not _has_vocabulary(tokenizer):
        return False
    if not has_names(base, _SENTENCE_PIECE, "SentencePiece tokenization"):
        return False
    kind = type(tokenizer)
    kept = all(getattr(kind, name) is getattr(base, name) for name in _SENTENCE_PIECE)
    return kept or all(
        getattr(kind, name).__module__.startswith("keras_hub.") for name in _SENTENCE_PIECE
    )


def sentence_pieces(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Tokenize texts by the `sentencepiece` package.

    Args:
        tokenizer: a `keras_hub.tokenizers.SentencePieceTokenizer`.
        texts: list of strings.

    Returns:
        A list of lists of ints.
    """
    return list(tokenizer._tokenize_spm(texts))


def _has_vocabulary(tokenizer: Any) -> bool:
    known = getattr(tokenizer, "vocabulary", None) or getattr(tokenizer, "proto", None)
    return known is not None and "int" in str(tokenizer.compute_dtype)


def tokenize_without_tensorflow() -> None:
    """Let tokenizers that are made from now on do without the tables they keep in TensorFlow.

    Keras Hub makes these beforehand, for graphs; without them it makes them when
    it traces one, and then says that TensorFlow is missing.
    """
    kinds = keras_hub.tokenizers
    kinds.WordPieceTokenizer._set_vocabulary_tf = _nothing
    kinds.BytePairTokenizer._set_vocabulary_and_merges_tf = _missing
    kinds.SentencePieceTokenizer._set_proto_tf = _missing


def _nothing(tokenizer: Any, *_: Any) -> None:
    pass


def _missing(tokenizer: Any, *_: Any) -> None:
    raise ImportError(
        "TensorFlow cannot run in this process, which was forked from one in which it ran."
    )


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
