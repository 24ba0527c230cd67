"""Recognises exports of annotation tools by their content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.annotation_tools.annotation_source import AnnotationSource, Form
from keras_textcls.data.formats.annotation_tools.argilla import argilla_form
from keras_textcls.data.formats.annotation_tools.argilla_1 import (
    RECORD,
    SUGGESTION,
    argilla_1_form,
)
from keras_textcls.data.formats.annotation_tools.doccano import COMMENTS, EARLY, doccano_form
from keras_textcls.data.formats.annotation_tools.judgements import ToolOptions
from keras_textcls.data.formats.annotation_tools.label_studio import RECORDS, label_studio_form
from keras_textcls.data.formats.annotation_tools.prodigy import prodigy_form
from keras_textcls.data.formats.annotation_tools.records import Records
from keras_textcls.data.formats.annotation_tools.spacy_json import spacy_form
from keras_textcls.data.rows.source import Source
from keras_textcls.errors import InvalidDataError

_Recognise = Callable[[Sequence[str], Sequence[Mapping[str, Any]], ToolOptions, str], Form | None]


def _argilla_form(
    columns: Sequence[str], records: Sequence[Mapping[str, Any]], options: ToolOptions, name: str
) -> Form | None:
    form = argilla_form(columns, records, options, name)
    return form or argilla_1_form(columns, records, options, name)


_TOOLS: dict[str, _Recognise] = {
    "label_studio": label_studio_form,
    "argilla": _argilla_form,
    "prodigy": prodigy_form,
    "spacy": spacy_form,
    "doccano": doccano_form,
}
# An export has all columns of one of these sets.
_COLUMNS = (
    *RECORDS,
    {"data", "annotations"},
    {"data", "completions"},
    {"data", "predictions"},
    {"fields", "responses", "suggestions"},
    {"id", "status", "_server_id"},
    RECORD,
    {"text", "answer"},
    {"text", "cats"},
    {"paragraphs"},
    {"0", "1"},
    {"text", COMMENTS},
    EARLY,
)


def annotation_source(source: Source, options: ToolOptions, format: str) -> Source | None:  # noqa: A002
    """Return a source as an export of an annotation tool, if it is one.

    Args:
        source: `Source`.
        options: `ToolOptions`.
        format: string, the argument of `read`: the name of a tool, or another
            format.

    Returns:
        A `Source` with the columns `text`, `label`, `id` and `metadata`, or `None`.

    Raises:
        InvalidDataError: it is no export of the tool that `format` names.
        ArgumentError: it has several questions or fields of text.
    """
    is_named = format in _TOOLS
    columns = set(source.columns)
    ends = (".responses", SUGGESTION)
    may_be = any(needed <= columns for needed in _COLUMNS)
    if not is_named and not may_be and not any(c.endswith(ends) for c in columns):
        return None
    records = Records(source)
    first = records.first()
    for name, recognise in _TOOLS.items():
        form = recognise(source.columns, first, options, source.name)
        if form is not None and is_named and name != format:
            raise InvalidDataError(
                f"{source.name} is an export of {form.tool}, not what format={format!r} names. "
                "Leave format=... out to have the form detected."
            )
        if form is not None:
            return AnnotationSource(records, form, options)
    if format == "doccano":
        form = doccano_form(source.columns, first, options, source.name, is_certain=True)
        if form is not None:
            return AnnotationSource(records, form, options)
    if is_named:
        shown = ", ".join(map(repr, source.columns[:12]))
        raise InvalidDataError(
            f"{source.name} has none of the forms that format={format!r} is read in. It has "
            f"{shown}. Leave format=... out to have the form detected."
        )
    return None
