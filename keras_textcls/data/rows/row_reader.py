"""Converts the cells of a row into text, labels and the other fields, or into a reason.

This module defines the meaning of every source, row by row. `vectorized_rows` does the
same for the usual case, a whole column at a time.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.columns import ColumnRoles
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.partial_labels import judged
from keras_textcls.errors import ArgumentError, did_you_mean, shorten
from keras_textcls.labels import LabelSet

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
_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}


@dataclasses.dataclass(frozen=True)
class RowRules:
    """The conditions under which a row is valid.

    Args:
        labels: `LabelSet` or `None`, the labels that may occur. Defaults to
            `None`, any.
        multi_label: bool or `None`, whether a text may have any number of
            labels. Defaults to `None`, determined from the data.
        label_separator: string or `None`, the separator between several labels
            in one cell. Defaults to `None`, a cell is one label.
        unlabelled: `"invalid"` or `"keep"`, what to do with a text without
            labels. Defaults to `"invalid"`.
        undecodable: `"invalid"`, or `"replace"` to replace bytes that cannot be
            decoded by U+FFFD. Defaults to `"invalid"`.
        max_text_length: int or `None`, maximum number of characters of a text.
            Defaults to `None`, no limit.

    Raises:
        ArgumentError: a value is not one of those allowed.
    """

    labels: LabelSet | None = None
    multi_label: bool | None = None
    label_separator: str | None = None
    unlabelled: str = "invalid"
    undecodable: str = "invalid"
    max_text_length: int | None = None

    def __post_init__(self) -> None:
        choices = {"unlabelled": ("invalid", "keep"), "undecodable": ("invalid", "replace")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: "
                    f"{name}={shorten(getattr(self, name))}."
                )
        limit = self.max_text_length
        if limit is not None and (type(limit) is not int or limit < 1):
            raise ArgumentError(
                "`max_text_length` must be a positive number of characters, or None. Received: "
                f"max_text_length={shorten(limit)}."
            )
        if self.multi_label is not None and not isinstance(self.multi_label, bool):
            raise ArgumentError(
                "`multi_label` must be True, False or None. Received: "
                f"multi_label={shorten(self.multi_label)}."
            )
        separator = self.label_separator
        if separator is not None and (not isinstance(separator, str) or not separator):
            raise ArgumentError(
                '`label_separator` must be a string such as "," or "|", or None. Received: '
                f"label_separator={shorten(separator)}."
            )


class _CellError(Exception):
    """A cell cannot be used. This error is always caught within this module."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def read_rows(
    columns: Mapping[str, Sequence[Any]],
    roles: ColumnRoles,
    rules: RowRules,
    lines: Callable[[int], int],
) -> tuple[dict[str, list[Any]], list[InvalidRow]]:
    """Read rows one by one.

    Args:
        columns: mapping from column name to Python values.
        roles: `ColumnRoles`.
        rules: `RowRules`.
        lines: function from the number of a row to its line.

    Returns:
        A tuple of the columns of a dataset, as lists, and the `InvalidRow`s.
    """
    readers = _cell_readers(roles, rules)
    valid: dict[str, list[Any]] = {name: [] for reader in readers for name in reader.fields}
    invalid: list[InvalidRow] = []
    count = len(columns[roles.text])
    for i in range(count):
        values: list[Any] = []
        for reader in readers:
            try:
                values += reader.read([columns[c][i] for c in reader.columns])
            except _CellError as error:
                cell = columns[reader.columns[0]][i]
                invalid.append(
                    InvalidRow(
                        line=lines(i),
                        reason=error.reason,
                        column=reader.columns[0] if len(reader.columns) == 1 else "",
                        detail=error.detail,
                        excerpt=excerpt(columns[roles.text][i] if _is_blank(cell) else cell),
                    )
                )
                break
        else:
            for name, value in zip(valid, values, strict=True):
                valid[name].append(value)
    return valid, invalid


