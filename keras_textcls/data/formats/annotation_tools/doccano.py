"""Exports of doccano: JSON Lines, JSON and CSV; its fastText file is read by `fasttext`.

`label` is a list, also if each text has one label, and `[]` is a text without annotation. In
CSV the labels of a text are joined by `#`.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import Form
from keras_textcls.data.formats.annotation_tools.fields import is_blank, text_field
from keras_textcls.data.formats.annotation_tools.judgements import (
    Entry,
    Judgement,
    RowError,
    ToolOptions,
    label_names,
)
from keras_textcls.data.rows import invalid_rows as reasons

TOOL = "doccano"
COMMENTS = "Comments"
SEPARATOR = "#"
_CATEGORIES = ("label", "cats")
# Early versions have no comments, and their texts in `data`.
EARLY = {"id", "data", "label"}
# Labels of one text; more ways to divide a cell than 2 to the power of these are not tried.
_MOST = 12
_log = logging.getLogger("keras_textcls")


def doccano_form(
    columns: Sequence[str],
    records: Sequence[Mapping[str, Any]],
    options: ToolOptions,
    name: str,
    is_certain: bool = False,
) -> Form | None:
    """Recognise an export of doccano.

    Args:
        columns: names of the columns.
        records: the first records.
        options: `ToolOptions`.
        name: string, name of the source in error messages.
        is_certain: bool, whether the caller says that it is one. Defaults to
            `False`.

    Returns:
        `Form`, or `None` if it is something else.
    """
    label = next((column for column in _CATEGORIES if column in columns), None)
    is_early = set(columns) >= EARLY and "text" not in columns
    usual = "data" if is_early else "text"
    if label is None or usual not in columns:
        return None
    if not (is_certain or COMMENTS in columns or is_early):
        return None
    given = [record[label] for record in records if not is_blank(record.get(label))]
    is_listed = all(isinstance(value, list) for value in given)
    if not is_listed and (is_early or not all(isinstance(value, str) for value in given)):
        return None
    if is_listed and any(isinstance(member, (list, dict)) for v in given for member in v):
        # Spans of a sequence labelling project.
        return None
    text = text_field([usual] if options.text is None else columns, options.text, name)
    label = label if options.label is None else options.label
    read = functools.partial(_read, text=text, label=label, split=_Splitter(name, options.labels))
    extra = [column for column in columns if column not in (text, label, "id")]
    details = {"labels split at": repr(SEPARATOR)} if given and not is_listed else {}
    form = "CSV" if given and not is_listed else "JSON"
    return Form(TOOL, form, text, read, extra, details, is_judged_once=True)


def _read(row: Mapping[str, Any], text: str, label: str, split: _Splitter) -> Iterator[Entry]:
    value = row.get(label)
    if isinstance(value, str):
        value = split(value, label)
    values = value if isinstance(value, list) else [] if is_blank(value) else [value]
    names = label_names(values, label)
    status = "" if names else reasons.NOT_ANNOTATED
    extra = {**row, COMMENTS: row.get(COMMENTS) or None}
    yield Entry(row.get(text), [Judgement(names or None, status=status)], row.get("id"), extra)


class _Splitter:
    """Divides the cells of a CSV file into labels; what several sets could give is refused."""

    def __init__(self, source: str, known: Sequence[str] | None) -> None:
        self._source = source
        self._known = known
        self._has_warned = known is not None

    def __call__(self, cell: str, column: str) -> list[str]:
        if not cell.strip():
            return []
        parts = cell.split(SEPARATOR)
        if self._known is not None:
            ways = _ways(parts, self._known)
            if len(ways) == 1:
                return ways[0]
            kind = "several ways" if ways else "no way"
            raise RowError(reasons.UNKNOWN_LABEL, f"{kind} to divide it into labels=[...]", column)
        # doccano sorts the labels of a text, and none of them is empty or occurs twice.
        if not all(part.strip() for part in parts) or sorted(set(parts)) != parts:
            detail = f"a class holds {SEPARATOR!r}: pass labels=[...], or export JSONL"
            raise RowError(reasons.NOT_A_LABEL, detail, column)
        if len(parts) > 1 and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "%s: doccano joins labels by %r, so that a class whose name holds it cannot be "
                "told from two classes. If there is such a class, pass labels=[...], or export "
                "JSONL.",
                self._source,
                SEPARATOR,
            )
        return parts


def _ways(parts: Sequence[str], known: Sequence[str]) -> list[list[str]]:
    if len(parts) > _MOST:
        return [list(parts)] if set(parts) <= set(known) else []
    ways = []
    for cuts in itertools.product((False, True), repeat=len(parts) - 1):
        names = [parts[0]]
        for cut, part in zip(cuts, parts[1:], strict=True):
            if cut:
                names.append(part)
            else:
                names[-1] += SEPARATOR + part
        if set(names) <= set(known) and names == sorted(set(names)):
            ways.append(names)
    return ways
