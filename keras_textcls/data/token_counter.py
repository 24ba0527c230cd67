"""What counts the tokens of texts, which comes from a room below this one.

Presets need Keras, which `data` never loads. The package itself, which knows every
room, says here where the function is that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

# From a preset and columns of texts to the number of tokens of each, and the most it keeps.
TokenCounter = Callable[[Any, Iterable[Sequence[list[str]]]], tuple[Any, int]]
_loaders: list[Callable[[], TokenCounter]] = []


def set_token_counter(load: Callable[[], TokenCounter]) -> None:
    """Say what counts tokens.

    Args:
        load: function without arguments that returns a function as
            `count_tokens`. It is called with the first texts.
    """
    _loaders[:] = [load]


def count_tokens(preset: Any, chunks: Iterable[Sequence[list[str]]]) -> tuple[Any, int]:
    """Count tokens as a preset would, uncut.

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
