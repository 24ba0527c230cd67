"""Which examples a prompt shows: the same in each, or those most like its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs import LabelledTexts
from keras_textcls.labels import LabelSet
from keras_textcls.text_classifier import TextClassifier


def read_examples(examples: Any, labels: LabelSet) -> tuple[tuple[str, str], ...]:
    """Return examples as texts with label names.

    Args:
        examples: list of tuples of a text and a label name, a data set with
            labels, or `None`.
        labels: `LabelSet`.

    Returns:
        A tuple of tuples of a text and a label name.

    Raises:
        ArgumentError: it is none of those.
        UnknownLabelError: a label is not one of the labels.
    """
    if examples is None:
        return ()
    if isinstance(examples, LabelledTexts):
        if examples.labels is None or examples.multi_label:
            raise InvalidDataError("`examples` must have one label a text.")
        pairs = [
            (text, name)
            for columns, names in examples.chunks(1024)
            for text, name in zip(columns[0], names or (), strict=True)
        ]
    else:
        pairs = _pairs(examples)
    labels.encode([name for _, name in pairs], "examples")
    return tuple((text, name) for text, name in pairs)


def _pairs(examples: Any) -> list[tuple[str, str]]:
    is_list = isinstance(examples, Sequence) and not isinstance(examples, str)
    for pair in examples if is_list else [examples]:
        is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not is_pair or not all(isinstance(part, str) for part in pair):
            raise ArgumentError(
                "`examples` must be a list of (text, label), or a data set with labels. Received: "
                f"{shorten(pair)}."
            )
    return [(text, name) for text, name in examples]


class NearestExamples:
    """Picks for each text the examples most like it, the likest last.

    After Liu et al., 2022, "What Makes Good In-Context Examples for GPT-3?".

    Args:
        examples: tuple of tuples of a text and a label name.
        count: int, examples a text.
        preset: string, whose embeddings are compared, as for
            `TextClassifier.from_preset`.
    """

    def __init__(self, examples: Sequence[tuple[str, str]], count: int, preset: str) -> None:
        self._examples, self._count = examples, count
        self._embedder = TextClassifier.from_preset(preset, labels=["0", "1"])
        self._known = self._embed([text for text, _ in examples])

    def __call__(self, texts: list[str]) -> list[list[tuple[str, str]]]:
        """Return examples for each text, a list of lists of tuples of a text and a label name."""
        likeness = self._embed(texts) @ self._known.T
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, : self._count]
        return [[self._examples[i] for i in row[::-1]] for row in nearest]

    def _embed(self, texts: list[str]) -> np.ndarray:
        vectors = self._embedder.embed(texts, verbose=0)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
