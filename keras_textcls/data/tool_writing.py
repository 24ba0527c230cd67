"""Writes datasets in the forms of fastText, doccano and Label Studio."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_textcls.data.formats.annotation_tools.doccano import COMMENTS
from keras_textcls.data.formats.annotation_tools.fasttext_file import PREFIX
from keras_textcls.data.labelled_table import Example, LabelledTable
from keras_textcls.errors import ArgumentError, shorten

_SPACE = re.compile(r"[ \t\n\v\f\r\0]")
_BREAKS = re.compile(r"\r\n|[\n\r]")
# Keys of a doccano record that are not metadata.
_DOCCANO = ("text", "label", "id", "split", COMMENTS)
_log = logging.getLogger("keras_textcls")


def write_fasttext(dataset: LabelledTable, path: Path) -> None:
    """Write `__label__a __label__b text`, a text a line; line breaks in texts become spaces.

    Args:
        dataset: `LabelledTable`.
        path: `Path`.

    Raises:
        ArgumentError: a label has white space, or a text holds `__label__`.
    """
    _check(dataset, "fastText")
    for name in dataset.labels or ():
        if _SPACE.search(name):
            raise ArgumentError(
                f"The label {shorten(name)} has white space, which ends a label in the form of "
                f"fastText. Rename it: relabel({{{name[:40]!r}: {_SPACE.sub('-', name[:40])!r}}})."
            )
    joined = 0
    with open(path, "w", newline="", encoding="utf-8") as file:
        for number, row in enumerate(dataset, 1):
            if PREFIX in row.text:
                raise ArgumentError(
                    f"Row {number} cannot be written in the form of fastText: its text holds "
                    f"{PREFIX!r}, which begins a label. Received: {shorten(row.text)}. Leave such "
                    "rows out with filter(), or write JSON Lines."
                )
            text, breaks = _BREAKS.subn(" ", row.text)
            joined += bool(breaks)
            file.write(" ".join([*(PREFIX + name for name in _labels(row)), text]) + "\n")
    if joined:
        _log.warning(
            "Line breaks within texts were written as spaces (%s of %s texts): a text of fastText "
            "is a line.",
            f"{joined:,}",
            f"{len(dataset):,}",
        )


def write_doccano(dataset: LabelledTable, path: Path) -> None:
    """Write JSON Lines that doccano imports, and that look as it exports them.

    Args:
        dataset: `LabelledTable`.
        path: `Path`.

    Raises:
        ArgumentError: the form cannot store a part of the dataset.
    """
    _check(dataset, "doccano")
    with open(path, "w", newline="", encoding="utf-8") as file:
        for number, row in enumerate(dataset, 1):
            metadata = _metadata(row, number, _DOCCANO, "doccano")
            record = {"id": row.id, "text": row.text, "split": row.split}
            known: dict[str, Any] = {n: v for n, v in record.items() if v is not None}
            known |= {**metadata, "label": _labels(row), COMMENTS: []}
            file.write(json.dumps(known, ensure_ascii=False) + "\n")


def write_label_studio(dataset: LabelledTable, path: Path) -> None:
    """Write tasks with annotations that Label Studio imports.

    The labels answer a question named `label`, on a text named `text`.

    Args:
        dataset: `LabelledTable`.
        path: `Path`.

    Raises:
        ArgumentError: the form cannot store a part of the dataset.
    """
    _check(dataset, "Label Studio")
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write("[")
        for number, row in enumerate(dataset, 1):
            metadata = _metadata(row, number, ("text", "label", "id", "split"), "Label Studio")
            # In JSON_MIN, answers follow the id: nothing else of ours may.
            data = {"text": row.text, "split": row.split, **metadata, "id": row.id}
            known = {n: v for n, v in data.items() if n in metadata or v is not None}
            task = {"data": known, "annotations": _annotations(_labels(row))}
            comma = "," if number > 1 else ""
            file.write(f"{comma}\n{json.dumps(task, ensure_ascii=False)}")
        file.write("\n]\n")


def _annotations(labels: Sequence[str]) -> list[dict[str, Any]]:
    result = {"from_name": "label", "to_name": "text", "type": "choices"}
    value = {"choices": list(labels)}
    return [{"result": [{**result, "value": value}]}] if labels else []


def _labels(row: Example) -> list[str]:
    return [row.label] if isinstance(row.label, str) else row.label or []


def _metadata(row: Example, number: int, taken: Sequence[str], tool: str) -> Mapping[str, Any]:
    clash = [name for name in row.metadata if name in taken]
    if clash:
        raise ArgumentError(
            f"Row {number} cannot be written in the form of {tool}: its metadata have a field "
            f"{clash[0]!r}, which is something else there. Write JSON Lines or Parquet."
        )
    return row.metadata


def _check(dataset: LabelledTable, tool: str) -> None:
    if dataset.has_column("text_pair"):
        raise ArgumentError(
            f"The form of {tool} has no place for second texts. Write CSV, JSON Lines or Parquet."
        )
    if dataset.has_column("negatives"):
        raise ArgumentError(
            f"The form of {tool} has no place for labels that are known not to hold. Write the "
            'portal form (form="portal"), JSON Lines or Parquet.'
        )
    if dataset.count_without_labels()[1]:
        raise ArgumentError(
            f"Some texts are known to have no label, which the form of {tool} cannot tell from "
            "unknown labels. Write JSON Lines or Parquet, or leave them out with filter()."
        )
