"""SentencePiece by the `sentencepiece` package, which TensorFlow Text runs in its graph.

The package needs no runtime that a forked process would lack.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import regex

from keras_textcls.keras_compat.tokenizers import can_tokenize_sentence_pieces, sentence_pieces
from keras_textcls.tokenization.prefixes import last_match
from keras_textcls.utils.ragged import end_to_end
from keras_textcls.utils.sentence_piece import read_model

_CUTS = regex.compile(r"(?r)[\p{L}\p{N}](?= )")
_WITHIN = regex.compile("[^ \u2581][ \u2581]")


class FastSentencePiece:
    """A SentencePiece tokenizer of Keras Hub, without TensorFlow.

    Args:
        tokenizer: a `keras_hub.tokenizers.SentencePieceTokenizer` for which
            `serves` returns `True`.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @staticmethod
    def serves(tokenizer: Any) -> bool:
        """Return whether this gives the same token ids as a tokenizer.

        Args:
            tokenizer: any tokenizer.

        Returns:
            A bool.
        """
        return can_tokenize_sentence_pieces(tokenizer) and tokenizer.sequence_length is None

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        return end_to_end(sentence_pieces(self._tokenizer, texts))

    def last_cut(self, text: str, size: int) -> int:
        """Return where to cut a text so that the tokens before are those of the whole.

        Args:
            text: string.
            size: int, the end of the part to look at.

        Returns:
            An int, at most `size`; 0 where no place is known.
        """
        return last_match(_CUTS, text, size) if self._is_cut_at_spaces else 0

    @functools.cached_property
    def _is_cut_at_spaces(self) -> bool:
        """Whether no piece and no rule of the normalizer reaches from a word over a space."""
        model = read_model(self._tokenizer.proto, "the tokenizer")
        if any(_WITHIN.search(piece) for piece, *_ in model.pieces):
            return False
        if not model.charsmap:
            return True
        # Else a letter may become a space of its own.
        return model.options["remove_extra_whitespaces"] and not _joins_spaces(model.charsmap)


def _joins_spaces(charsmap: bytes) -> bool:
    """Return whether a rule replaces a text that has a space after its first character.

    The table is a double array: its units hold the label by which they are
    reached, and where the units are that follow.
    """
    size = int.from_bytes(charsmap[:4], "little")
    units = np.frombuffer(charsmap[4 : 4 + size], "<u4").astype("int64")
    following = np.arange(len(units)) ^ ((units >> 10) << ((units & 0x200) >> 6))
    spaces = np.flatnonzero((units & 0x800000FF) == ord(" "))
    return bool(np.isin(spaces ^ ord(" "), following[1:]).any())
