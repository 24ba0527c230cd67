"""Rows that could not be used, with their line and the reason."""

from __future__ import annotations

import collections
import csv
import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from keras_textcls.errors import InvalidDataError
from keras_textcls.utils.atomic import replace_file
from keras_textcls.utils.text_display import one_line

NO_TEXT = "no text"
NOT_A_TEXT = "not a text"
NO_LABEL = "no label"
NOT_A_LABEL = "not a label"
UNKNOWN_LABEL = "unknown label"
SEVERAL_LABELS = "several labels"
UNDECODABLE = "undecodable bytes"
WRONG_COLUMN_COUNT = "wrong column count"
UNCLOSED_QUOTE = "unclosed quote"
NOT_JSON = "not JSON"
NOT_METADATA = "not metadata"
TOO_LONG = "text over the length limit"
DUPLICATE_ID = "duplicate id"
NOT_OF_THE_FORM = "not of the instruction form"
SEVERAL_TURNS = "several turns"
UNREADABLE = "text could not be fetched"
NOT_OF_THE_TOOL = "not of the form of the tool"
# What annotators did, in exports of annotation tools; no damage of the file.
NOT_ANNOTATED = "not annotated"
SKIPPED = "skipped"
REJECTED = "rejected"
DRAFT = "draft"
DISCARDED = "discarded"
NO_CHOICE = "submitted without a label"
DISAGREE = "annotators disagree"
BY_ANNOTATORS = (NOT_ANNOTATED, SKIPPED, REJECTED, DRAFT, DISCARDED, NO_CHOICE, DISAGREE)

_EXCERPT = 80
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class InvalidRow:
    """One row that could not be used.

    Args:
        line: int, the line of the file where the row begins, from 1; the number
            of the row, from 1, where the source has no lines.
        reason: string, such as `"no text"`.
        column: string, the column at fault, or `""`.
        detail: string, more about the reason, or `""`.
        excerpt: string, the beginning of the row or cell.
        file: string, the file or object that the row comes from.
    """

    line: int
    reason: str
    column: str = ""
    detail: str = ""
    excerpt: str = ""
    file: str = ""

    def __str__(self) -> str:
        place = f"line {self.line:,}" + (f", column {self.column}" if self.column else "")
        detail = f" ({self.detail})" if self.detail else ""
        excerpt = f": {self.excerpt}" if self.excerpt else ""
        return f"{place}: {self.reason}{detail}{excerpt}"


class InvalidRows(Sequence[InvalidRow]):
    """The rows of a source that could not be used, in their order.

    Args:
        rows: iterable of `InvalidRow`. Defaults to `()`.

    Example:
    >>> rows = InvalidRows([InvalidRow(3, "no text"), InvalidRow(9, "no text")])
    >>> len(rows), rows.counts
    (2, {'no text': 2})
    """

    def __init__(self, rows: Iterable[InvalidRow] = ()) -> None:
        self._rows = tuple(rows)

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows for each reason, the most frequent reason first."""
        return dict(collections.Counter(row.reason for row in self._rows).most_common())

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows to a CSV file, all at once or not at all.

        Args:
            path: string or path, such as `"invalid_rows.csv"`.

        Returns:
            The `Path` written.
        """
        fields = [field.name for field in dataclasses.fields(InvalidRow)]
        with replace_file(Path(path)) as draft, open(draft, "w", newline="", encoding="utf-8") as f:
            writer = csv.writer(f)
            writer.writerow(fields)
            writer.writerows([getattr(row, name) for name in fields] for row in self._rows)
        return Path(path)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> InvalidRows:
        """Read a file that `to_csv` wrote.

        Args:
            path: string or path.

        Returns:
            `InvalidRows`.

        Raises:
            InvalidDataError: the file is something else.
        """
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = [{**row, "line": int(row["line"])} for row in csv.DictReader(file)]
            return cls(InvalidRow(**row) for row in rows)  # type: ignore[arg-type]
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise InvalidDataError(
                f"{path} is not a list of invalid rows that to_csv() wrote: {error}."
            ) from None

    @overload
    def __getitem__(self, item: int) -> InvalidRow: ...

    @overload
    def __getitem__(self, item: slice) -> InvalidRows: ...

    def __getitem__(self, item: int | slice) -> InvalidRow | InvalidRows:
        if isinstance(item, slice):
            return InvalidRows(self._rows[item])
        return self._rows[item]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[InvalidRow]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InvalidRows) and self._rows == other._rows

    def __hash__(self) -> int:
        return hash(self._rows)

    def __repr__(self) -> str:
        if not self._rows:
            return "InvalidRows: none"
        counts = ", ".join(f"{count:,} {reason}" for reason, count in self.counts.items())
        shown = "\n".join(f"  {row}" for row in self._rows[:_SHOWN])
        more = len(self._rows) - _SHOWN
        return f"InvalidRows: {counts}\n{shown}" + (f"\n  and {more:,} more" if more > 0 else "")


def check_tolerance(rows: Sequence[InvalidRow], num_rows: int, percent: float, source: str) -> None:
    """Raise an error if too many rows cannot be used.

    Texts that annotators left out or disagree on do not count: nothing is wrong with them.

    Args:
        rows: the rows that cannot be used.
        num_rows: int, number of all rows, including those that cannot be used.
        percent: float, share of the rows that may be unusable, in percent.
        source: string, the file, for the message.

    Raises:
        InvalidDataError: the share is larger; the message shows the first rows.
    """
    faults = InvalidRows(row for row in rows if row.reason not in BY_ANNOTATORS)
    if not faults or len(faults) <= num_rows * percent / 100:
        return
    share = 100 * len(faults) / num_rows
    raise InvalidDataError(
        f"{source}: {len(faults):,} of {num_rows:,} rows cannot be used ({share:.1f} %), more than "
        f"invalid_data_tolerance_percent={percent:g}. {_remedy(faults)}\n{faults!r}",
        InvalidRows(rows),
    )


def _remedy(rows: InvalidRows) -> str:
    # What is wrong with the labels of many rows is wrong with the column.
    remedies = {
        UNKNOWN_LABEL: "Correct them, or pass the names of all labels in labels=[...].",
        NOT_A_LABEL: "Correct them, or pass label=... if the labels are in another column.",
        NO_LABEL: 'Correct them, or pass unlabelled="keep" to keep texts without a label.',
    }
    usual = "Correct them, or raise the tolerance to read the others."
    return remedies.get(next(iter(rows.counts)), usual)


def excerpt(value: object) -> str:
    """Return the beginning of a value on one line, for lists and messages.

    Args:
        value: any object; strings are shown as they are, without characters
            that cannot be written.

    Returns:
        A string of at most 80 characters.
    """
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):
        # A number of thousands of digits, a list in a list in a list.
        text = f"a {type(value).__name__}"
    text = text[: 4 * _EXCERPT].encode("utf-8", "backslashreplace").decode("utf-8")
    return one_line(text, _EXCERPT)