@dataclasses.dataclass(frozen=True)
class _CellReader:
    """Reads some cells of a row into some fields of the dataset."""

    columns: tuple[str, ...]
    fields: tuple[str, ...]
    read: Callable[[list[Any]], tuple[Any, ...]]


def _cell_readers(roles: ColumnRoles, rules: RowRules) -> list[_CellReader]:
    def text(cells: list[Any]) -> tuple[str]:
        return (read_text(cells[0], rules),)

    readers = [_CellReader((roles.text,), ("text",), text)]
    if roles.text_pair is not None:
        readers.append(_CellReader((roles.text_pair,), ("text_pair",), text))
    if isinstance(roles.label, tuple):
        names = roles.label

        def matrix(cells: list[Any]) -> tuple[Any, Any]:
            return _labels_of(dict(zip(names, cells, strict=True)), rules)

        readers.append(_CellReader(names, ("labels", "negatives"), matrix))
    elif roles.negatives is not None:
        both = (str(roles.label), roles.negatives)
        readers.append(
            _CellReader(both, ("labels", "negatives"), lambda c: _labels_of(_joined(*c), rules))
        )
    elif roles.label is not None:
        readers.append(
            _CellReader((roles.label,), ("labels", "negatives"), lambda c: _labels_of(c[0], rules))
        )
    if roles.split is not None:
        readers.append(
            _CellReader((roles.split,), ("split",), lambda c: (_read_split(c[0], rules),))
        )
    if roles.id is not None:
        readers.append(_CellReader((roles.id,), ("id",), lambda c: (_read_name(c[0], rules),)))
    if roles.metadata:
        kept = roles.metadata
        readers.append(
            _CellReader(kept, ("metadata",), lambda cells: (_read_metadata(kept, cells),))
        )
    return readers


def read_text(value: Any, rules: RowRules) -> str:
    """Read one text, or raise an error with the reason why it is invalid."""
    if _is_missing(value):
        raise _CellError(reasons.NO_TEXT)
    value = _decoded(value)
    if not isinstance(value, str):
        raise _CellError(reasons.NOT_A_TEXT, f"a {type(value).__name__}")
    value = _checked(value, rules)
    if not value or value.isspace():
        raise _CellError(reasons.NO_TEXT)
    limit = rules.max_text_length
    if limit is not None and len(value) > limit:
        raise _CellError(reasons.TOO_LONG, f"{len(value):,} characters, the limit is {limit:,}")
    return value


def _checked(value: str, rules: RowRules) -> str:
    """Refuse or replace lone surrogates, which represent undecodable bytes."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        if rules.undecodable == "invalid":
            raise _CellError(
                reasons.UNDECODABLE, f"character {error.start + 1} is no character"
            ) from None
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    return str(value)


def _decoded(value: Any) -> Any:
    """Decode bytes as UTF-8; other bytes become lone surrogates."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _labels_of(value: Any, rules: RowRules) -> tuple[list[str] | None, list[str] | None]:
    """The labels of a text and those known to be absent, `None` if nothing is known."""
    negatives: list[str] | None = None
    if hasattr(value, "tolist"):
        value = value.tolist()
    value = _decoded(value)
    if isinstance(value, str) and rules.label_separator is not None:
        value = [part for part in value.split(rules.label_separator) if part.strip()] or None
    if _is_missing(value) or (isinstance(value, str) and not value.strip()):
        labels = None
    elif isinstance(value, Mapping):
        known = {name: _read_flag(flag, str(name)) for name, flag in value.items()}
        labels = _names([n for n, flag in known.items() if flag], rules)
        # An empty list, not `None`: nothing is known of all other labels.
        negatives = _names([n for n, flag in known.items() if flag is False], rules)
        if both := set(labels) & set(negatives):
            raise _CellError(reasons.NOT_A_LABEL, f"{shorten(min(both))} is 1 and 0")
        if not labels and not negatives:
            labels = negatives = None
    elif isinstance(value, (list, tuple, set, frozenset)):
        labels = _names(
            sorted(value, key=str) if isinstance(value, (set, frozenset)) else value, rules
        )
    else:
        labels = _names([value], rules)
    if labels is None and rules.unlabelled == "invalid":
        raise _CellError(reasons.NO_LABEL)
    if rules.multi_label is False and labels is not None and len(labels) != 1:
        raise _CellError(reasons.SEVERAL_LABELS, f"{len(labels)} labels, multi_label is False")
    return labels, negatives


