"""Encodes arrays as text for the page."""

from __future__ import annotations

import base64
import zlib

import numpy as np


def pack(array: np.ndarray, kind: str) -> dict[str, str]:
    """Compress an array for `DecompressionStream` in a browser.

    Args:
        array: int array.
        kind: string, `"uint16"` or `"uint32"`; all values must fit.

    Returns:
        A dict of the kind and base64 of the deflated numbers, row by row.

    Example:
    >>> pack(np.array([1, 2]), "uint16")["kind"]
    'uint16'
    """
    numbers = np.ascontiguousarray(array).astype(np.dtype(kind).newbyteorder("<"))
    return {"kind": kind, "data": base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode()}
