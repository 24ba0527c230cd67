"""Converts the cells of a row into text, labels and the other fields, or into a reason.

This module defines the meaning of every source, row by row. `vectorized_rows` does the
same for the usual case, a whole column at a time.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.cells import (
    CellError,
    checked,
    decoded,
    is_blank,
    read_name,
)
from keras_textcls.data.rows.columns import ColumnRoles
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.label_cells import joined, read_labels
from keras_textcls.data.rows.label_notes import LabelNotes
from keras_textcls.data.rows.row_rules import RowRules
from keras_textcls.inputs.columns import is_missing

# Usual names of the parts of a data set.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def read_rows(
    columns: Mapping[str, Sequence[Any]],
    roles: ColumnRoles,
    rules: RowRules,
    lines: Callable[[int], int],
    notes: LabelNotes | None = None,
) -> tuple[dict[str, list[Any]], list[InvalidRow]]:
    """Read rows one by one.

    Args:
        columns: mapping from column name to Python values.
        roles: `ColumnRoles`.
        rules: `RowRules`.
        lines: function from the number of a row to its line.
        notes: `LabelNotes`, to which is added what the labels look like; lists
            of numbers among them wait until `finish_labels`. Defaults to `None`.

    Returns:
        A tuple of the columns of a dataset, as lists, and the `InvalidRow`s.
    """
    notes = LabelNotes() if notes is None else notes
    readers = _cell_readers(roles, rules, notes)
    valid: dict[str, list[Any]] = {name: [] for reader in readers for name in reader.fields}
    invalid: list[InvalidRow] = []
    count = len(columns[roles.text])
    for i in range(count):
        values: list[Any] = []
        for reader in readers:
            try:
                values += reader.read([columns[c][i] for c in reader.columns])
            except CellError as error:
                cell = columns[reader.columns[0]][i]
                invalid.append(
                    InvalidRow(
                        line=lines(i),
                        reason=error.reason,
                        column=reader.columns[0] if len(reader.columns) == 1 else "",
                        detail=error.detail,
                        excerpt=excerpt(columns[roles.text][i] if is_blank(cell) else cell),
                    )
                )
                notes.end_row(i, is_valid=False)
                break
        else:
            for name, value in zip(valid, values, strict=True):
                valid[name].append(value)
            notes.end_row(i, is_valid=True)
    return valid, invalid


@dataclasses.dataclass(frozen=True)
class _CellReader:
    """Reads some cells of a row into some fields of the dataset."""

    columns: tuple[str, ...]
    fields: tuple[str, ...]
    read: Callable[[list[Any]], tuple[Any, ...]]


def _cell_readers(roles: ColumnRoles, rules: RowRules, notes: LabelNotes) -> list[_CellReader]:
    def text(cells: list[Any]) -> tuple[str]:
        return (read_text(cells[0], rules),)

    readers = [_CellReader((roles.text,), ("text",), text)]
    if roles.text_pair is not None:
        readers.append(_CellReader((roles.text_pair,), ("text_pair",), text))
    fields = ("labels", "negatives")
    if isinstance(roles.label, tuple):
        names = roles.label

        def matrix(cells: list[Any]) -> tuple[Any, Any]:
            return read_labels(dict(zip(names, cells, strict=True)), rules, notes)

        readers.append(_CellReader(names, fields, matrix))
    elif roles.negatives is not None:
        both = (str(roles.label), roles.negatives)
        readers.append(
            _CellReader(both, fields, lambda cells: read_labels(joined(*cells), rules, notes))
        )
    elif roles.label is not None:
        readers.append(
            _CellReader((roles.label,), fields, lambda cells: read_labels(cells[0], rules, notes))
        )
    if roles.split is not None:
        readers.append(
            _CellReader((roles.split,), ("split",), lambda c: (_read_split(c[0], rules),))
        )
    if roles.id is not None:
        readers.append(_CellReader((roles.id,), ("id",), lambda c: (read_name(c[0], rules),)))
    if roles.metadata:
        kept = roles.metadata
        readers.append(
            _CellReader(kept, ("metadata",), lambda cells: (_read_metadata(kept, cells),))
        )
    return readers


def read_text(value: Any, rules: RowRules) -> str:
    """Read one text, or raise an error with the reason why it is invalid."""
    if is_missing(value):
        raise CellError(reasons.NO_TEXT)
    value = decoded(value)
    if not isinstance(value, str):
        raise CellError(reasons.NOT_A_TEXT, f"a {type(value).__name__}")
    value = checked(value, rules)
    if not value or value.isspace():
        raise CellError(reasons.NO_TEXT)
    limit = rules.max_text_length
    if limit is not None and len(value) > limit:
        raise CellError(reasons.TOO_LONG, f"{len(value):,} characters, the limit is {limit:,}")
    return value


def _read_split(value: Any, rules: RowRules) -> str | None:
    name = read_name(value, rules)
    return None if name is None else SPLIT_NAMES.get(name.lower(), name)


def _read_metadata(names: Sequence[str], cells: Sequence[Any]) -> str | None:
    """A JSON object of the cells; a cell that holds a JSON object adds the fields of it."""
    fields: dict[str, Any] = {}
    try:
        for name, cell in zip(names, cells, strict=True):
            known = _as_object(cell) if name == "metadata" else cell
            if isinstance(known, Mapping) and (name == "metadata" or len(names) == 1):
                fields.update(plain(known))
            elif not is_blank(cell):
                fields[plain(name)] = plain(cell)
        return to_json(fields) if fields else None
    except RecursionError:
        raise CellError(reasons.NOT_METADATA, "nested too deeply") from None


def metadata_objects(cells: Sequence[str | None]) -> list[str | None] | None:
    """Read the cells of a column `metadata`.

    Args:
        cells: sequence of strings.

    Returns:
        A list of JSON objects, or `None` if one of the cells cannot be read.
    """
    try:
        return [_read_metadata(["metadata"], [cell]) for cell in cells]
    except CellError:
        return None


def _as_object(cell: Any) -> Any:
    """The JSON object in a cell, as `TextDataset.write` writes it; otherwise the cell."""
    if not isinstance(cell, str) or not cell.startswith("{"):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def to_json(fields: Mapping[str, Any]) -> str:
    """Write metadata in one canonical form, so that equal metadata are equal strings."""
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Convert a value to a type of JSON; other types become strings."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, (bool, int)) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(member) for key, member in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    return str(value)
