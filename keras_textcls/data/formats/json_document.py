"""The rows of a JSON document that is one object: the shapes of pandas, and wrapped lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_textcls.data.rows.columns import USUAL_NAMES
from keras_textcls.data.rows.row_reader import SPLIT_NAMES

# Names of the member that holds the rows, the likeliest first.
_ROWS = ("data", "rows", "records", "examples", "items", "instances", "results", "documents")
_OF_A_ROW = ("label", "labels", "category", "class", "sentiment", "intent", "id", "text")
_SPACE = " \t\r\n"


def read_document(text: str) -> tuple[str, list[Mapping[str, Any]]] | None:
    """Read the rows of a text that is one JSON object, or several one after the other.

    Args:
        text: string.

    Returns:
        A tuple of the name of the shape and the rows, or `None` if it is no such
        text.

    Example:
    >>> read_document('{"data": [{"text": "a", "label": "b"}]}')
    ("list in 'data'", [{'text': 'a', 'label': 'b'}])
    """
    decoder, objects, position = json.JSONDecoder(), [], 0
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        objects.append(value)
        while position < len(text) and text[position] in _SPACE:
            position += 1
    if not objects or not all(isinstance(value, dict) for value in objects):
        return None
    if len(objects) > 1:
        return "objects", objects
    return _rows_of(objects[0]) or ("objects", objects)


def _rows_of(document: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]] | None:
    """The rows that one object holds, or `None` if it is a row itself."""
    values = list(document.values())
    lists = {name: v for name, v in document.items() if _is_rows(v)}
    names = document.get("columns")
    if isinstance(names, list) and "data" in lists:
        return "split", [as_row(row, list(map(str, names))) for row in document["data"]]
    if values and all(isinstance(value, dict) for value in values):
        return _of_dicts(document)
    if all(isinstance(value, list) for value in values):
        if (
            any(name.lower() in USUAL_NAMES for name in document)
            and len(set(map(len, values))) == 1
        ):
            cells = zip(*values, strict=True)
            return "columns", [dict(zip(document, row, strict=True)) for row in cells]
        if len(lists) == len(document) and all(n.lower() in SPLIT_NAMES for n in document):
            parts = [(n, row) for n, rows in document.items() for row in rows]
            return "parts", [{**as_row(row), "split": name} for name, row in parts]
    known = [name for name in _ROWS if name in lists] or (list(lists) if len(lists) == 1 else [])
    if not known or any(not isinstance(document.get(n, []), list) for n in _OF_A_ROW):
        return None
    return f"list in {known[0]!r}", [as_row(row) for row in lists[known[0]]]


def _is_rows(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(row, dict) for row in value) or all(isinstance(r, list) for r in value)


def as_row(row: Any, names: Sequence[str] | None = None) -> Any:
    """Return a list of cells as a dict by column, anything else as it is.

    Args:
        row: list or dict.
        names: names of the columns. Defaults to `None`, their numbers.

    Returns:
        A dict for a list; cells beyond the names have their numbers.
    """
    if not isinstance(row, list):
        return row
    known = names or ()
    return {known[i] if i < len(known) else str(i): cell for i, cell in enumerate(row)}


def _of_dicts(document: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]] | None:
    """A dict by column of dicts by row, or the other way round."""
    inner = list(next(iter(document.values())))
    outer_is_usual = any(name.lower() in USUAL_NAMES for name in document)
    inner_is_usual = any(name.lower() in USUAL_NAMES for name in inner)
    outer_is_index, inner_is_index = (
        all(n.isdigit() for n in names) for names in (document, inner)
    )
    if (inner_is_usual and not outer_is_usual) or (outer_is_index and not inner_is_index):
        return "index", list(document.values())
    if outer_is_usual or (inner_is_index and not outer_is_index):
        keys = dict.fromkeys(key for column in document.values() for key in column)
        return "columns", [{n: c.get(key) for n, c in document.items()} for key in keys]
    return None


def _has_usual(names: Iterable[str]) -> bool:
    return any(name.lower() in USUAL_NAMES for name in names)
