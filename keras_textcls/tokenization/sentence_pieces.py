"""SentencePiece by the `sentencepiece` package, which TensorFlow Text runs in its graph.

The package needs no runtime that a forked process would lack.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textcls.keras_compat.tokenizers import can_tokenize_sentence_pieces, sentence_pieces
from keras_textcls.utils.ragged import end_to_end


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
