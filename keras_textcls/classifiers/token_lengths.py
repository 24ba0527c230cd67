"""Numbers of tokens of texts for a preset or a classifier, without truncation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.tokenization.text_encoder import TextEncoder

# More tokens than any text is counted with.
_UNCUT = 1 << 16


def token_lengths(preset: Any, chunks: Iterable[Sequence[list[str]]]) -> tuple[np.ndarray, int]:
    """Count tokens as a preset would, uncut.

    Args:
        preset: string or path of a preset, or an object with a `preprocessor`.
        chunks: iterable of columns of texts.

    Returns:
        A tuple of an int array and the preset's `sequence_length`.

    Raises:
        ArgumentError: the object has no preprocessor.
    """
    if isinstance(preset, (str, os.PathLike)):
        preset = TextClassifier.from_preset(preset, num_classes=2, load_weights=False)
    preprocessor = getattr(preset, "preprocessor", None)
    if preprocessor is None:
        raise ArgumentError(
            "`preset` must be a name, a path or a classifier with a preprocessor. Received: "
            f"preset={shorten(preset)}."
        )
    sequence_length = preprocessor.sequence_length
    try:
        preprocessor.sequence_length = _UNCUT
        encoder = TextEncoder(preprocessor)
        lengths = [encoder.encode(tuple(columns)).lengths for columns in chunks]
    finally:
        preprocessor.sequence_length = sequence_length
    return (np.concatenate(lengths) if lengths else np.zeros(0, int)), sequence_length