def _names(values: Iterable[Any], rules: RowRules) -> list[str]:
    names = dict.fromkeys(_read_label(value, rules) for value in values)
    return list(names)


def _read_label(value: Any, rules: RowRules) -> str:
    known = rules.labels
    name = _read_name(value, rules)
    if name is None:
        raise _CellError(reasons.NO_LABEL)
    if known is None or name in known:
        return name
    if name.isascii() and name.isdigit() and int(name[:9]) < len(known) and len(name) < 9:
        return known[int(name)]
    raise _CellError(reasons.UNKNOWN_LABEL, did_you_mean(name, known).strip())


def _read_name(value: Any, rules: RowRules) -> str | None:
    """Read a label or an identifier: a string without surrounding white space, or `None`."""
    if _is_missing(value):
        return None
    value = _decoded(value)
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, float) and value.is_integer():
        value = str(int(value))
    elif isinstance(value, (int, float)):
        try:
            value = str(value)
        except ValueError:
            raise _CellError(reasons.NOT_A_LABEL, "a number of thousands of digits") from None
    if not isinstance(value, str):
        raise _CellError(reasons.NOT_A_LABEL, f"a {type(value).__name__}")
    return _checked(value.strip(), rules) or None


def _read_flag(value: Any, name: str) -> bool | None:
    """Read a flag: 1 if the text has the label, 0 if not, blank if unknown."""
    if _is_missing(value):
        return None
    if isinstance(value, str) and not value.strip():
        return None
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _CellError(reasons.NOT_A_LABEL, f"{shorten(value)} for {shorten(name)}, not 0 or 1")


def _read_split(value: Any, rules: RowRules) -> str | None:
    name = _read_name(value, rules)
    return None if name is None else SPLIT_NAMES.get(name.lower(), name)


def _read_metadata(names: Sequence[str], cells: Sequence[Any]) -> str | None:
    """A JSON object of the cells; a cell that holds a JSON object adds the fields of it."""
    fields: dict[str, Any] = {}
    try:
        for name, cell in zip(names, cells, strict=True):
            known = _as_object(cell) if name == "metadata" else cell
            if isinstance(known, Mapping) and (name == "metadata" or len(names) == 1):
                fields.update(plain(known))
            elif not _is_blank(cell):
                fields[plain(name)] = plain(cell)
        return to_json(fields) if fields else None
    except RecursionError:
        raise _CellError(reasons.NOT_METADATA, "nested too deeply") from None


def metadata_objects(cells: Sequence[str | None]) -> list[str | None] | None:
    """Read the cells of a column `metadata`.

    Args:
        cells: sequence of strings.

    Returns:
        A list of JSON objects, or `None` if one of the cells cannot be read.
    """
    try:
        return [_read_metadata(["metadata"], [cell]) for cell in cells]
    except _CellError:
        return None


def _as_object(cell: Any) -> Any:
    """The JSON object in a cell, as `TextDataset.write` writes it; otherwise the cell."""
    if not isinstance(cell, str) or not cell.startswith("{"):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _is_blank(cell: Any) -> bool:
    return _is_missing(cell) or (isinstance(cell, str) and not cell)


def _joined(labels: Any, negatives: Any) -> Any:
    """Labels and negatives of one row as a mapping, if there are negatives."""
    if negatives is None or not isinstance(negatives, (list, tuple)) or labels is None:
        return labels
    return judged(labels, negatives)


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
