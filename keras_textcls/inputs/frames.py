"""Data frames, tables and data sets of other libraries where texts or labels are expected."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from keras_textcls.errors import InvalidDataError
from keras_textcls.inputs.columns import is_missing, to_list

_LIBRARIES = ("pandas", "polars", "pyarrow", "datasets", "dask", "cudf", "modin", "pyspark")
_LABELS = ("label", "labels", "class", "category", "target", "y", "sentiment", "intent", "topic")


def is_frame(x: Any) -> bool:
    """Return whether `x` has named columns, as data frames and tables have.

    Args:
        x: anything.

    Returns:
        A bool; `False` for a single column.
    """
    library = type(x).__module__.partition(".")[0]
    return library in _LIBRARIES and any(
        hasattr(type(x), attribute) for attribute in ("columns", "column_names", "collect_schema")
    )


def refuse_frame(x: Any, name: str = "x", labelled: bool = True) -> None:
    """Refuse a data frame in place of texts, and say how it is read.

    Args:
        x: anything.
        name: string, what error messages call it. Defaults to `"x"`.
        labelled: bool, whether labels are needed, too. Defaults to `True`.

    Raises:
        InvalidDataError: `x` is a data frame, a table or a data set of another
            library, or a list of rows.
    """
    _refuse_lazy(x, name, "keras_textcls.read() on the result" if labelled else "take its column")
    if is_frame(x) and isinstance(x, Mapping):
        parts = ", ".join(map(repr, x))
        raise InvalidDataError(
            f"`{name}` is a {_kind(x)} of the parts {parts}. Read one of them, "
            f"keras_textcls.read({name}[{_quoted(next(iter(x), 'train'))}]), and pass the dataset."
        )
    if is_frame(x):
        what, first = f"a {_kind(x)}", _first_row(x)
    elif isinstance(x, list) and x and isinstance(x[0], Mapping):
        what, first = "a list of dicts", dict(x[0])
    else:
        return
    text, label = _guess(first)
    roles = "" if text is None else f", text={_quoted(text)}"
    if labelled:
        roles += "" if label is None else f", label={_quoted(label)}"
        end = f", and pass the dataset in place of `{name}` and `y`"
    else:
        roles += ', unlabelled="keep"'
        has_columns = text is not None and is_frame(x)
        end = f", or pass its column {name}[{_quoted(text)}]" if has_columns else ""
    raise InvalidDataError(
        f"`{name}` is {what}, not a column of texts. Read it first, dataset = "
        f"keras_textcls.read({name}{roles}){end}."
    )


def _refuse_lazy(x: Any, name: str, then: str) -> None:
    if hasattr(x, "collect_schema") and hasattr(x, "collect"):
        raise InvalidDataError(
            f"`{name}` is a {_kind(x)}, whose rows are not there yet. Call .collect() first, then "
            f"{then}."
        )


def _quoted(column: Any) -> str:
    return json.dumps(column, ensure_ascii=False) if isinstance(column, str) else repr(column)


def _kind(x: Any) -> str:
    return f"{type(x).__module__.partition('.')[0]} {type(x).__name__}"


def _columns(x: Any) -> list[Any]:
    names = getattr(x, "column_names", None)
    if names is None or callable(names):
        names = getattr(x, "columns", None)
    return [] if names is None else list(names)


def _first_row(x: Any) -> dict[Any, Any]:
    """The first row, as far as it can be had without computing anything."""
    columns = _columns(x)
    if not hasattr(x, "__len__") or not hasattr(x, "__getitem__") or not len(x):
        return dict.fromkeys(columns)
    cells = {name: to_list(x[:1][name]) for name in columns}
    return {name: cell[0] if cell else None for name, cell in cells.items()}


def _guess(row: Mapping[Any, Any]) -> tuple[Any, Any]:
    """The columns that are likely to hold the texts and the labels."""
    usual = [name for name in row if str(name).lower() in _LABELS]
    strings = [name for name, cell in row.items() if isinstance(cell, str) and name not in usual]
    text: Any = None
    if "text" in row:
        text = "text"
    elif strings:
        text = max(strings, key=lambda name: len(row[name]))
    others = [*usual, *(name for name in row if name != text)]
    return text, others[0] if text is not None and others else None


def target_rows(y: Any, labels: Collection[str], name: str = "y") -> Any:
    """Return labels that stand in a data frame or a sparse matrix as a list, others as they are.

    Args:
        y: labels of any kind. A data frame of one column holds labels; one of
            several columns holds zeros and ones, one column a label, such as
            those of `pandas.get_dummies`, found by their names.
        labels: collection of strings, the names of the labels.
        name: string, what error messages call it. Defaults to `"y"`.

    Returns:
        A list of labels, of rows or of dicts from column to cell; or `y`.

    Raises:
        InvalidDataError: the only column bears the name of a label, two columns
            have one name, or the rows are not computed yet.
    """
    if hasattr(y, "toarray") and hasattr(y, "nnz"):
        return y.toarray().tolist()
    if getattr(y, "is_sparse", False) is True and hasattr(y, "to_dense"):
        return y.to_dense().tolist()
    if not is_frame(y):
        return y
    _refuse_lazy(y, name, "pass a column of labels")
    columns = _columns(y)
    if len(set(columns)) < len(columns):
        raise InvalidDataError(f"`{name}` is a {_kind(y)} with two columns of one name.")
    cells = [to_list(y[column]) or [] for column in columns]
    if len(columns) > 1:
        return [
            {c: v for c, v in zip(columns, row, strict=True) if not is_missing(v)}
            for row in zip(*cells, strict=True)
        ]
    if columns and columns[0] in labels:
        raise InvalidDataError(
            f"`{name}` is a {_kind(y)} with one column, {columns[0]!r}, which is the name of a "
            "label. Pass one column for each label, or a column of labels."
        )
    return cells[0] if cells else []
