"""Fast tokenization of many texts, with the token ids of Keras Hub's tokenizer.

No kind of tokenizer needs TensorFlow, whose threads a forked process lacks: WordPiece is
done in Python (`word_pieces.py`), SentencePiece by its own package
(`sentence_pieces.py`), and byte pairs by the `tokenizers` library, which gets the
vocabulary and the merges of Keras Hub's tokenizer. A `tokenizer.json` goes to that library,
too (`json_tokens.py`). Keras Hub does not split every text
by the published pattern (special tokens within the text, rare kinds of space); such a
text is first split as Keras Hub does it (`byte_pair_words.py`). Tokenizers with rules of
their own run as their own TensorFlow graph, on batches of texts in parallel.
"""

from __future__ import annotations

import itertools
import re
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from keras_textcls.keras_compat.tokenizers import can_tokenize_byte_pairs
from keras_textcls.tokenization.byte_pair_words import cuts_between_words, split_for_byte_pairs
from keras_textcls.tokenization.json_tokens import FastJson
from keras_textcls.tokenization.prefixes import in_order, last_match
from keras_textcls.tokenization.sentence_pieces import FastSentencePiece
from keras_textcls.tokenization.traced_graphs import TextGraph
from keras_textcls.tokenization.word_pieces import FastWordPiece
from keras_textcls.utils.ragged import end_to_end

_TEXTS_AT_ONCE = 1024


class FastBytePair:
    """A byte-pair tokenizer of Keras Hub, run by the `tokenizers` library.

    Args:
        tokenizer: a `keras_hub.tokenizers.BytePairTokenizer` for which `serves`
            returns `True`.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.
    """

    def __init__(self, tokenizer: Any) -> None:
        vocabulary = dict(tokenizer.vocabulary)
        pairs = BPE(vocab=vocabulary, merges=_merges(tokenizer))
        self._plain, self._word = tokenizers.Tokenizer(pairs), tokenizers.Tokenizer(pairs)
        self._plain.pre_tokenizer = ByteLevel(add_prefix_space=False)
        self._word.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
        special = _special_tokens(tokenizer)
        self._special = {t: [vocabulary.get(p, -1) for p in t.split(" ")] for t in special}
        # The graph splits space otherwise than the published pattern, and lets some
        # rare letters stand for what it wants to keep together.
        unsafe = [r"[^\S ]|  |^ | $|[\u096c\u0134]", *map(re.escape, special)]
        self._unsafe = re.compile("|".join(unsafe))
        self._cuts = cuts_between_words(special)

    @staticmethod
    def serves(tokenizer: Any) -> bool:
        """Return whether the `tokenizers` library gives the same token ids as a tokenizer.

        Args:
            tokenizer: any tokenizer.

        Returns:
            A bool.
        """
        if not can_tokenize_byte_pairs(tokenizer):
            return False
        if tokenizer.add_prefix_space or tokenizer.sequence_length is not None:
            return False
        letters = {part for merge in _merges(tokenizer) for part in merge}
        return letters.union(ByteLevel.alphabet()) <= tokenizer.vocabulary.keys()

    def is_plain(self, text: str) -> bool:
        """Return whether Keras Hub is known to split a text by the published pattern.

        Args:
            text: string.

        Returns:
            A bool.
        """
        return self._unsafe.search(text) is None

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        plain = np.array([self.is_plain(text) for text in texts], bool)
        counts = np.zeros(len(texts), "int64")
        parts = []
        for tokenize, chosen in ((self._tokenize_plain, plain), (self._tokenize_other, ~plain)):
            rows = np.flatnonzero(chosen)
            if len(rows) == len(texts):
                return tokenize(texts)
            if len(rows):
                flat, counts[rows] = tokenize([texts[i] for i in rows])
                parts.append((rows, flat))
        return in_order(parts, counts), counts

    def last_cut(self, text: str, size: int) -> int:
        """Return where to cut a text so that the tokens before are those of the whole.

        Args:
            text: string.
            size: int, the end of the part to look at.

        Returns:
            An int, at most `size`; 0 where no place is known.
        """
        return last_match(self._cuts, text, size)

    def _tokenize_plain(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        encoded = self._plain.encode_batch_fast(texts, add_special_tokens=False)
        return end_to_end([encoding.ids for encoding in encoded])

    def _tokenize_other(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Split texts as Keras Hub does, and merge the bytes of every word."""
        special = tuple(self._special)
        split = [split_for_byte_pairs(text, special) for text in texts]
        place = {word: i for i, word in enumerate(dict.fromkeys(itertools.chain(*split)))}
        encoded = self._word.encode_batch_fast(list(place), add_special_tokens=False)
        ids = [self._special.get(w, e.ids) for w, e in zip(place, encoded, strict=True)]
        return end_to_end([[i for word in words for i in ids[place[word]]] for words in split])


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
        if len(texts) <= _TEXTS_AT_ONCE:
            tokens, counts = self._graph(texts)
            return tokens.numpy(), counts.numpy()
        dataset = tf.data.Dataset.from_tensor_slices(texts).batch(_TEXTS_AT_ONCE)
        dataset = dataset.map(self._graph.for_dataset(), num_parallel_calls=tf.data.AUTOTUNE)
        parts = list(dataset.prefetch(1).as_numpy_iterator())
        flat, counts = zip(*parts, strict=True)
        return np.concatenate(flat), np.concatenate(counts)


FastTokenizer: TypeAlias = FastBytePair | FastWordPiece | FastSentencePiece | FastJson
Tokenize: TypeAlias = FastTokenizer | GraphTokenizer
_FAST: tuple[type[FastTokenizer], ...] = (
    FastBytePair,
    FastWordPiece,
    FastSentencePiece,
    FastJson,
)


def needs_no_graph(tokenizer: Any) -> bool:
    """Return whether a tokenizer runs without TensorFlow.

    Args:
        tokenizer: any tokenizer.

    Returns:
        A bool.
    """
    return any(kind.serves(tokenizer) for kind in _FAST)


def fast_tokenizer(tokenizer: Any) -> Tokenize:
    """Return the fastest function that gives the same token ids as a Keras Hub tokenizer.

    Args:
        tokenizer: a `keras_hub.tokenizers.Tokenizer` whose output is ragged.

    Returns:
        A callable from a list of strings to a tuple of an int array of all ids
        end to end, and an int array of how many each text has.
    """
    for kind in _FAST:
        if kind.serves(tokenizer):
            return kind(tokenizer)
    return GraphTokenizer(tokenizer)
