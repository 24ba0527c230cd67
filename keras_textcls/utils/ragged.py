"""Ragged arrays: rows of different lengths, stored one after the other."""

from __future__ import annotations

import numpy as np


def spans(starts: np.ndarray | int, sizes: np.ndarray) -> np.ndarray:
    """Return the indices of spans, one span after the other.

    Args:
        starts: int array, the first index of each span, or one int for all: 0
            counts the places within rows that stand one after the other.
        sizes: int array, how many indices each span has.

    Returns:
        An int64 array of length `sizes.sum()`.

    Example:
    >>> spans(np.array([5, 0]), np.array([2, 3]))
    array([5, 6, 0, 1, 2])
    >>> spans(0, np.array([2, 0, 3]))
    array([0, 1, 0, 1, 2])
    """
    ends = np.cumsum(sizes)
    return np.arange(int(sizes.sum())) + np.repeat(starts - ends + sizes, sizes)
