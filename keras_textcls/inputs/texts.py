"""Texts: from a column of any library to plain Python strings.

This module turns the texts that `fit`, `predict`, `evaluate`, `embed` and
`classify` take into `TextColumns`, or refuses them with an error that names the
index, the type and the remedy. For data sets and streams, batch by batch, see
`text_batches.py`; for labels and weights, `targets.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np

from keras_textcls.errors import InvalidDataError, shorten
from keras_textcls.inputs.columns import is_missing, to_list
from keras_textcls.inputs.frames import refuse_frame
from keras_textcls.labels import LabelSet

_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".arrow", ".xlsx", ".txt", ".gz")

# One list of strings a segment: one for single texts, two for pairs.
TextColumns = tuple[list[str], ...]


@runtime_checkable
class LabelledTexts(Protocol):
    """Interface of a data set that has labels and yields its texts in chunks.

    Any object with these members can be `x` of `fit`, `evaluate`, `predict` and
    similar methods; it need not inherit from this class. Its texts are
    tokenized chunk by chunk, so that they are never all in memory as strings.

    Example:
    >>> class Messages:
    ...     multi_label = False
    ...     labels = LabelSet(["ham", "spam"])
    ...
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def chunks(self, rows):
    ...         texts, names = ["see you", "win cash", "hi"], ["ham", "spam", "ham"]
    ...         for i in range(0, 3, rows):
    ...             yield (texts[i : i + rows],), names[i : i + rows]
    >>> isinstance(Messages(), LabelledTexts)
    True
    """

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels, or none."""

    @property
    def labels(self) -> LabelSet | None:
        """The names of the labels, or `None` for texts without labels."""

    def __len__(self) -> int: ...

    def chunks(self, rows: int) -> Iterator[tuple[TextColumns, list[Any] | None]]:
        """Yield all texts in their order, in chunks.

        Args:
            rows: int, most texts in a chunk.

        Returns:
            An iterator of `(texts, targets)`: `TextColumns`, and one target a
            text: a name; for multi-label, a list of names, or a dict
            `{name: 1 or 0}` where labels that it does not name are unknown.
            `None` in place of the targets if there are no labels.
        """


def read_texts(x: Any, name: str = "x", first_index: int = 0) -> TextColumns:
    """Turn any accepted container of texts into lists of strings.

    Args:
        x: a list of strings, a numpy string array, a pandas, polars or Arrow
            column, a tensor of strings, or a tuple of those for text pairs.
        name: string, what error messages call it. Defaults to `"x"`.
        first_index: int, index of the first text, for messages about streams.
            Defaults to `0`.

    Returns:
        A tuple with one list of strings for each segment, all of one length.

    Raises:
        InvalidDataError: it is a single string, is empty, or holds something
            that is not text.

    Example:
    >>> read_texts((["a", "b"], ["c", "d"]))
    (['a', 'b'], ['c', 'd'])
    """
    if isinstance(x, (str, bytes)):
        raise InvalidDataError(
            f"`{name}` must be a list of texts, not a single text. Received: {name}={shorten(x)}. "
            f"Wrap it in a list: [{shorten(x)}].{_if_path(x)}"
        )
    segments = x if isinstance(x, tuple) else (x,)
    if isinstance(x, tuple) and (not x or any(isinstance(s, (str, bytes)) for s in x)):
        raise InvalidDataError(
            f"`{name}` is a tuple, which stands for text pairs: (first texts, second texts). "
            f"Received: {name}={shorten(x)}. For single texts pass a list."
        )
    columns = tuple(
        _read_column(s, name if len(segments) == 1 else f"{name}[{i}]", first_index)
        for i, s in enumerate(segments)
    )
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise InvalidDataError(
            f"The segments of `{name}` must have the same length. Received lengths {lengths}."
        )
    if lengths[0] == 0:
        raise InvalidDataError(f"`{name}` is empty. Pass at least one text.")
    return columns


def _read_column(column: Any, name: str, first_index: int) -> list[str]:
    refuse_frame(column, name, labelled=False)
    values = to_list(column)
    if values is None:
        raise InvalidDataError(
            f"`{name}` must be a list of texts, a string array, a column of a data frame, a "
            f"(first, second) tuple of those, or a stream of batches. Received "
            f"{shorten(column)} of type {type(column).__name__}."
        )
    # The fast path: one pass in C for a list of strings, which most callers pass.
    if all(map(str.__instancecheck__, values)):
        try:
            "".join(values).encode("utf-8")
            return values if type(values) is list else list(values)
        except UnicodeEncodeError:
            pass
    return [_read_text(v, name, first_index + i) for i, v in enumerate(values)]


def _read_text(value: Any, name: str, index: int) -> str:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidDataError(
                f"{name}[{index}] holds bytes that are not UTF-8 (byte {error.start}: "
                f"{shorten(value[error.start : error.start + 8])}). Decode the texts with their "
                f'own encoding first, e.g. text.decode("cp1252").'
            ) from None
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidDataError(
                f"{name}[{index}] holds a lone surrogate at character {error.start}, which is no "
                f"text: {shorten(value)}. Read the file with the right encoding."
            ) from None
        return str(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        raise InvalidDataError(f"{name}[{index}] is not a text: {_of_row(value, name)}")
    what, remedy = "is not a text", "convert it with str(), or drop the row"
    if is_missing(value):
        what, remedy = "is missing", "drop the row together with its label"
    raise InvalidDataError(
        f"{name}[{index}] {what}: {shorten(value)} of type {type(value).__name__}. Every text "
        f"must be a string; {remedy}."
    )


def _if_path(x: str | bytes) -> str:
    """What to do if a single text is the path of a file."""
    if not isinstance(x, str) or not x.lower().endswith(_SUFFIXES):
        return ""
    return f" If it is the path of a file, read it first: keras_textcls.read({shorten(x)})."


def _of_row(row: Any, name: str) -> str:
    """What a row of values among the texts is, and how they are passed."""
    begin = f"{shorten(row)} of type {type(row).__name__}."
    if len(row) == 1:
        return f"{begin} Take the texts out of their rows: [row[0] for row in {name}]."
    if len(row) == 2:
        return (
            f"{begin} Text pairs are a tuple of two lists, (first texts, second texts): "
            f"tuple(map(list, zip(*{name}))). Rows of (text, label) are read by "
            f"keras_textcls.read({name})."
        )
    return f"{begin} If these are the words of a text, join them: ' '.join({name}[0])."
