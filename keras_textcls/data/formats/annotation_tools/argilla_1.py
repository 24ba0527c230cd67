"""Exports of Argilla 1: records of a `TextClassificationRecord`, and feedback data sets.

A record has one `annotation` and a `status`; only `"Validated"` ones were annotated. In a
feedback data set each question is a column of responses, each with value, user and status,
beside `question-suggestion`. Predictions and suggestions are no labels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import Form
from keras_textcls.data.formats.annotation_tools.argilla import TOOL, judgement_of
from keras_textcls.data.formats.annotation_tools.fields import is_blank, question, text_field
from keras_textcls.data.formats.annotation_tools.judgements import (
    Entry,
    Judgement,
    RowError,
    ToolOptions,
)
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.written_values import parse_list

RECORD = {"annotation", "annotation_agent", "status"}
SUGGESTION = "-suggestion"
_OF_RECORD = {"annotation", "annotation_agent", "status", "id", "prediction", "prediction_agent",
              "explanation", "vectors", "metrics", "event_timestamp", "multi_label"}  # fmt: skip
_STATUS = {"validated": "submitted", "edited": "draft", "discarded": "discarded"}
_PARTS = {"value", "user_id", "status"}


def argilla_1_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form | None:
    """Recognise an export of Argilla 1.

    Args:
        columns: names of the columns.
        records: the first records.
        options: `ToolOptions`.
        name: string, name of the source in error messages.

    Returns:
        `Form`, or `None` if it is something else.
    """
    if set(columns) >= RECORD:
        free = [c for c in columns if c not in _OF_RECORD]
        text = text_field(free, options.text, name)
        read = functools.partial(_read_record, text=text)
        extra = [column for column in free if column != text]
        return Form(TOOL, "records of Argilla 1", text, read, extra)
    questions = [c.removesuffix(SUGGESTION) for c in columns if c.endswith(SUGGESTION)]
    questions = [q for q in questions if q in columns and _is_answered(q, records)]
    if not questions:
        return None
    label = question(questions, options.label, TOOL, name)
    free = [c for c in columns if c not in questions and not _is_suggestion(c)]
    text = text_field(free, options.text, name)
    read = functools.partial(_read_feedback, text=text, label=label)
    extra = [column for column in free if column not in (text, "external_id")]
    return Form(TOOL, "feedback of Argilla 1", text, read, extra, {"question": label})


def _is_suggestion(column: str) -> bool:
    return column.endswith((SUGGESTION, f"{SUGGESTION}-metadata"))


def _read_record(record: Mapping[str, Any], text: str) -> Iterator[Entry]:
    status = _STATUS.get(str(record.get("status")).lower(), "pending")
    value = record.get("annotation")
    values = parse_list(value) if isinstance(value, str) else value
    value = value if values is None else values
    agent = record.get("annotation_agent")
    judgement = judgement_of(value, agent, status, "annotation")
    yield Entry(record.get(text), [judgement], record.get("id"), record)


# === Feedback data sets ===


def _is_answered(column: str, records: Sequence[Mapping[str, Any]]) -> bool:
    given = [record[column] for record in records if not is_blank(record.get(column))]
    try:
        responses = [r for value in given for r in _responses(value, column)]
    except RowError:
        return False
    return bool(given) and all(set(r) >= _PARTS for r in responses)


def _read_feedback(record: Mapping[str, Any], text: str, label: str) -> Iterator[Entry]:
    judgements: list[Judgement] = [
        judgement_of(r.get("value"), r.get("user_id"), r.get("status"), label)
        for r in _responses(record.get(label), label)
    ]
    yield Entry(record.get(text), judgements, record.get("external_id"), record)


def _responses(value: Any, column: str) -> list[Mapping[str, Any]]:
    """The responses of a record: a list of objects, or an object of lists, as `datasets` reads."""
    if isinstance(value, str) and value.strip():
        value = parse_list(value)
    if isinstance(value, Mapping):
        if not all(isinstance(part, list) for part in value.values()):
            raise RowError(reasons.NOT_OF_THE_TOOL, "responses are lists", column)
        return [
            dict(zip(value, parts, strict=True)) for parts in zip(*value.values(), strict=False)
        ]
    if is_blank(value):
        return []
    if not isinstance(value, list) or not all(isinstance(r, Mapping) for r in value):
        raise RowError(reasons.NOT_OF_THE_TOOL, "responses are a list of objects", column)
    return value
