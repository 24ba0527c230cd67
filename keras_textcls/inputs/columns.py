"""Columns of any library, as Python lists."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np


def is_missing(value: Any) -> bool:
    """Return whether a value stands for nothing: `None`, NaN, pandas' NA or NaT."""
    if isinstance(value, str):
        return False
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def to_list(column: Any) -> list[Any] | None:
    """Return the elements of a column of any library.

    Args:
        column: a list, an array, a tensor, or a column of a data frame.

    Returns:
        A list, or `None` if it is no column.
    """
    if isinstance(column, list):
        return column
    # Arrow; polars and pandas; numpy and PyTorch; TensorFlow.
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            values = getattr(column, method)()
            return values if isinstance(values, list) else None
    if hasattr(column, "numpy"):
        values = column.numpy()
        return values.tolist() if isinstance(values, np.ndarray) and values.ndim else None
    if isinstance(column, (Sequence, collections.deque)) and not isinstance(column, (str, bytes)):
        return list(column)
    return None
