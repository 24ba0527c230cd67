"""The texts of a report, their ids and metadata, as an Arrow table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten


def text_table(texts: Any, metadata: Mapping[str, Any] | None, rows: int) -> pa.Table | None:
    """Return texts and metadata as a table.

    Args:
        texts: list of strings, a tuple of two such lists for text pairs, or
            `None`.
        metadata: dict from the name of a column to a list with a value for each
            text, or `None`.
        rows: int, the number of values that each column must have.

    Returns:
        A `pyarrow.Table`, or `None` if neither texts nor metadata are given.

    Raises:
        ArgumentError: a column has another number of values, or is not a column.
        InvalidDataError: a text is missing, or is not a string.
    """
    columns: dict[str, Any] = {}
    if texts is not None:
        pair = isinstance(texts, tuple) and len(texts) == 2 and not isinstance(texts[0], str)
        first, second = texts if pair else (texts, None)
        columns["text"] = _texts("texts", first, rows)
        if second is not None:
            columns["text_pair"] = _texts("texts", second, rows)
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ArgumentError(
            "`metadata` must be a dict from the name of a column to a value for each text. "
            f"Received: metadata={shorten(metadata)}."
        )
    for name, values in (metadata or {}).items():
        if name in ("text", "text_pair"):
            raise ArgumentError(f"`metadata` must not have a column {name!r}. Pass it as `texts`.")
        columns[str(name)] = _column(f"metadata[{name!r}]", values, rows, None)
    return pa.table(columns) if columns else None


def are_texts(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is a string type.

    Args:
        kind: `pyarrow.DataType`.

    Returns:
        A bool.
    """
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(plain) or pa.types.is_large_string(plain)


def _texts(name: str, values: Any, rows: int) -> Any:
    if not isinstance(values, (str, pa.Array, pa.ChunkedArray)):
        values = _listed(name, values)
        for row, value in enumerate(values):
            if not isinstance(value, str):
                raise InvalidDataError(
                    f"`{name}` must be strings. Received at row {row}: {shorten(value)} of type "
                    f"{type(value).__name__}. Leave out rows without a text."
                )
    column = _column(name, values, rows, pa.string())
    if not are_texts(column.type) or column.null_count:
        raise InvalidDataError(
            f"`{name}` must be strings, none missing. Received: a column of {column.type} with "
            f"{column.null_count:,} missing values."
        )
    return column


def _listed(name: str, values: Any) -> list[Any]:
    try:
        return list(values)
    except TypeError:
        raise ArgumentError(
            f"`{name}` must be a list with a value for each text. Received: {shorten(values)}."
        ) from None


def _column(name: str, values: Any, rows: int, kind: pa.DataType | None) -> Any:
    if isinstance(values, (str, bytes)):
        raise ArgumentError(
            f"`{name}` must be a list with a value for each text, not a single string. Received: "
            f"{shorten(values)}."
        )
    column = values
    if not isinstance(values, (pa.Array, pa.ChunkedArray)):
        try:
            column = pa.array(_listed(name, values), kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"`{name}` cannot be used: {error!s:.200}.") from None
    if len(column) != rows:
        raise ArgumentError(
            f"`{name}` has {len(column):,} values for {rows:,} texts. Pass one for each text."
        )
    return column
