"""Long texts of which only the first tokens are kept: as much is tokenized as that takes.

A tokenizer names a place at which a text can be cut so that the tokens before it are those
of the whole text (`last_cut`). The text is cut there, and further on if too few tokens
came out, each time at four times the length: all of them together take linear time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textcls.utils.ragged import spans

# Words have less on average, with the space before them, in most languages and vocabularies.
_CHARACTERS_PER_TOKEN = 8
_FURTHER = 4


def first_ids(tokenize: Any, texts: list[str], needed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokenize texts as far as is needed.

    Args:
        tokenize: callable from a list of strings to a tuple of all ids end to
            end and how many each text has; if it has a method `last_cut`, long
            texts are cut.
        texts: list of strings.
        needed: int, how many tokens of a text count.

    Returns:
        A tuple as `tokenize` returns it, of all tokens of a text or at least
        `needed` of them, the first ones.
    """
    size = _CHARACTERS_PER_TOKEN * needed + _CHARACTERS_PER_TOKEN
    last_cut = getattr(tokenize, "last_cut", None)
    if last_cut is None or all(len(text) <= size for text in texts):
        return tokenize(texts)
    rows = np.arange(len(texts))
    counts = np.zeros(len(texts), "int64")
    parts = []
    while len(rows):
        chosen = [texts[i] for i in rows]
        shown = [t if len(t) <= size else t[: last_cut(t, size)] for t in chosen]
        flat, found = tokenize(shown)
        is_whole = np.array([len(a) == len(b) for a, b in zip(shown, chosen, strict=True)])
        is_done = is_whole | (found >= needed)
        counts[rows[is_done]] = found[is_done]
        parts.append((rows[is_done], flat[np.repeat(is_done, found)]))
        rows, size = rows[~is_done], size * _FURTHER
    return in_order(parts, counts), counts


def last_match(pattern: Any, text: str, size: int) -> int:
    """Return the end of the last match of a pattern in the first part of a text.

    Args:
        pattern: a pattern of the `regex` library that searches backwards.
        text: string.
        size: int, the end of that part.

    Returns:
        An int, 0 without a match.
    """
    found = pattern.search(text, 0, size)
    return 0 if found is None else int(found.end())


def in_order(parts: list[tuple[np.ndarray, np.ndarray]], counts: np.ndarray) -> np.ndarray:
    """Put the tokens of some rows and of others in the order of all rows.

    Args:
        parts: list of tuples of int arrays: rows, and their tokens end to end.
        counts: int array, how many tokens each of all rows has.

    Returns:
        An int64 array.

    Example:
    >>> parts = [(np.array([1]), np.array([7, 8])), (np.array([0, 2]), np.array([5, 9]))]
    >>> in_order(parts, np.array([1, 2, 1]))
    array([5, 7, 8, 9])
    """
    merged = np.zeros(int(counts.sum()), "int64")
    starts = np.cumsum(counts) - counts
    for rows, flat in parts:
        merged[spans(starts[rows], counts[rows])] = flat
    return merged
