"""Functions of texts as TensorFlow graphs, traced once and shared by models that need the same.

Tracing a preprocessor takes one second (WordPiece) to eight (byte pairs) of one core, so a
second classifier with the same vocabulary and settings takes the graph of the first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_textcls.keras_compat.forked import check_process
from keras_textcls.keras_compat.tokenizers import is_sentence_piece, reload
from keras_textcls.tokenization.preprocessor_fingerprint import preprocessor_fingerprint

# So many graphs are kept; each keeps a vocabulary in memory.
KEPT = 8

_kept: OrderedDict[tuple[str, int, str], Any] = OrderedDict()


class TextGraph:
    """A function of columns of texts, as a graph.

    Args:
        name: string, what the function does with `layer`.
        function: callable that takes `num_columns` tensors of strings.
        num_columns: int.
        layer: the preprocessor or tokenizer that `function` calls; `name` and
            its settings tell the graph.

    Call arguments:
        columns: lists of strings.

    Returns:
        What `function` returns.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], num_columns: int, layer: Any
    ) -> None:
        self._name, self._function, self._layer = name, function, layer
        self._tokenizer = getattr(layer, "tokenizer", layer)
        self._is_sentence_piece = is_sentence_piece(self._tokenizer)
        self._signature = [tf.TensorSpec([None], tf.string)] * num_columns
        self._graph = self._shared()

    def __call__(self, *columns: Sequence[str]) -> Any:
        """Apply the function."""
        check_process("tensorflow")
        tensors = [tf.constant(column, tf.string) for column in columns]
        try:
            return self._graph(*tensors)
        except tf.errors.NotFoundError:
            if not self._is_sentence_piece:
                raise
            self._revive()
            return self._graph(*tensors)

    def for_dataset(self) -> Any:
        """Return the function for `tf.data.Dataset.map`."""
        check_process("tensorflow")
        if self._is_sentence_piece:
            self(*[[""]] * len(self._signature))
        return self._graph

    def _revive(self) -> None:
        """Load a SentencePiece model again, which TensorFlow drops at a new random seed."""
        reload(self._tokenizer)
        self._graph = self._trace()

    def _shared(self) -> Any:
        # Not so for SentencePiece, whose model ends with its tokenizer.
        fingerprint = None
        if not self._is_sentence_piece:
            fingerprint = preprocessor_fingerprint(self._layer)
        if fingerprint is None:
            return self._trace()
        key = self._name, len(self._signature), fingerprint
        graph = _kept[key] = _kept.pop(key, None) or self._trace()
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return graph

    def _trace(self) -> Any:
        check_process("tensorflow")
        # One concrete function: TensorFlow takes many traced once for a mistake, and says so.
        return tf.function(self._function, input_signature=self._signature).get_concrete_function()
