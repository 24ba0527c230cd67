"""Examples of a prompt: the same in each prompt, or those most similar to its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.texts import LabelledTexts, read_texts
from keras_textcls.labels import LabelSet

# Most similarities that may be in memory at once.
_MOST_COMPARED = 2**25


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
            for text, name in zip(one_column(columns, "examples"), names or (), strict=True)
        ]
    else:
        pairs = _pairs(examples)
    labels.encode([name for _, name in pairs], "examples")
    return tuple((text, name) for text, name in pairs)


def one_column(x: Any, name: str) -> list[str]:
    """Return texts of which none is a pair.

    Args:
        x: texts, as `read_texts` takes them.
        name: string, what error messages call them.

    Returns:
        A list of strings.

    Raises:
        InvalidDataError: they are pairs, or no texts.
    """
    columns = read_texts(x, name)
    if len(columns) > 1:
        raise InvalidDataError(
            f"`{name}` holds text pairs, which have no place in a prompt. Join the two texts into "
            "one, as in f'{first} Second: {second}'."
        )
    return columns[0]


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
    """Picks for each text the examples most similar to it, the most similar last.

    After Liu et al., 2022, "What Makes Good In-Context Examples for GPT-3?". A
    text is no example of itself: its label would stand in its own prompt.

    Args:
        examples: tuple of tuples of a text and a label name.
        count: int, examples a text.
        preset: string, whose embeddings are compared, as for
            `TextClassifier.from_preset`.
    """

    def __init__(self, examples: Sequence[tuple[str, str]], count: int, preset: str) -> None:
        self._examples, self._count = examples, count
        self._places: dict[str, list[int]] = {}
        for place, (text, _) in enumerate(examples):
            self._places.setdefault(text.strip(), []).append(place)
        self._embedder = TextClassifier.from_preset(preset, labels=["0", "1"])
        self._known = self._embed([text for text, _ in examples])

    def __call__(self, texts: list[str]) -> list[list[tuple[str, str]]]:
        """Return examples for each text, a list of lists of tuples of a text and a label name."""
        rows = max(1, _MOST_COMPARED // len(self._examples))
        batches = (texts[first : first + rows] for first in range(0, len(texts), rows))
        return [examples for batch in batches for examples in self._nearest(batch)]

    def _nearest(self, texts: list[str]) -> list[list[tuple[str, str]]]:
        similarity = self._embed(texts) @ self._known.T
        for row, text in enumerate(texts):
            similarity[row, self._places.get(text.strip(), [])] = -np.inf
        count = min(self._count, len(self._examples))
        nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(similarity, nearest, axis=1)
        # Of equals the first; the most similar last.
        order = np.lexsort((-nearest, values), axis=1)
        return [
            [self._examples[i] for i in nearest[row, order[row]] if similarity[row, i] > -np.inf]
            for row in range(len(texts))
        ]

    def _embed(self, texts: list[str]) -> np.ndarray:
        vectors = self._embedder.embed(texts, verbose=0)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
