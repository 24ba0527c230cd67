"""WordPiece in Python, with the token ids of Keras Hub's TensorFlow graph.

Neither needs a runtime that a forked process would lack, nor more than linear time for
a word of a million characters. A text is split into words by one regular expression,
and what a word becomes is kept, so that most words cost one look into a table.

The graph follows the Unicode version of TensorFlow, and this the one of Python: they
agree on every character of Unicode 14, the version of Python 3.11.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Any

import numpy as np
import regex

from keras_textcls.keras_compat.tokenizers import (
    can_tokenize_word_pieces,
    fold_case,
    word_piece_limit,
    word_piece_specials,
)
from keras_textcls.tokenization.prefixes import last_match
from keras_textcls.utils.ragged import end_to_end

# As the graph has it: its `\s` is that of ASCII.
_SPACE = r"[ \t\n\r\f\p{Cc}\p{Cf}]"
_PUNCTUATION = r"!-/:-@\[-`{-~\p{P}"
_CHINESE = (
    r"\u4E00-\u9FFF\u3400-\u4DBF\U00020000-\U0002A6DF\U0002A700-\U0002B73F"
    r"\U0002B740-\U0002B81F\U0002B820-\U0002CEAF\uF900-\uFAFF\U0002F800-\U0002FA1F"
)
_ASCII_WORDS = re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]")
# U+1171E, a nonspacing mark until Unicode 15, is one for TensorFlow 2.21.
_ACCENTS = regex.compile(r"[\p{Mn}\U0001171E]+")
# So many words are kept, with their tokens.
_KEPT_WORDS = 1 << 17


class FastWordPiece:
    """A WordPiece tokenizer of Keras Hub, without TensorFlow.

    Args:
        tokenizer: a `keras_hub.tokenizers.WordPieceTokenizer` for which `serves`
            returns `True`.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.
    """

    def __init__(self, tokenizer: Any) -> None:
        special = word_piece_specials(tokenizer)
        self._strips_accents = tokenizer.strip_accents
        self._words = _Words(tokenizer, special)
        # The ids of a lower-case word are asked for with the word as it stands.
        self._has_special = bool(special)
        kept = _PUNCTUATION + (_CHINESE if tokenizer.split_on_cjk else "")
        alternatives = [*map(re.escape, special), f"[{kept}]"]
        self._split = regex.compile(f"({'|'.join(alternatives)})|{_SPACE}")
        # Words end at these in every text, and so does what a combining character may change.
        held = re.escape("".join(sorted(set("".join(special)))))
        free = f"(?![{held}])" if held else ""
        self._cuts = regex.compile(f"(?r){free}(?:{_SPACE}|[{kept}])")

    @staticmethod
    def serves(tokenizer: Any) -> bool:
        """Return whether this gives the same token ids as a tokenizer.

        Args:
            tokenizer: any tokenizer.

        Returns:
            A bool.
        """
        return can_tokenize_word_pieces(tokenizer) and tokenizer.sequence_length is None

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        lookup = self._words.__getitem__
        rows = []
        for text in texts:
            rows.append(list(itertools.chain.from_iterable(map(lookup, self.split(text)))))
            self._words.forget_if_many()
        return end_to_end(rows)

    def last_cut(self, text: str, size: int) -> int:
        """Return where to cut a text so that the tokens before are those of the whole.

        Args:
            text: string.
            size: int, the end of the part to look at.

        Returns:
            An int, at most `size`; 0 where no place is known.
        """
        end = last_match(self._cuts, text, size)
        while end and unicodedata.normalize("NFD", text[end - 1]) != text[end - 1]:
            end = last_match(self._cuts, text, end - 1)
        return end

    def split(self, text: str) -> list[str]:
        """Split a text into words and punctuation.

        Args:
            text: string.

        Returns:
            A list of strings.
        """
        if text.isascii() and not self._has_special:
            return _ASCII_WORDS.findall(text)
        if self._strips_accents:
            text = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
        return [word for word in self._split.split(text) if word]


class _Words(dict[str, tuple[int, ...]]):
    """The ids of words, found when they are first asked for."""

    def __init__(self, tokenizer: Any, special: list[str]) -> None:
        super().__init__()
        self._ids = {token: i for i, token in enumerate(tokenizer.vocabulary)}
        self._suffix = tokenizer.suffix_indicator
        self._unknown = (self._ids[tokenizer.oov_token],)
        self._folds = tokenizer.lowercase
        self._special = set(special)
        self._limit = word_piece_limit()

    def __missing__(self, word: str) -> tuple[int, ...]:
        folded = fold_case(word) if self._folds and word not in self._special else word
        ids = self._pieces(folded)
        if len(word) <= self._limit:
            self[word] = ids
        return ids

    def forget_if_many(self) -> None:
        """Empty the table when it is full."""
        if len(self) > _KEPT_WORDS:
            self.clear()

    def _pieces(self, word: str) -> tuple[int, ...]:
        """Take the longest piece that fits, again and again; all or nothing."""
        if len(word) > self._limit or len(word.encode()) > self._limit:
            return self._unknown
        ids = []
        start = 0
        while start < len(word):
            prefix = self._suffix if start else ""
            for end in range(len(word), start, -1):
                piece = self._ids.get(prefix + word[start:end])
                if piece is not None:
                    ids.append(piece)
                    start = end
                    break
            else:
                return self._unknown
        return tuple(ids)
