"""The CSV forms of Clarifai's portal and of Clarifai's SDK; a label is called a concept there.

Portal form: `input.id`, `input.data.text.raw`, `input.data.concepts[i].id`,
`input.data.concepts[i].value` (1: present, 0: known to be absent, blank: 1) and
`input.data.metadata`, a JSON object. SDK form: `inputid`, `input`, `concepts` (several in
one cell, separated by commas), `metadata` (a dict as Python prints it) and `geopoints`.
"""

from __future__ import annotations

import ast
import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from keras_textcls.data.rows.row_reader import plain
from keras_textcls.data.rows.source import RowChunk, Source

PORTAL_TEXT, PORTAL_ID = "input.data.text.raw", "input.id"
PORTAL_METADATA = "input.data.metadata"
SDK_COLUMNS = ("inputid", "input", "concepts", "metadata", "geopoints")
_CONCEPT = re.compile(r"input\.data\.concepts\[(\d{1,6})\]\.(id|value)")


def clarifai_form(columns: Sequence[str]) -> str | None:
    """Detect the form from the names of the columns.

    Args:
        columns: sequence of strings.

    Returns:
        `"portal"`, `"sdk"` or `None`.

    Example:
    >>> clarifai_form(["input", "concepts"])
    'sdk'
    """
    if columns.count(PORTAL_TEXT) == 1:
        return "portal"
    return "sdk" if {"input", "concepts"} <= set(columns) <= set(SDK_COLUMNS) else None


class ClarifaiSource:
    """A delimited file in one of Clarifai's two CSV forms.

    Its columns are `text`, `label` (a list, or a mapping from concept to 1 or 0), and
    `id` and `metadata` if the file has them.

    Args:
        source: `Source` of the file.
        form: `"portal"` or `"sdk"`.
    """

    def __init__(self, source: Source, form: str) -> None:
        self._source = source
        self._convert = _from_portal if form == "portal" else _from_sdk
        self.name = source.name
        self.details = source.details
        self.details["form"] = form
        has_id = {PORTAL_ID, "inputid"} & set(source.columns)
        has_metadata = {PORTAL_METADATA, "metadata", "geopoints"} & set(source.columns)
        self.columns = ["text", "label"]
        self.columns += ["id"] if has_id else []
        self.columns += ["metadata"] if has_metadata else []

    @property
    def first_line(self) -> int:
        """The line of the first row."""
        return self._source.first_line

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some rows each; see `Source`."""
        for read in self._source.chunks(_each_once(self._source.columns)):
            yield lambda read=read: self._converted(read(), columns)  # type: ignore[misc]

    def _converted(self, chunk: RowChunk, columns: Sequence[str]) -> RowChunk:
        cells = chunk.columns
        rows = cells.to_pydict() if isinstance(cells, pa.Table) else cells
        converted = self._convert(rows)
        return dataclasses.replace(
            chunk, columns={name: converted[name] for name in columns}, is_utf8=False
        )


def _each_once(columns: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(columns) if columns.count(name) == 1]


def _from_portal(rows: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    texts = rows[PORTAL_TEXT]
    numbers = sorted({int(m[1]) for name in rows if (m := _CONCEPT.fullmatch(name))})
    blank = [""] * len(texts)
    labels: list[Any] = [{} for _ in texts]
    for number in numbers:
        names = rows.get(f"input.data.concepts[{number}].id", blank)
        values = rows.get(f"input.data.concepts[{number}].value", blank)
        for label, name, value in zip(labels, names, values, strict=True):
            if name and name.strip():
                said = value.strip() if value and value.strip() else "1"
                # A second, contradicting value gets a name of its own; `row_reader` refuses it.
                label[name.strip() if label.get(name.strip(), said) == said else name + " "] = said
    return {
        "text": texts,
        "label": [label or None for label in labels],
        "id": rows.get(PORTAL_ID, blank),
        "metadata": [json_object(cell) for cell in rows.get(PORTAL_METADATA, blank)],
    }


def _from_sdk(rows: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    texts = rows["input"]
    blank = [""] * len(texts)
    metadata = [_python_dict(cell) for cell in rows.get("metadata", blank)]
    for fields, point in zip(metadata, rows.get("geopoints", blank), strict=True):
        if point and point.strip():
            fields["geopoints"] = point.strip()
    return {
        "text": texts,
        "label": [split_concepts(cell) or None for cell in rows["concepts"]],
        "id": rows.get("inputid", blank),
        "metadata": metadata,
    }


def split_concepts(cell: str) -> list[str]:
    """Split a cell into its concepts.

    Args:
        cell: string, such as `"llm, mobile"`; a concept that contains a comma is
            in quotes.

    Returns:
        A list of strings, without surrounding white space.

    Example:
    >>> split_concepts('llm, "a, b"')
    ['llm', 'a, b']
    """
    try:
        rows = csv.reader(cell.splitlines(keepends=True), skipinitialspace=True)
        parts = [part for row in rows for part in row]
    except csv.Error:
        parts = cell.split(",")
    return [part.strip() for part in parts if part.strip()]


def join_concepts(concepts: Sequence[str]) -> str:
    """Join concepts into one cell that `split_concepts` splits.

    Args:
        concepts: sequence of strings.

    Returns:
        A string.
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(concepts)
    return buffer.getvalue()


def is_concept(column: str) -> bool:
    """Return whether a column belongs to a concept of the portal form.

    Args:
        column: string.

    Returns:
        A bool.
    """
    return _CONCEPT.fullmatch(column) is not None


def json_object(cell: str) -> dict[str, Any]:
    """Read the cell of a column `metadata`.

    Args:
        cell: string.

    Returns:
        A dict; `{"metadata": cell}` if the cell is not a JSON object.
    """
    if not cell or not cell.strip():
        return {}
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        value = cell
    return value if isinstance(value, dict) else {"metadata": plain(value)}


def _python_dict(cell: str) -> dict[str, Any]:
    """Read a dict as Python prints it; only literals are read, no code is run."""
    if not cell or not cell.strip():
        return {}
    try:
        value = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return json_object(cell)
    return value if isinstance(value, dict) else {"metadata": plain(value)}
