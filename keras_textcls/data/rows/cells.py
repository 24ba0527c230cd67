"""What all readers of cells share: undecodable bytes, names, blank cells."""

from __future__ import annotations

from typing import Any

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.row_rules import RowRules
from keras_textcls.inputs.columns import is_missing


class CellError(Exception):
    """A cell cannot be used. `read_rows` lists the row."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def checked(value: str, rules: RowRules) -> str:
    """Refuse or replace lone surrogates, which represent undecodable bytes."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        if rules.undecodable == "invalid":
            raise CellError(
                reasons.UNDECODABLE, f"character {error.start + 1} is no character"
            ) from None
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    return str(value)


def decoded(value: Any) -> Any:
    """Decode bytes as UTF-8; other bytes become lone surrogates."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def read_name(value: Any, rules: RowRules) -> str | None:
    """Read a label or an identifier: a string without surrounding white space, or `None`."""
    if is_missing(value):
        return None
    value = decoded(value)
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, float) and value.is_integer():
        value = str(int(value))
    elif isinstance(value, (int, float)):
        try:
            value = str(value)
        except ValueError:
            raise CellError(reasons.NOT_A_LABEL, "a number of thousands of digits") from None
    if not isinstance(value, str):
        raise CellError(reasons.NOT_A_LABEL, f"a {type(value).__name__}")
    return checked(value.strip(), rules) or None


def is_blank(cell: Any) -> bool:
    """Return whether a cell is missing or an empty string."""
    return is_missing(cell) or (isinstance(cell, str) and not cell)
