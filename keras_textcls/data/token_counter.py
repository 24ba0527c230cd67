"""Counts tokens with a function that is registered from outside of `data`.

Presets need Keras, which `data` never imports. So the package registers here a function
that loads the token counter when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

# Maps a preset and columns of texts to the number of tokens of each text and the maximum.
TokenCounter = Callable[[Any, Iterable[Sequence[list[str]]]], tuple[Any, int]]
_loaders: list[Callable[[], TokenCounter]] = []


def set_token_counter(load: Callable[[], TokenCounter]) -> None:
    """Register the token counter.

    Args:
        load: function without arguments that returns a function like
            `count_tokens`. It is called when tokens are counted.
    """
    _loaders[:] = [load]


def count_tokens(preset: Any, chunks: Iterable[Sequence[list[str]]]) -> tuple[Any, int]:
    """Count the tokens of texts as a preset would, without truncation.

    Args:
        preset: string or path of a preset, or an object with a `preprocessor`.
        chunks: iterable of columns of texts.

    Returns:
        A tuple of an int array and the preset's `sequence_length`.

    Raises:
        ArgumentError: the object has no preprocessor.
    """
    (load,) = _loaders
    return load()(preset, chunks)
