"""Numbers that callers pass: seeds, sizes and shares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, shorten

# Keras takes seeds of 32 bits.
_END_OF_SEEDS = 2**32


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_seed(seed: Any) -> int | None:
    """Check the argument `seed`.

    Args:
        seed: int from 0 on, of 32 bits, or `None`.

    Returns:
        An int or `None`.

    Raises:
        ArgumentError: it is neither.
    """
    if seed is None:
        return None
    if not _is_integer(seed) or not 0 <= seed < _END_OF_SEEDS:
        raise ArgumentError(
            f"`seed` must be an integer from 0 on and below 2**32, or None. Received: "
            f"seed={shorten(seed)}."
        )
    return int(seed)


def check_count(value: Any, name: str, least: int = 1) -> int:
    """Check a number of things.

    Args:
        value: int of at least `least`.
        name: string, name of the argument.
        least: int. Defaults to `1`.

    Returns:
        An int.

    Raises:
        ArgumentError: it is no such number.
    """
    if not _is_integer(value) or value < least:
        raise ArgumentError(
            f"`{name}` must be an integer of at least {least}. Received: {name}={shorten(value)}."
        )
    return int(value)


def check_share(value: Any, name: str) -> float:
    """Check a share of a whole; `None` stands for nothing of it.

    Args:
        value: float in `[0, 1)`, or `None`.
        name: string, name of the argument.

    Returns:
        A float.

    Raises:
        ArgumentError: it is no such number.
    """
    if value is None:
        return 0.0
    is_number = _is_integer(value) or isinstance(value, (float, np.floating))
    if not is_number or math.isnan(value) or not 0 <= value < 1:
        raise ArgumentError(f"`{name}` must be between 0 and 1. Received: {name}={shorten(value)}.")
    return float(value)
