"""Decides what the numbers in a column of labels mean, once all rows have been read.

Each column has one reading: rows of a matrix of zeros and ones, or lists of labels. What a
reading cannot make sense of is an invalid row, and a column that allows two is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.cells import CellError
from keras_textcls.data.rows.columns import TYPES
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.label_cells import has_numbers, names_of, of_rules
from keras_textcls.data.rows.label_notes import (
    EITHER,
    LABELS,
    MATRIX,
    LabelNotes,
    as_flag,
    classify,
    is_unknown,
    kept_numbers,
)
from keras_textcls.data.rows.partial_labels import label_names
from keras_textcls.data.rows.row_rules import RowRules
from keras_textcls.data.rows.spool import Spool
from keras_textcls.errors import InvalidDataError
from keras_textcls.labels import sorted_names

_ROWS = 16_384


def finish_labels(
    table: pa.Table,
    notes: LabelNotes,
    lines: np.ndarray,
    column: str,
    rules: RowRules,
    name: str,
    memory_limit: int,
) -> tuple[pa.Table, np.ndarray, list[InvalidRow]]:
    """Read the labels that wait for the others.

    Args:
        table: `pyarrow.Table` of a dataset.
        notes: `LabelNotes` of its labels.
        lines: int array, the lines of the rows that wait, in order.
        column: string, name of the column of the source.
        rules: `RowRules`.
        name: string, name of the source.
        memory_limit: int, bytes of the table held in memory.

    Returns:
        A tuple of the table without the rows that cannot be used, a bool array
        of the rows kept, and those rows.

    Raises:
        InvalidDataError: the column can be read in two ways, or needs the names
            of the labels.
    """
    keep = np.ones(table.num_rows, bool)
    reading = reading_of(notes, rules, f"{name}, column {column}")
    if not len(lines) or (not notes.waits and notes.is_plain and rules.multi_label is not False):
        return table, keep, []
    finish = _Finish(reading, rules, _numbers_below(table, notes, rules))
    invalid: list[InvalidRow] = []
    done = first = 0
    with Spool(table.schema, memory_limit) as spool:
        for batch in _batches(table):
            rows, errors, waiting = finish.batch(batch)
            for row, error in errors:
                keep[first + row] = False
                text = batch.column("text")[row].as_py()
                line = int(lines[done + waiting.index(row)])
                invalid.append(
                    InvalidRow(line, error.reason, column, error.detail, excerpt(text), name)
                )
            spool.append(rows.filter(pa.array(keep[first : first + batch.num_rows])))
            done += len(waiting)
            first += batch.num_rows
        return spool.table(), keep, invalid


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    for batch in table.to_batches():
        for start in range(0, batch.num_rows, _ROWS):
            yield batch.slice(start, _ROWS)


class _Finish:
    """Reads the labels that wait, batch by batch."""

    def __init__(self, reading: str, rules: RowRules, below: str | None) -> None:
        self._reading = reading
        self._rules = rules
        self._below = below
        labels = rules.labels
        self._is_minus_one_a_label = labels is not None and (
            "-1" in labels or (rules.label_offset or 0) < 0
        )

    def batch(
        self, batch: pa.RecordBatch
    ) -> tuple[pa.RecordBatch, list[tuple[int, CellError]], list[int]]:
        """The batch with labels read, the rows that cannot be, and all that waited."""
        labels = batch.column("labels").to_pylist()
        negatives = batch.column("negatives").to_pylist()
        errors: list[tuple[int, CellError]] = []
        waiting = []
        for row, strings in enumerate(labels):
            kept = kept_numbers(strings) if negatives[row] is None else None
            if kept is None:
                continue
            waiting.append(row)
            try:
                labels[row], negatives[row] = self._labels(kept)
            except CellError as error:
                errors.append((row, error))
        columns = {"labels": labels, "negatives": negatives}
        arrays = [
            pa.array(columns[n], TYPES[n]) if n in columns else batch.column(n)
            for n in batch.schema.names
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=batch.schema), errors, waiting

    def _labels(self, kept: Any) -> tuple[list[str] | None, list[str] | None]:
        if isinstance(kept, int):
            if self._below is None:
                return of_rules([str(kept)], None, self._rules)
            if self._rules.unlabelled == "invalid":
                raise CellError(reasons.NO_LABEL, self._below)
            return None, None
        if self._reading == MATRIX:
            return of_rules(*self._row(kept), self._rules)
        if classify(kept, self._rules) == MATRIX:
            raise CellError(reasons.NOT_A_LABEL, "a row of zeros and ones among lists of labels")
        if self._rules.labels is not None and _has_another_width(kept):
            raise CellError(
                reasons.NOT_A_LABEL,
                f"a row of {len(kept)} zeros and ones for {len(self._rules.labels)} labels",
            )
        if not self._is_minus_one_a_label:
            kept = [None if number == -1 else number for number in kept]
        return of_rules(names_of(kept, self._rules), None, self._rules)

    def _row(self, kept: list[Any]) -> tuple[list[str] | None, list[str] | None]:
        names = self._rules.labels
        assert names is not None
        if not kept:
            return None, None
        flags = [None if is_unknown(n) else as_flag(n) for n in kept]
        is_row = all(as_flag(n) is not None or is_unknown(n) for n in kept)
        if len(kept) != len(names) or not is_row:
            raise CellError(
                reasons.NOT_A_LABEL,
                f"{len(kept)} numbers, not a row of zeros and ones for the {len(names)} labels",
            )
        present = [n for n, flag in zip(names, flags, strict=True) if flag == 1]
        absent = [n for n, flag in zip(names, flags, strict=True) if flag == 0]
        if not present and not absent:
            return None, None
        return present, (None if len(present) + len(absent) == len(names) else absent)


def _has_another_width(kept: list[Any]) -> bool:
    """Whether a list that is no row for the labels is one of another width: it repeats 0 or 1."""
    flags = [as_flag(number) for number in kept if not is_unknown(number)]
    return None not in flags and len(set(flags)) < len(flags)


def reading_of(notes: LabelNotes, rules: RowRules, where: str) -> str:
    """Return the one reading of the lists of numbers of a column.

    Args:
        notes: `LabelNotes` of all rows.
        rules: `RowRules`.
        where: string, the source and the column, for messages.

    Returns:
        `"matrix"` or `"labels"`.

    Raises:
        InvalidDataError: both are possible, or a matrix has no names.
    """
    matrix, labels, either = (notes.kinds[kind] for kind in (MATRIX, LABELS, EITHER))
    if rules.labels is None:
        is_matrix = matrix >= labels if matrix else _may_be_one_hot(notes, labels, either)
        if is_matrix:
            width = notes.lengths.most_common(1)[0][0]
            raise InvalidDataError(
                f"{where} holds rows of {width} zeros and ones, and does not say which label each "
                f"of them stands for. Pass labels=[...] with {width} names in the order of the "
                "numbers."
            )
        return LABELS
    if matrix or labels:
        return MATRIX if matrix >= labels else LABELS
    if not either or rules.label_offset is not None or notes.quoted == either:
        return LABELS
    if len(notes.either) > 1:
        # (0, 1) and (1, 0): lists of labels would not name both in either order.
        return MATRIX
    (numbers,) = notes.either
    raise InvalidDataError(
        f"{where} holds {list(numbers)} only, which may be a row of a 0/1 matrix or a list of "
        f"labels. Write names in place of numbers, or pass label_offset=0 if they are the numbers "
        "of the labels."
    )


def _may_be_one_hot(notes: LabelNotes, labels: int, either: int) -> bool:
    """Whether all lists are two numbers, 0 and 1."""
    return bool(either) and not labels and notes.quoted < either and set(notes.lengths) == {2}


def check_numbers(notes: LabelNotes, rules: RowRules, where: str) -> None:
    """Refuse numbers in place of labels that seem to be counted from another number than 0.

    Args:
        notes: `LabelNotes` of all rows, of several files if they belong together.
        rules: `RowRules`.
        where: string, the source, for the message.

    Raises:
        InvalidDataError: 0 does not occur, or -1 may be the first label.
    """
    if rules.labels is None or rules.label_offset is not None:
        return
    numbers = set(notes.numbers)
    if notes.in_lists and reading_of(notes, rules, where) == LABELS:
        numbers |= notes.in_lists
    counted = {n for n in numbers if n >= 0}
    last = len(rules.labels) - 1
    if not counted:
        return
    first = rules.labels[0]
    if has_numbers(rules.labels):
        # The last name is missing, and a number before the first is there: these are places.
        if rules.labels[last] not in notes.names and min(counted) <= last:
            raise InvalidDataError(
                f"{where}: {min(counted)} is no name of a label, and {rules.labels[last]!r}, the "
                "last of `labels`, does not occur. Pass label_offset=0 if the numbers are places "
                f"in `labels`, where 0 stands for {first!r}; else add {str(min(counted))!r} to "
                "`labels`."
            )
        return
    if 0 not in counted:
        raise InvalidDataError(
            f"{where}: labels are given as numbers, and 0 is not among them, the smallest is "
            f"{min(counted)}. Which number stands for {first!r}, the first of `labels`? Pass "
            "label_offset=1 if they are counted from 1, or label_offset=0 if from 0."
        )
    if -1 in numbers and last >= 1 and counted == set(range(last)):
        raise InvalidDataError(
            f"{where}: labels are the numbers -1 to {last - 1}, as many as `labels` has names. "
            f"Pass label_offset=-1 if -1 stands for {first!r}, the first of them, or "
            "label_offset=0 if -1 means that there is no label."
        )


def _numbers_below(table: pa.Table, notes: LabelNotes, rules: RowRules) -> str | None:
    """Why -1 is no label: the others are 0 to N, or there are none; `None` if it is one."""
    if not notes.waits or rules.labels is not None:
        return None
    names = {name for name in label_names(table) if name not in ("\0", "-1")}
    values = sorted_names({name.removesuffix(".0") for name in names})
    if values and (len(values) < 2 or values != [str(i) for i in range(len(values))]):
        return None
    others = f"the others are 0 to {len(values) - 1}" if values else "there is no other"
    return f"-1 means no label where {others}; if it is one, pass labels=['-1', " + (
        "'0', ...]" if values else "...]"
    )
