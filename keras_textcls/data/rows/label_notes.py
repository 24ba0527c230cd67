"""What is noted of the numbers in a column of labels, until all rows have been read.

`[0, 1, 1]` may be a row of zeros and ones, one for each label, or a list of labels; 1 may be
the first label or the second; -1 may be a label or say that there is none. One cell does not
tell: all of them do. Cells that have to wait are kept in the column as they are (`keep_numbers`),
and `LabelNotes` counts what they look like.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from keras_textcls.data.rows.row_rules import RowRules

_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,18})(?:\.0*)?\s*")
# In front of a list of numbers that waits in a column of labels; no label is empty.
_LIST, _NUMBER, _QUOTED = "", "\0", "'"
_KEPT = {None: "-", True: "t", False: "f"}
_MEANT = {"-": None, "t": True, "f": False}
MATRIX, LABELS, EITHER, NEITHER, EMPTY = "matrix", "labels", "either", "neither", "empty"


def as_number(value: Any) -> int | None:
    """Return the whole number that a cell holds, `None` if it holds something else.

    Args:
        value: any object.

    Returns:
        An int or `None`.

    Example:
    >>> [as_number(value) for value in (2, 2.0, " 2.0", "02", 2.5, True, "two")]
    [2, 2, 2, 2, None, None, None]
    """
    if isinstance(value, str):
        match = _WHOLE.fullmatch(value)
        return int(match[1]) if match and value.isascii() else None
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and -(10**18) < value < 10**18 else None


def keep_numbers(numbers: Sequence[Any]) -> list[str]:
    """Return strings that stand in the column for a list of numbers that waits."""
    if not numbers:
        return []
    kept = [
        _QUOTED + n if isinstance(n, str) else _KEPT[n] if n is None or n is True or n is False
        else str(n)
        for n in numbers
    ]  # fmt: skip
    return [_LIST, *kept]


def keep_number(number: int) -> list[str]:
    """Return strings that stand in the column for a number that waits."""
    return [_NUMBER, str(number)]


def kept_numbers(strings: Sequence[str] | None) -> list[Any] | int | None:
    """Return what `keep_numbers` or `keep_number` kept; `None` for labels that do not wait."""
    if strings is None:
        return None
    if not strings:
        return []
    if strings[0] == _NUMBER:
        return int(strings[1])
    if strings[0] != _LIST:
        return None
    return [
        s[1:] if s.startswith(_QUOTED) else _MEANT[s] if s in _MEANT else int(s)
        for s in strings[1:]
    ]


def classify(numbers: Sequence[Any], rules: RowRules) -> str:
    """Return what a list of numbers may be.

    Args:
        numbers: as `as_numbers` returns them.
        rules: `RowRules`; with labels, a row of a matrix has a number for each, and
            a list of labels holds some of their numbers or names.

    Returns:
        `"matrix"`, `"labels"`, `"either"`, `"neither"` or `"empty"`.
    """
    if not numbers:
        return EMPTY
    known = [n for n in numbers if not is_unknown(n)]
    flags = all(as_flag(n) is not None for n in known)
    labels = [n for n in known if not isinstance(n, bool)]
    may_be_labels = len(labels) == len(known) == len(set(map(str, labels)))
    if rules.labels is None:
        is_row = flags and len(numbers) > 1 and len(known) > 0
        is_sure = len(known) < len(numbers) or not may_be_labels
        if flags and any(isinstance(n, bool) for n in known):
            return MATRIX
    else:
        is_row = flags and len(numbers) == len(rules.labels)
        is_sure = not may_be_labels or not all(_is_label(n, rules) for n in labels)
        may_be_labels = may_be_labels and all(_is_label(n, rules) for n in labels)
    if is_row:
        return MATRIX if is_sure else EITHER
    return LABELS if may_be_labels else NEITHER


def as_flag(number: Any) -> int | None:
    """Return 1 or 0, or `None` if a number of a list is neither."""
    value = number if isinstance(number, (bool, int)) else as_number(number)
    return int(value) if value in (0, 1) else None


def is_unknown(number: Any) -> bool:
    """Return whether a number of a list says that nothing is known: -1, or none."""
    return number is None or number == -1 or number == "-1"


def _is_label(number: Any, rules: RowRules) -> bool:
    labels = rules.labels
    if labels is None or (rules.label_offset is None and str(number).strip() in labels):
        return True
    position = (as_number(number) or 0) - (rules.label_offset or 0)
    return 0 <= position < len(labels)


@dataclasses.dataclass
class LabelNotes:
    """What is noted of the numbers in a column of labels, or in a chunk of it.

    Args:
        rows: list of ints, the rows of a chunk whose labels wait, in order.
        kinds: counts of the kinds of lists of numbers, as `classify` names them.
        lengths: counts of the lengths of those that may be rows of a matrix.
        either: counts of the short lists that may be both.
        quoted: int, how many of them hold numbers as strings.
        numbers: set of ints that stand for labels by their place.
        in_lists: the same, of lists.
        waits: bool, whether a number stands alone and waits.
        names: set of strings, the names that occur, where these are numbers too.
    """

    rows: list[int] = dataclasses.field(default_factory=list)
    kinds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    lengths: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    either: collections.Counter[tuple[int, ...]] = dataclasses.field(
        default_factory=collections.Counter
    )
    quoted: int = 0
    numbers: set[int] = dataclasses.field(default_factory=set)
    in_lists: set[int] = dataclasses.field(default_factory=set)
    waits: bool = False
    names: set[str] = dataclasses.field(default_factory=set)
    _pending: list[Any] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing but empty lists waits."""
        return not self.waits and set(self.kinds) <= {EMPTY}

    def add_number(self, number: int, rules: RowRules) -> None:
        """Note a number that is a cell."""
        if rules.labels is not None and str(number) not in rules.labels:
            self.numbers.add(_clipped(number, rules))
        elif rules.labels is None and number == -1:
            self._pending, self.waits = [], True

    def add_list(self, numbers: list[Any], rules: RowRules) -> None:
        """Note a cell that is a list of numbers."""
        self._pending = [numbers, rules]

    def end_row(self, row: int, is_valid: bool) -> None:
        """Note that a row has been read.

        Args:
            row: int.
            is_valid: bool, whether all its other cells can be used.
        """
        pending, self._pending = self._pending, None
        if pending is None or not is_valid:
            return
        self.rows.append(row)
        if pending:
            self._count(*pending)

    def _count(self, numbers: list[Any], rules: RowRules) -> None:
        kind = classify(numbers, rules)
        self.kinds[kind] += 1
        if kind in (MATRIX, EITHER):
            self.lengths[len(numbers)] += 1
        if kind == EITHER:
            self.either[tuple(as_flag(n) or 0 for n in numbers)] += 1
            self.quoted += all(isinstance(n, str) for n in numbers)
        if rules.labels is not None:
            known = (as_number(n) for n in numbers if not isinstance(n, bool))
            named = rules.labels
            self.in_lists |= {
                _clipped(n, rules) for n in known if n is not None and str(n) not in named
            }

    def add(self, other: LabelNotes) -> None:
        """Add what another column holds, without its rows."""
        self.kinds.update(other.kinds)
        self.lengths.update(other.lengths)
        self.either.update(other.either)
        self.quoted += other.quoted
        self.numbers |= other.numbers
        self.in_lists |= other.in_lists
        self.waits |= other.waits
        self.names |= other.names


def _clipped(number: int, rules: RowRules) -> int:
    """A number, or the next beyond those that labels may have: few are kept."""
    last = len(rules.labels or ()) + 1
    return max(-2, min(number, last))
