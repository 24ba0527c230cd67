"""Ragged arrays: rows of different lengths, stored one after the other."""

from __future__ import annotations

import itertools

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


def end_to_end(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of rows, one row after the other, and how many each row has.

    Args:
        rows: list of lists of ints.

    Returns:
        A tuple of two int64 arrays.

    Example:
    >>> end_to_end([[5, 6], [], [7]])
    (array([5, 6, 7]), array([2, 0, 1]))
    """
    counts = np.array([len(row) for row in rows], "int64")
    flat = np.fromiter(itertools.chain.from_iterable(rows), "int64", int(counts.sum()))
    return flat, counts
