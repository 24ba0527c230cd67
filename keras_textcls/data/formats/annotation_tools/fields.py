"""Which fields of the records of a tool hold the text and the labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.judgements import RowError
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.columns import choose_roles
from keras_textcls.errors import ArgumentError, did_you_mean, shorten


def keys_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys of some records, in the order in which they first occur.

    Args:
        records: iterable of mappings.

    Returns:
        A list of strings.
    """
    return list(dict.fromkeys(str(key) for record in records for key in record))


def text_field(fields: Sequence[str], given: str | None, source: str) -> str:
    """Choose the field of the texts.

    Args:
        fields: names of the fields.
        given: string or `None`, the argument `text` of `read`.
        source: string, name of the source in error messages.

    Returns:
        A string.

    Raises:
        ArgumentError: there is no such field, or it is not clear which one it is.
    """
    if given is None and len(fields) == 1:
        return fields[0]
    return choose_roles(fields, text=given, needs_label=False, source=source).text


def question(names: Sequence[str], given: str | None, tool: str, source: str) -> str:
    """Choose the question whose answers are the labels.

    Args:
        names: names of the questions that have answers.
        given: string or `None`, the argument `label` of `read`.
        tool: string, name of the tool.
        source: string, name of the source in error messages.

    Returns:
        A string.

    Raises:
        ArgumentError: there is no such question, or several.
    """
    shown = ", ".join(map(shorten, names)) or "none"
    if given is not None:
        if given in names:
            return given
        raise ArgumentError(
            f"`label` names {shorten(given)}, to which {source}, an export of {tool}, has no "
            f"answer.{did_you_mean(given, names)} It has answers to {shown}."
        )
    if len(names) == 1:
        return names[0]
    raise ArgumentError(
        f"Which answers of {source} are the labels? It is an export of {tool} with answers to "
        f"{shown}. Pass label=..."
    )


def parsed(cell: Any, column: str) -> Any:
    """Return the value of a cell that holds JSON; other cells are returned as they are.

    Args:
        cell: any value.
        column: string.

    Returns:
        Any value.

    Raises:
        RowError: the cell begins as JSON, and is not.
    """
    if not isinstance(cell, str) or not cell.lstrip().startswith(('{"', "[{", "[[", "[]", '["')):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise RowError(reasons.NOT_A_LABEL, "broken JSON", column) from None


def is_blank(value: Any) -> bool:
    """Return whether a value is missing or an empty string.

    Args:
        value: any value.

    Returns:
        A bool.
    """
    return value is None or value != value or (isinstance(value, str) and not value.strip())
