"""Long texts in chunks: cutting them, and averaging the features of their chunks.

NumPy only. A text of more tokens than fit is cut into the fewest chunks that
fit, as equal as possible: a last chunk of a few tokens would say little and
cost a row. The chunks of a text come one after the other, so that a chunk
needs to know no more than which text it belongs to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from keras_textcls.utils.ragged import spans


def cut_evenly(counts: np.ndarray, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut texts into the fewest chunks that fit, as equal as possible.

    Args:
        counts: int array of shape `(num_texts,)`, tokens of each text.
        room: int, most tokens of a chunk, at least 1.

    Returns:
        A tuple of two int arrays of shape `(num_chunks,)`: the tokens of each
        chunk, the longer ones of a text first, and the text that each chunk
        belongs to. A text without tokens is one chunk without tokens.

    Example:
    >>> sizes, owners = cut_evenly(np.array([2, 9, 0]), 4)
    >>> sizes.tolist(), owners.tolist()
    ([2, 3, 3, 3, 0], [0, 1, 1, 1, 2])
    """
    numbers = np.maximum(-(-counts // room), 1)
    owners = np.repeat(np.arange(len(counts)), numbers)
    rank = spans(0, numbers)
    size, longer = np.divmod(counts, numbers)
    return size[owners] + (rank < longer[owners]), owners


@dataclasses.dataclass(frozen=True)
class Chunks:
    """The texts that rows are chunks of, and how much each chunk counts.

    Args:
        owners: int array of shape `(num_chunks,)`, the text of each chunk,
            from 0, ascending, no text left out.
        weights: float array of shape `(num_chunks,)`, how much each chunk
            counts in the average of its text; more than 0.
    """

    owners: np.ndarray
    weights: np.ndarray

    @classmethod
    def whole(cls, num_texts: int) -> Chunks:
        """Return texts that are one chunk each.

        Args:
            num_texts: int.

        Returns:
            `Chunks`.
        """
        return cls(np.arange(num_texts), np.ones(num_texts))

    def __len__(self) -> int:
        """Number of texts."""
        return int(self.owners[-1]) + 1

    def average(self, features: np.ndarray) -> np.ndarray:
        """Average the features of the chunks of each text, by their weights.

        Args:
            features: float array of shape `(num_chunks, dim)`.

        Returns:
            An array of shape `(num_texts, dim)` and the same dtype. A text of
            one chunk has the features of that chunk, to the last bit.
        """
        starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        share = self.weights / np.add.reduceat(self.weights, starts)[self.owners]
        weighed = features * share[:, None].astype(features.dtype)
        return np.add.reduceat(weighed, starts, axis=0)


def join_chunks(parts: Iterable[Chunks]) -> Chunks:
    """Join the chunks of texts that follow each other.

    Args:
        parts: iterable of `Chunks`, at least one.

    Returns:
        `Chunks`.
    """
    parts = list(parts)
    ends = np.cumsum([len(part) for part in parts])
    firsts = [0, *ends[:-1]]
    return Chunks(
        np.concatenate([p.owners + first for p, first in zip(parts, firsts, strict=True)]),
        np.concatenate([p.weights for p in parts]),
    )
