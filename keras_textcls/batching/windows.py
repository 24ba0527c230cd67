"""Windows of encoded texts, which a planner divides into batches.

Texts in memory are one window. A stream is read as one window after the other, so
that it is never in memory as a whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from keras_textcls.batching.bucket_plan import PlannedBatch
from keras_textcls.inputs.targets import class_weights
from keras_textcls.labels import LabelSet
from keras_textcls.tokenization.encoded_texts import EncodedTexts, concatenate


@dataclasses.dataclass(frozen=True)
class Window:
    """Encoded texts with their targets.

    Args:
        texts: `EncodedTexts`. Where it has `chunks`, targets and weights are
            those of the whole texts.
        y: array of targets, or `None`. Defaults to `None`.
        sample_weight: float array of shape `(num_texts,)`, or `None`. Defaults
            to `None`.
    """

    texts: EncodedTexts
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None

    def element(self, batch: PlannedBatch) -> tuple[Any, ...]:
        """Cut one element `(x,)`, `(x, y)` or `(x, y, sample_weight)` of a dataset."""
        rows = batch.rows if self.y is None else len(batch.indices)
        x = self.texts.batch(batch.indices, batch.padded_length, rows)
        targets = (self.y, self.sample_weight)
        return (x, *(t[batch.indices] for t in targets if t is not None))

    def take(self, indices: np.ndarray) -> Window:
        """Return some of the texts, in the order of `indices`."""
        y, weight = (None if t is None else t[indices] for t in (self.y, self.sample_weight))
        return Window(self.texts.take(indices), y, weight)

    def weighed(self, class_weight: Any, labels: LabelSet) -> Window:
        """Multiply the sample weights by class weights.

        Args:
            class_weight: as in `class_weights`.
            labels: `LabelSet`.

        Returns:
            A `Window`.
        """
        assert self.y is not None
        per_text = class_weights(class_weight, labels, self.y)[self.y]
        if self.sample_weight is not None:
            per_text = per_text * self.sample_weight
        return dataclasses.replace(self, sample_weight=per_text.astype("float32"))


def join_windows(parts: Iterable[Window]) -> Window:
    """Join windows of the same preprocessor, in order.

    Args:
        parts: iterable of `Window`, at least one.

    Returns:
        A `Window`, with targets and weights where all parts have them.
    """
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    y, weight = _join([p.y for p in parts]), _join([p.sample_weight for p in parts])
    return Window(concatenate([p.texts for p in parts]), y, weight)


def _join(arrays: list[np.ndarray | None]) -> np.ndarray | None:
    given = [array for array in arrays if array is not None]
    return np.concatenate(given) if len(given) == len(arrays) else None


@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows that can be read pass after pass.

    Args:
        read: function without arguments that returns an iterator of `Window`.
        whole: the only `Window`, or `None` for a stream. Defaults to `None`.
        batch_size: function without arguments that returns how many texts a
            batch of the stream has, or `None` for texts in memory. Defaults to
            `None`.
        in_chunks: bool, whether texts may be in chunks, with targets of whole
            texts. Defaults to `False`.
    """

    read: Callable[[], Iterator[Window]]
    whole: Window | None = None
    batch_size: Callable[[], int] | None = None
    in_chunks: bool = False

    @classmethod
    def of(cls, window: Window) -> Windows:
        """Return the windows of texts in memory.

        Args:
            window: `Window`.

        Returns:
            `Windows`.
        """
        return cls(lambda: iter((window,)), window, None, window.texts.chunks is not None)

    def __iter__(self) -> Iterator[Window]:
        return self.read()

    def map(self, function: Callable[[Window], Window]) -> Windows:
        """Apply a function to each window.

        Args:
            function: callable from `Window` to `Window`.

        Returns:
            `Windows`.
        """
        if self.whole is not None:
            return Windows.of(function(self.whole))
        return dataclasses.replace(self, read=lambda: map(function, self.read()))
