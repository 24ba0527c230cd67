"""Checks the arguments of a split: shares, seed, and enough texts of each label."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten

_TOO_FEW_SHOWN = 5


def check_shares(**shares: float) -> dict[str, float]:
    """Check the shares of the parts.

    Args:
        **shares: float in `[0, 1]` for each part.

    Returns:
        A dict of the shares above 0.

    Raises:
        ArgumentError: a share is out of range, or the shares do not sum to 1.
    """
    for name, share in shares.items():
        if not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ArgumentError(
                f"`{name}` must be a share between 0 and 1. Received: {name}={shorten(share)}."
            )
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        given = ", ".join(f"{name}={share:g}" for name, share in shares.items())
        raise ArgumentError(f"The shares of the parts must sum up to 1. Received: {given}.")
    return {name: float(share) for name, share in shares.items() if share}


def check_seed(seed: int) -> int:
    """Check the argument `seed`.

    Args:
        seed: int, 0 or more.

    Returns:
        The seed.

    Raises:
        ArgumentError: `seed` is not an integer of at least 0.
    """
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"`seed` must be an integer from 0 on. Received: seed={shorten(seed)}.")
    return int(seed)


def check_stratifiable(labels: Sequence[Sequence[str]]) -> None:
    """Refuse labels with a single text, which cannot be in two parts.

    Args:
        labels: sequence of the labels of each text.

    Raises:
        InvalidDataError: a label has a single text.
    """
    counts = collections.Counter(name for names in labels for name in names)
    single = [name for name, count in counts.items() if count == 1]
    if single:
        shown = ", ".join(map(repr, single[:_TOO_FEW_SHOWN]))
        more = len(single) - _TOO_FEW_SHOWN
        raise InvalidDataError(
            f"A stratified split needs at least two texts of each label. With one only: {shown}"
            f"{f' and {more} more' if more > 0 else ''}. Add texts, rename the label with "
            "relabel(), leave it out with filter(), or pass stratify=False."
        )
