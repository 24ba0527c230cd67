"""Text categories of spaCy in JSON: `{"text": ..., "cats": {...}}`, and the training format.

The training format (of spaCy 2, which spaCy 3 still reads and writes) has documents with
`paragraphs`, each with `raw` and `cats`, a list of `{"label": ..., "value": ...}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import Form
from keras_textcls.data.formats.annotation_tools.judgements import (
    Entry,
    Judgement,
    RowError,
    ToolOptions,
    label_name,
)
from keras_textcls.data.rows import invalid_rows as reasons

TOOL = "spaCy"


def spacy_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form | None:
    """Recognise text categories of spaCy.

    Args:
        columns: names of the columns.
        records: the first records.
        options: `ToolOptions`.
        name: string, name of the source in error messages.

    Returns:
        `Form`, or `None` if it is something else.
    """
    if options.text not in (None, "text") or options.label not in (None, "cats") or not records:
        return None
    if {"text", "cats"} <= set(columns):
        if all(isinstance(record.get("cats"), Mapping) for record in records):
            own = {"text", "cats", "tokens", "ents", "sents", "spans"}
            extra = [column for column in columns if column not in own]
            return Form(TOOL, "cats", "text", _read_document, extra, is_judged_once=True)
    elif "paragraphs" in columns and all(_has_cats(record) for record in records):
        return Form(TOOL, "training JSON", "raw", _read_paragraphs, is_judged_once=True)
    elif list(columns) == ["0", "1"] and all(_is_example(record) for record in records):
        return Form(TOOL, "training examples", "0", _read_example, is_judged_once=True)
    return None


def _is_example(record: Mapping[str, Any]) -> bool:
    """Whether it is a pair `["text", {"cats": {...}}]`, as in TRAIN_DATA of version 2."""
    said = record.get("1")
    return isinstance(said, Mapping) and isinstance(said.get("cats"), Mapping)


def _read_example(record: Mapping[str, Any]) -> Iterator[Entry]:
    if not _is_example(record):
        raise RowError(reasons.NOT_OF_THE_TOOL, "no object of labels", "1")
    yield Entry(record.get("0"), [judgement_of(record["1"]["cats"])])


def _has_cats(record: Mapping[str, Any]) -> bool:
    paragraphs = record.get("paragraphs")
    return isinstance(paragraphs, list) and all(
        isinstance(p, Mapping) and isinstance(p.get("cats"), list) for p in paragraphs
    )


def _read_document(record: Mapping[str, Any]) -> Iterator[Entry]:
    cats = record.get("cats")
    if not isinstance(cats, Mapping):
        raise RowError(reasons.NOT_OF_THE_TOOL, "no object of labels", "cats")
    yield Entry(record.get("text"), [judgement_of(cats)], record.get("id"), record)


def _read_paragraphs(record: Mapping[str, Any]) -> Iterator[Entry]:
    if not _has_cats(record):
        raise RowError(reasons.NOT_OF_THE_TOOL, "no list of labels", "cats")
    paragraphs = record["paragraphs"]
    for number, paragraph in enumerate(paragraphs):
        if not all(isinstance(cat, Mapping) and "label" in cat for cat in paragraph["cats"]):
            raise RowError(reasons.NOT_OF_THE_TOOL, "a label without a name", "cats")
        cats = {label_name(cat["label"], "cats"): cat.get("value") for cat in paragraph["cats"]}
        name = record.get("id")
        if name is not None and len(paragraphs) > 1:
            name = f"{name}/{number}"
        yield Entry(paragraph.get("raw"), [judgement_of(cats)], name)


def judgement_of(cats: Mapping[Any, Any]) -> Judgement:
    """Return what the categories of a document say.

    Args:
        cats: mapping from label to 1 or 0.

    Returns:
        A `Judgement`.

    Raises:
        RowError: a value is neither 1 nor 0.
    """
    holds = {label_name(name, "cats"): _flag(value, name) for name, value in cats.items()}
    if not holds:
        return Judgement(None, status=reasons.NOT_ANNOTATED)
    present = tuple(name for name, flag in holds.items() if flag)
    return Judgement(present, tuple(name for name, flag in holds.items() if not flag))


def _flag(value: Any, name: Any) -> bool:
    if value in (0, 1):
        return bool(value)
    detail = f"{reasons.excerpt(value)} for {reasons.excerpt(name)}, not 0 or 1"
    raise RowError(reasons.NOT_A_LABEL, detail, "cats")
