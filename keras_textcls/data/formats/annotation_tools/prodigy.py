"""Datasets of Prodigy, as `db-out` writes them: JSON Lines with an `answer` for each text.

A binary annotation has one `label`, which `accept` says holds and `reject` says does not. A
choice lists the ids of the options that were chosen in `accept`. `ignore` says nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import Form
from keras_textcls.data.formats.annotation_tools.fields import is_blank
from keras_textcls.data.formats.annotation_tools.judgements import (
    Entry,
    Judgement,
    RowError,
    ToolOptions,
    label_name,
)
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.written_values import parse_list
from keras_textcls.errors import ArgumentError, shorten

TOOL = "Prodigy"
_ANSWERS = ("accept", "reject", "ignore")
_NAMES = ("_annotator_id", "_session_id")
_OWN = ("text", "label", "options", "accept", "answer", "tokens", "config", "spans")


def prodigy_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form | None:
    """Recognise a dataset of Prodigy.

    Args:
        columns: names of the columns.
        records: the first records.
        options: `ToolOptions`.
        name: string, name of the source in error messages.

    Returns:
        `Form`, or `None` if it is something else.
    """
    if not {"text", "answer"} <= set(columns) or not {"label", "accept"} & set(columns):
        return None
    # Most of the answers, not all: what is rejected must not be read as accepted because of
    # one record of another kind.
    answers = [answer for record in records if (answer := _answer(record)) is not None]
    if 2 * sum(answer in _ANSWERS for answer in answers) <= len(answers):
        return None
    for given in (options.text, options.label):
        if given not in (None, "text", "label", "accept"):
            raise ArgumentError(
                f"{name} is a dataset of Prodigy, whose texts and labels are in `text`, `label` "
                f"and `accept`. Received: {shorten(given)}. Leave text=... and label=... out."
            )
    is_choice = "accept" in columns and any(_chosen(record) is not None for record in records)
    extra = [column for column in columns if column not in _OWN and not column.startswith("_")]
    kind = "choice" if is_choice else "binary"
    read = functools.partial(_read, is_multi=options.multi_label)
    return Form(TOOL, kind, "text", read, extra, is_grouped=True)


def _read(row: Mapping[str, Any], is_multi: bool | None) -> Iterator[Entry]:
    answer = _answer(row)
    if answer is not None and answer not in _ANSWERS:
        raise RowError(reasons.NOT_OF_THE_TOOL, f"none of {', '.join(_ANSWERS)}", "answer")
    annotator = next((str(row[name]) for name in _NAMES if not is_blank(row.get(name))), None)
    if answer is None:
        judgement = Judgement(None, None, annotator, reasons.NOT_ANNOTATED, "without an answer")
    elif answer == "ignore":
        judgement = Judgement(None, None, annotator, reasons.SKIPPED, "answer: ignore")
    elif _chosen(row) is not None:
        judgement = _choice(row, annotator, answer, is_multi)
    elif is_blank(row.get("label")):
        judgement = Judgement(None, None, annotator, reasons.NO_CHOICE)
    else:
        name = (label_name(row["label"], "label"),)
        holds = answer == "accept"
        judgement = Judgement(name if holds else (), () if holds else name, annotator)
    text = row.get("text")
    key = text if isinstance(text, str) else None
    identifier = row.get("id", row.get("_input_hash"))
    yield Entry(text, [judgement], identifier, row, key)


def _answer(row: Mapping[str, Any]) -> str | None:
    value = row.get("answer")
    if is_blank(value):
        return None
    return value.strip().lower() if isinstance(value, str) else "not a word"


def _chosen(row: Mapping[str, Any]) -> list[Any] | None:
    """The options that were chosen; in CSV files the list is written as text."""
    value = row.get("accept")
    value = parse_list(value) if isinstance(value, str) else value
    return value if isinstance(value, list) else None


def _choice(
    row: Mapping[str, Any], annotator: str | None, answer: str, is_multi: bool | None
) -> Judgement:
    if answer == "reject":
        return Judgement(None, None, annotator, reasons.REJECTED, "answer: reject")
    options = row.get("options")
    named = {
        str(option.get("id")): option
        for option in (options if isinstance(options, list) else ())
        if isinstance(option, Mapping)
    }
    names = tuple(dict.fromkeys(_option(chosen, named) for chosen in _chosen(row) or ()))
    config = row.get("config")
    style = config.get("choice_style") if isinstance(config, Mapping) else None
    if names or is_multi or style == "multiple":
        # Nothing chosen among several: none of them holds.
        return Judgement(names, None, annotator)
    return Judgement(None, None, annotator, reasons.NO_CHOICE)


def _option(chosen: Any, named: Mapping[str, Mapping[str, Any]]) -> str:
    """The name of an option: its id, or its text where the ids are numbers."""
    if isinstance(chosen, int) and not isinstance(chosen, bool):
        chosen = named.get(str(chosen), {}).get("text", chosen)
    return label_name(chosen, "accept")
