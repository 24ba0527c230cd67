"""Optimizations are skipped, with one warning, where Keras lacks a name that they use."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import keras

# What was warned about in this process.
_warned: set[str] = set()


def has_names(owner: Any, names: Iterable[str], slower: str) -> bool:
    """Return whether a shortcut can be taken; warn once a process if it cannot.

    Args:
        owner: any object of Keras or Keras Hub.
        names: iterable of strings, the attributes that the shortcut uses.
        slower: string, what is slower without the shortcut, such as
            `"training with Adam"`.

    Returns:
        A bool: whether `owner` has all the attributes.
    """
    missing = [name for name in names if not hasattr(owner, name)]
    if missing:
        warn_slower(missing, slower)
    return not missing


def warn_slower(missing: Iterable[str], slower: str) -> None:
    """Warn, the first time in a process, that something is slower with this Keras.

    Args:
        missing: iterable of strings, the names that are gone.
        slower: string, as for `has_names`.
    """
    import keras_hub

    if slower in _warned:
        return
    _warned.add(slower)
    warnings.warn(
        f"Keras {keras.__version__} with Keras Hub {keras_hub.__version__} has no "
        f"{', '.join(missing)}. The results are the same, but {slower} is slower. Install a "
        "release of keras-textcls that supports these versions, or older versions of Keras and "
        "Keras Hub.",
        UserWarning,
        stacklevel=2,
    )
