"""Exports of Label Studio: CSV and TSV, JSON_MIN, and the full JSON.

CSV and JSON_MIN have a record for each annotation; the answer to a question is a class if one
was chosen, otherwise `{"choices": [...]}`; a taxonomy is `[{"taxonomy": [[...], ...]}]`. The
full JSON has a record for each task, with all its annotations.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import Form
from keras_textcls.data.formats.annotation_tools.fields import (
    is_blank,
    keys_of,
    parsed,
    question,
    text_field,
)
from keras_textcls.data.formats.annotation_tools.judgements import (
    LAST,
    PATH_SEPARATOR,
    Entry,
    Judgement,
    RowError,
    ToolOptions,
    label_name,
)
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.errors import ArgumentError

TOOL = "Label Studio"
# Columns of CSV and JSON_MIN that are neither data nor answers.
ALWAYS = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time")
_OWN = {*ALWAYS, "id", "agreement", "completion_id"}
# CSV and JSON_MIN have all columns of one of these sets, the latter before version 1.
RECORDS = ({"annotator", "annotation_id", "lead_time"}, {"id", "annotator", "completion_id"})
# Names of questions in Label Studio's own templates, beside the usual names of labels.
_QUESTIONS = ("sentiment", "choice", "choices", "taxonomy", "class", "label", "topic", "intent")
_ANSWERS = ("choices", "taxonomy", "rating", "number", "selected")


def label_studio_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form | None:
    """Recognise an export of Label Studio.

    Args:
        columns: names of the columns.
        records: the first records.
        options: `ToolOptions`.
        name: string, name of the source in error messages.

    Returns:
        `Form`, or `None` if it is something else.
    """
    if any(own <= set(columns) for own in RECORDS):
        return _flat_form(columns, records, options, name)
    tasks = [
        r for r in records if isinstance(r.get("data"), Mapping) and _annotations(r) is not None
    ]
    return _full_form(tasks, options, name) if tasks and len(tasks) == len(records) else None


# === The full JSON: a record for each task ===


def _annotations(task: Mapping[str, Any]) -> list[Any] | None:
    held = task.get("annotations", task.get("completions"))
    if not {"annotations", "completions"} & {*task} and isinstance(task.get("predictions"), list):
        return []
    return held if isinstance(held, list) else None


def _full_form(tasks: Sequence[Mapping[str, Any]], options: ToolOptions, name: str) -> Form:
    names = {
        str(result.get("from_name"))
        for task in tasks
        for annotation in _annotations(task) or ()
        for result in _results(annotation)
        if _is_answer(result)
    }
    if not names:
        raise ArgumentError(
            f"{name} is an export of {TOOL} without any answer on a whole text (choices, a "
            "taxonomy or a rating): no task is annotated, or only parts of texts are. "
            "Predictions of a model are no answers; accept them in Label Studio first."
        )
    label = question(sorted(names), options.label, TOOL, name)
    data = keys_of(task["data"] for task in tasks)
    text = text_field(data, options.text, name)
    read = functools.partial(_read_task, text=text, label=label, taxonomy=options.taxonomy)
    is_numbered = any(not is_blank(task.get("id")) for task in tasks)
    extra = [key for key in data if key != text and (key != "id" or is_numbered)]
    return Form(TOOL, "JSON", text, read, extra, {"question": label}, is_grouped=True)


def _results(annotation: Any) -> list[Mapping[str, Any]]:
    held = annotation.get("result") if isinstance(annotation, Mapping) else None
    return [r for r in held if isinstance(r, Mapping)] if isinstance(held, list) else []


def _is_answer(result: Mapping[str, Any]) -> bool:
    """Whether it is an answer on the whole text, not on a part of it."""
    value = result.get("value")
    return isinstance(value, Mapping) and "start" not in value and bool({*_ANSWERS} & {*value})


def _read_task(task: Mapping[str, Any], text: str, label: str, taxonomy: str) -> Iterator[Entry]:
    data, annotations = task.get("data"), _annotations(task)
    if not isinstance(data, Mapping) or annotations is None:
        raise RowError(reasons.NOT_OF_THE_TOOL, "a task has data and annotations")
    judgements: list[Judgement] = []
    for annotation in annotations:
        if not isinstance(annotation, Mapping):
            raise RowError(reasons.NOT_OF_THE_TOOL, "an annotation is no object")
        values = [r["value"] for r in _results(annotation) if _is_answer(r)
                  and str(r.get("from_name")) == label]  # fmt: skip
        skipped = bool(annotation.get("was_cancelled") or annotation.get("skipped"))
        judgements.append(
            Judgement(
                _labels(values, label, taxonomy),
                annotator=_annotator(annotation.get("completed_by")),
                status=reasons.SKIPPED if skipped else "" if values else reasons.NO_CHOICE,
                when=str(annotation.get("created_at") or ""),
                is_truth=annotation.get("ground_truth") is True,
            )
        )
    if not judgements and task.get("drafts"):
        judgements = [Judgement(None, status=reasons.DRAFT)]
    name = data.get("id") if is_blank(task.get("id")) else task["id"]
    yield Entry(data.get(text), judgements, name, data, _key(name, data.get(text)))


def _annotator(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("email") or value.get("id")
    return None if is_blank(value) else label_name(value)


def _key(task: Any, text: Any) -> tuple[str, str] | None:
    return None if is_blank(task) or not isinstance(text, str) else (str(task), text)


# === CSV, TSV and JSON_MIN: a record for each annotation ===


def _flat_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form:
    is_json = bool(records) and not isinstance(records[0].get("annotation_id"), str)
    label = _flat_question(columns, records, options, name, is_json)
    data = [c for c in columns if c not in _OWN and c != label]
    moved = f"_data_{options.text or 'text'}"
    text = text_field(data, moved if moved in data else options.text, name)
    read = functools.partial(_read_row, text=text, label=label, taxonomy=options.taxonomy)
    extra = [key for key in data if key != text]
    form = "JSON_MIN" if is_json else "CSV"
    return Form(TOOL, form, text, read, extra, {"question": label}, is_grouped=True)


def _flat_question(
    columns: Sequence[str],
    records: Sequence[Mapping[str, Any]],
    options: ToolOptions,
    name: str,
    is_json: bool,
) -> str:
    free = [column for column in columns if column not in _OWN]
    if options.label is not None:
        return question(free, options.label, TOOL, name)
    # In JSON_MIN the answers stand between the id and the annotator, unless the data had an id.
    between = [key for record in records for key in _between(record)] if is_json else []
    if between and not _holds_text([key for key in free if key not in between], options, name):
        between = []
    found = collections.Counter(
        key for record in records for key in free if _is_structured(record.get(key))
    )
    unanswered = [record for record in records if is_blank(record.get("annotator"))]
    blank = [
        key
        for key in free
        if unanswered
        and all(is_blank(record.get(key)) for record in unanswered)
        and any(not is_blank(record.get(key)) for record in records)
    ]
    usual = [c for c in free if c.lower() in _QUESTIONS and not c.startswith("_data_")]
    candidates = list(dict.fromkeys([*between, *found, *blank] or usual))
    if not candidates:
        known = ", ".join(map(repr, free))
        raise ArgumentError(
            f"Which answers of {name} are the labels? It is an export of {TOOL}, and none of its "
            f"columns has a usual name. They are {known}. Pass label=..."
        )
    return question(candidates, None, TOOL, name)


def _holds_text(fields: Sequence[str], options: ToolOptions, name: str) -> bool:
    try:
        return bool(text_field(fields, options.text, name))
    except ArgumentError:
        return False


def _between(record: Mapping[str, Any]) -> list[str]:
    keys = list(record)
    if "id" not in keys or "annotator" not in keys:
        return []
    return keys[keys.index("id") + 1 : keys.index("annotator")]


def _is_structured(cell: Any) -> bool:
    try:
        value = parsed(cell, "")
    except RowError:
        return False
    members = value if isinstance(value, list) else [value]
    return any(
        isinstance(m, Mapping) and "start" not in m and bool({*_ANSWERS} & {*m}) for m in members
    )


def _read_row(row: Mapping[str, Any], text: str, label: str, taxonomy: str) -> Iterator[Entry]:
    annotator = _annotator(row.get("annotator"))
    value = parsed(row.get(label), label)
    is_answered = not is_blank(value) and value != []
    values = value if isinstance(value, list) else [value]
    names = _labels(values, label, taxonomy) if is_answered else None
    if is_answered:
        status = ""
    else:
        is_open = annotator is None and is_blank(row.get("annotation_id"))
        status = reasons.NOT_ANNOTATED if is_open else reasons.NO_CHOICE
    when = row.get("created_at")
    judgement = Judgement(
        names, annotator=annotator, status=status, when=when if isinstance(when, str) else ""
    )
    yield Entry(row.get(text), [judgement], row.get("id"), row, _key(row.get("id"), row.get(text)))


# === Answers ===


def _labels(values: Sequence[Any], column: str, taxonomy: str) -> tuple[str, ...] | None:
    names = [name for value in values for name in _names(value, column, taxonomy)]
    return tuple(dict.fromkeys(names)) or None


def _names(value: Any, column: str, taxonomy: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [label_name(value, column)]
    if isinstance(value.get("choices"), list):
        return [label_name(choice, column) for choice in value["choices"]]
    if isinstance(value.get("taxonomy"), list):
        return [_of_path(path, column, taxonomy) for path in value["taxonomy"]]
    for key in ("rating", "number", "selected"):
        if key in value:
            return [label_name(value[key], column)]
    raise RowError(reasons.NOT_A_LABEL, "neither choices nor a taxonomy", column)


def _of_path(path: Any, column: str, taxonomy: str) -> str:
    if not isinstance(path, list) or not path:
        raise RowError(reasons.NOT_A_LABEL, "a path of a taxonomy is a list of names", column)
    steps = [label_name(step, column) for step in path]
    return steps[-1] if taxonomy == LAST else PATH_SEPARATOR.join(steps)
