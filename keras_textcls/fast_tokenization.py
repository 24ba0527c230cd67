"""Tokens of many texts, as Keras Hub's tokenizer gives them, end to end.

WordPiece and SentencePiece run in Keras Hub's graph, chunks of texts side by
side: TensorFlow Text does them in C++ (`benchmarks/LOG.md` has the comparison
with the `tokenizers` library). Byte pairs, which that graph merges in a loop,
run on the `tokenizers` library, in a twin built from the vocabulary and the
merges of Keras Hub's tokenizer. Texts on which the two are not known to agree
(special tokens within the text, rare kinds of space) are left to the graph,
text by text.
"""

from __future__ import annotations

import re
from typing import Any

import keras_hub
import numpy as np
import tensorflow as tf

from keras_textcls.tracing import TextGraph

_CHUNK_SIZE = 1024


class FastBytePair:
    """A twin of a Keras Hub byte-pair tokenizer.

    Args:
        tokenizer: a `keras_hub.tokenizers.BytePairTokenizer` that `serves`
            says yes to.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.
    """

    def __init__(self, tokenizer: Any) -> None:
        import tokenizers

        vocabulary, merges = dict(tokenizer.vocabulary), _merges(tokenizer)
        self._twin = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=merges))
        self._twin.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        # The graph splits space otherwise than the published pattern, and lets some
        # rare letters stand for what it wants to keep together.
        unsafe = [r"[^\S ]|  |^ | $|[\u096c\u0134]", *map(re.escape, _special_tokens(tokenizer))]
        self._unsafe = re.compile("|".join(unsafe))

    @staticmethod
    def serves(tokenizer: Any) -> bool:
        """Whether a tokenizer follows rules that the twin has.

        Args:
            tokenizer: any tokenizer.

        Returns:
            A bool.
        """
        base = keras_hub.tokenizers.BytePairTokenizer
        if not isinstance(tokenizer, base) or type(tokenizer).tokenize is not base.tokenize:
            return False
        if tokenizer.add_prefix_space or tokenizer.sequence_length is not None:
            return False
        return all(part in tokenizer.vocabulary for merge in _merges(tokenizer) for part in merge)

    def agrees_on(self, text: str) -> bool:
        """Whether the twin is known to split a text as Keras Hub does.

        Args:
            text: string.

        Returns:
            A bool.
        """
        return self._unsafe.search(text) is None

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        ids = [e.ids for e in self._twin.encode_batch_fast(texts, add_special_tokens=False)]
        counts = np.array([len(i) for i in ids], "int64")
        flat = np.fromiter((i for part in ids for i in part), "int64", int(counts.sum()))
        return flat, counts


def _merges(tokenizer: Any) -> list[tuple[str, str]]:
    lines = (str(merge) for merge in tokenizer.merges)
    pairs = (line.split(" ") for line in lines if "#version:" not in line)
    return [(left, right) for left, right in pairs]


def _special_tokens(tokenizer: Any) -> list[str]:
    return [token for token in tokenizer.unsplittable_tokens or () if token]


class GraphTokenizer:
    """A Keras Hub tokenizer, traced once.

    Args:
        tokenizer: a `keras_hub.tokenizers.Tokenizer` whose output is ragged.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.

    Raises:
        TypeError: the output is not ragged.
    """

    def __init__(self, tokenizer: Any) -> None:
        def tokenize(texts: Any) -> Any:
            tokens = tokenizer(texts)
            if not isinstance(tokens, tf.RaggedTensor):
                raise TypeError("the output of the tokenizer is not ragged")
            return tokens.flat_values, tokens.row_lengths()

        self._graph = TextGraph("tokens", tokenize, 1, tokenizer)

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        if len(texts) <= _CHUNK_SIZE:
            tokens, counts = self._graph(texts)
            return tokens.numpy(), counts.numpy()
        dataset = tf.data.Dataset.from_tensor_slices(texts).batch(_CHUNK_SIZE)
        dataset = dataset.map(self._graph.for_dataset(), num_parallel_calls=tf.data.AUTOTUNE)
        parts = list(dataset.prefetch(1).as_numpy_iterator())
        flat, counts = zip(*parts, strict=True)
        return np.concatenate(flat), np.concatenate(counts)


class FastTokenizer:
    """The fastest exact way from texts to the tokens of a Keras Hub tokenizer.

    Args:
        tokenizer: a `keras_hub.tokenizers.Tokenizer` whose output is ragged.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._twin = FastBytePair(tokenizer) if FastBytePair.serves(tokenizer) else None
        # Tracing byte pairs takes two seconds, and few texts need it.
        self._traced = GraphTokenizer(tokenizer) if self._twin is None else None

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        if self._twin is None:
            return self._graph()(texts)
        agrees = np.array([self.is_quick(text) for text in texts])
        if agrees.all():
            return self._twin(texts)
        counts = np.zeros(len(texts), "int64")
        parts = []
        for tokenizer, chosen in ((lambda: self._twin, agrees), (self._graph, ~agrees)):
            rows = np.flatnonzero(chosen)
            if len(rows):
                flat, counts[rows] = tokenizer()([texts[i] for i in rows])
                parts.append((rows, flat))
        return _merge(parts, counts), counts

    def is_quick(self, text: str) -> bool:
        """Whether a text needs no graph, which takes seconds to trace.

        Args:
            text: string.

        Returns:
            A bool.
        """
        return self._twin is not None and self._twin.agrees_on(text)

    def _graph(self) -> GraphTokenizer:
        if self._traced is None:
            self._traced = GraphTokenizer(self._tokenizer)
        return self._traced


def _merge(parts: list[tuple[np.ndarray, np.ndarray]], counts: np.ndarray) -> np.ndarray:
    """Put the tokens of some rows and of the others in the order of all rows."""
    merged = np.zeros(int(counts.sum()), "int64")
    starts = np.cumsum(counts) - counts
    for rows, flat in parts:
        own = counts[rows]
        within = np.arange(len(flat)) - np.repeat(np.cumsum(own) - own, own)
        merged[np.repeat(starts[rows], own) + within] = flat
    return merged
