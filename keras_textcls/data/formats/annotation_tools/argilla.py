"""Exports of Argilla 2: `to_json`, `to_datasets`, and files that the latter is written to.

`to_datasets` has the columns `question.responses`, `question.responses.users` and
`question.responses.status`. `to_json` has no status: drafts and discarded responses cannot be
told from submitted ones, and this is said. Suggestions are no labels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import Form
from keras_textcls.data.formats.annotation_tools.fields import (
    is_blank,
    keys_of,
    question,
    text_field,
)
from keras_textcls.data.formats.annotation_tools.judgements import (
    Entry,
    Judgement,
    RowError,
    ToolOptions,
    label_names,
)
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.written_values import parse_list

TOOL = "Argilla"
_RESPONSES, _SUGGESTION = ".responses", ".suggestion"
_PARTS = (".users", ".status")
_OWN = ("id", "status", "_server_id")
_NESTED = {"fields", "responses", "suggestions"}
_STATUS = {
    "submitted": "",
    "draft": reasons.DRAFT,
    "discarded": reasons.DISCARDED,
    "pending": reasons.NOT_ANNOTATED,
}


def argilla_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form | None:
    """Recognise an export of Argilla.

    Args:
        columns: names of the columns.
        records: the first records.
        options: `ToolOptions`.
        name: string, name of the source in error messages.

    Returns:
        `Form`, or `None` if it is something else.
    """
    if set(columns) >= _NESTED and all(isinstance(r.get("fields"), Mapping) for r in records):
        return _nested_form(records, options, name)
    questions = [
        column.removesuffix(_RESPONSES)
        for column in columns
        if column.endswith(_RESPONSES) and any(column + part in columns for part in _PARTS)
    ]
    is_argilla = {*_OWN} <= set(columns) and any(c.endswith(_SUGGESTION) for c in columns)
    return _flat_form(columns, questions, options, name) if questions or is_argilla else None


# === to_json: fields and responses as objects ===


def _nested_form(records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str) -> Form:
    questions = keys_of(r["responses"] for r in records if isinstance(r["responses"], Mapping))
    label = question(questions, options.label, TOOL, name)
    fields = keys_of(record["fields"] for record in records)
    text = text_field(fields, options.text, name)
    metadata = keys_of(r["metadata"] for r in records if isinstance(r.get("metadata"), Mapping))
    extra = [*(field for field in fields if field != text), *metadata]
    read = functools.partial(_read_nested, text=text, label=label)
    details = {
        "question": label,
        "status of responses": "not in this file: drafts and discarded ones count as submitted; "
        "to_datasets() writes the status",
    }
    return Form(TOOL, "to_json", text, read, extra, details)


def _read_nested(record: Mapping[str, Any], text: str, label: str) -> Iterator[Entry]:
    fields, responses = record.get("fields"), record.get("responses") or {}
    if not isinstance(fields, Mapping) or not isinstance(responses, Mapping):
        raise RowError(reasons.NOT_OF_THE_TOOL, "a record has fields and responses")
    given = responses.get(label) or []
    if not isinstance(given, list) or not all(isinstance(r, Mapping) for r in given):
        raise RowError(reasons.NOT_OF_THE_TOOL, "responses are a list of objects", label)
    judgements = [
        judgement_of(r.get("value"), r.get("user_id"), r.get("status") or "submitted", label)
        for r in given
    ]
    metadata = record.get("metadata")
    extra = {**fields, **(metadata if isinstance(metadata, Mapping) else {})}
    yield Entry(fields.get(text), judgements, record.get("id"), extra)


# === to_datasets: a column for each part of the responses ===


def _flat_form(
    columns: Sequence[str], questions: Sequence[str], options: ToolOptions, name: str
) -> Form:
    label = question(questions, options.label, TOOL, name)
    free = [column for column in columns if column not in _OWN and not _is_part(column)]
    text = text_field(free, options.text, name)
    read = functools.partial(_read_flat, text=text, label=label)
    extra = [column for column in free if column != text]
    details = {"question": label}
    if f"{label}{_RESPONSES}.status" not in columns:
        details["status of responses"] = "not in this file: all count as submitted"
    return Form(TOOL, "to_datasets", text, read, extra, details)


def _is_part(column: str) -> bool:
    ends = (_RESPONSES, *(_RESPONSES + part for part in _PARTS), _SUGGESTION)
    return column.endswith((*ends, _SUGGESTION + ".score", _SUGGESTION + ".agent"))


def _read_flat(row: Mapping[str, Any], text: str, label: str) -> Iterator[Entry]:
    column = label + _RESPONSES
    values = _listed(row.get(column), column)
    users = _listed(row.get(column + ".users"), column + ".users") or [None] * len(values)
    status = _listed(row.get(column + ".status"), column + ".status") or ["submitted"] * len(values)
    if not len(values) == len(users) == len(status):
        raise RowError(reasons.NOT_OF_THE_TOOL, "responses, users and status differ in number")
    judgements = list(map(_bound(label), values, users, status))
    yield Entry(row.get(text), judgements, row.get("id"), row)


def _listed(value: Any, column: str) -> list[Any]:
    if isinstance(value, str) and value.strip():
        value = parse_list(value)
        if not isinstance(value, list):
            raise RowError(reasons.NOT_OF_THE_TOOL, "not a list", column)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return list(value)
    if is_blank(value):
        return []
    raise RowError(reasons.NOT_OF_THE_TOOL, "not a list", column)


def _bound(label: str) -> Callable[[Any, Any, Any], Judgement]:
    return lambda value, user, status: judgement_of(value, user, status, label)


def judgement_of(value: Any, user: Any, status: Any, label: str) -> Judgement:
    """Return a response as a judgement.

    Args:
        value: name, or list of names.
        user: who gave it, or `None`.
        status: string, `"submitted"`, `"draft"`, `"discarded"` or `"pending"`.
        label: string, name of the question.

    Returns:
        A `Judgement`.
    """
    values = value if isinstance(value, list) else [] if is_blank(value) else [value]
    names = label_names(values, label)
    state = _STATUS.get(str(status), reasons.NOT_OF_THE_TOOL)
    return Judgement(
        names or None,
        annotator=None if is_blank(user) else str(user),
        status=state or ("" if names else reasons.NO_CHOICE),
    )
