"""Python objects as sources of rows: lists of pairs, of dicts, dicts of columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from keras_textcls.data.formats.tables import RowsSource
from keras_textcls.data.rows.source import ROWS_PER_CHUNK
from keras_textcls.errors import InvalidDataError, shorten
from keras_textcls.inputs.columns import to_list

_LOOKED_AT = 200


def rows_source(rows: Iterable[Any]) -> RowsSource:
    """Read an iterable of `(text, label)` pairs, of dicts, or of texts.

    Args:
        rows: iterable; it is read once, in constant memory.

    Returns:
        A `RowsSource` with the columns `text` and `label`, or with the keys of the
        dicts as columns.

    Raises:
        InvalidDataError: the iterable is empty, or holds other objects.
    """
    iterator = iter(rows)
    begin = list(itertools.islice(iterator, _LOOKED_AT))
    if not begin:
        raise InvalidDataError("The iterable of rows is empty. Pass at least one row.")
    everything = itertools.chain(begin, iterator)
    names = _columns_of(begin)
    kind = "dicts" if isinstance(begin[0], Mapping) else "texts" if len(names) == 1 else "pairs"

    def chunks() -> Iterator[dict[str, list[Any]]]:
        number = 0
        while held := list(itertools.islice(everything, ROWS_PER_CHUNK)):
            cells = [_cells(row, names, number + i) for i, row in enumerate(held)]
            yield {name: [c[j] for c in cells] for j, name in enumerate(names)}
            number += len(held)

    return RowsSource(f"the {kind}", chunks, names, begin=begin)


def _columns_of(begin: list[Any]) -> list[str]:
    if isinstance(begin[0], Mapping):
        return list(dict.fromkeys(str(n) for row in begin if isinstance(row, Mapping) for n in row))
    return ["text"] if isinstance(begin[0], (str, bytes)) else ["text", "label"]


def _cells(row: Any, names: list[str], number: int) -> list[Any]:
    if isinstance(row, Mapping):
        if not all(isinstance(key, str) for key in row):
            row = {str(key): value for key, value in row.items()}
        return [row.get(name) for name in names]
    if names == ["text"] and isinstance(row, (str, bytes)):
        return [row]
    if names == ["text", "label"] and isinstance(row, (tuple, list)) and len(row) == 2:
        return list(row)
    raise InvalidDataError(
        f"Row {number + 1} is {shorten(row)} of type {type(row).__name__}. Rows must be all dicts, "
        "all (text, label) pairs, or all texts."
    )


def columns_source(columns: Mapping[str, Any]) -> RowsSource:
    """Read a dict from column name to a column of values.

    Args:
        columns: mapping; the values are lists, arrays or columns of data frames.

    Returns:
        A `RowsSource`.

    Raises:
        InvalidDataError: a value is not a column, or the lengths differ.
    """
    if not columns:
        raise InvalidDataError("The dict of columns is empty. Pass at least one column of texts.")
    lists: dict[str, list[Any]] = {}
    for name, column in columns.items():
        values = to_list(column)
        if values is None:
            raise InvalidDataError(
                f"The column {shorten(name)} is {shorten(column)} of type "
                f"{type(column).__name__}. Pass a list, an array or a column of a data frame."
            )
        lists[str(name)] = values
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) != 1:
        raise InvalidDataError(f"The columns must have the same length. Received {lengths}.")

    def chunks() -> Iterator[dict[str, list[Any]]]:
        for start in range(0, next(iter(lengths.values())), ROWS_PER_CHUNK):
            yield {n: values[start : start + ROWS_PER_CHUNK] for n, values in lists.items()}

    return RowsSource("the columns", chunks, list(lists))
