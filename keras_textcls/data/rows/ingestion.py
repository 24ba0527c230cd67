"""Reads a source into the table of a dataset, chunk by chunk, in constant memory."""

from __future__ import annotations

import collections
import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.arrow_rows import fill_columns, keep_rows, take_rows
from keras_textcls.data.rows.columns import TYPES, ColumnRoles
from keras_textcls.data.rows.invalid_rows import InvalidRow, InvalidRows, check_tolerance
from keras_textcls.data.rows.label_cells import has_numbers
from keras_textcls.data.rows.label_columns import check_numbers, finish_labels
from keras_textcls.data.rows.label_notes import LabelNotes
from keras_textcls.data.rows.partial_labels import label_names
from keras_textcls.data.rows.row_rules import RowRules
from keras_textcls.data.rows.source import RowChunk, Source
from keras_textcls.data.rows.spool import MEMORY_LIMIT, Spool
from keras_textcls.data.rows.vectorized_rows import assemble

_NUMBER = re.compile(r"-?[0-9]{1,18}")
# From this many invalid rows on, the tolerance is checked after each chunk.
_MOST_KEPT = 100_000


@dataclasses.dataclass(frozen=True)
class _Read:
    batch: pa.RecordBatch
    invalid: list[InvalidRow]
    num_lines: int
    # Lines of the valid rows, if they will be needed.
    lines: np.ndarray | None
    notes: LabelNotes
    # Lines of the rows whose labels wait for those of all rows.
    waiting: np.ndarray


def ingest(
    source: Source,
    roles: ColumnRoles,
    rules: RowRules,
    tolerance_percent: float,
    memory_limit: int = MEMORY_LIMIT,
    notes: LabelNotes | None = None,
) -> tuple[pa.Table, InvalidRows]:
    """Read all rows of a source into a table.

    Args:
        source: `Source`.
        roles: `ColumnRoles`, which columns hold what.
        rules: `RowRules`, what makes a row valid.
        tolerance_percent: float, share of rows that may be invalid.
        memory_limit: int, bytes of the table held in memory; larger tables are
            kept in a temporary file. Defaults to 1 GiB.
        notes: `LabelNotes`, to which is added what the labels look like; the
            caller checks the numbers among them. Defaults to `None`: they are
            checked here.

    Returns:
        A tuple of the table of a dataset and the rows that could not be used.

    Raises:
        InvalidDataError: more rows than tolerated are invalid, or numbers in place
            of labels can be read in two ways.
    """
    schema = _schema(roles)
    labels = LabelNotes()
    waiting: list[np.ndarray] = []
    invalid: list[InvalidRow] = []
    ids = _IdHashes()
    num_rows = 0
    line: int | None = None
    with Spool(schema, memory_limit) as spool:
        for read in _in_order(_jobs(source, roles, rules)):
            # The header is skipped when the first block is read.
            line = source.first_line if line is None else line
            num_rows += read.batch.num_rows + len(read.invalid)
            invalid += [_placed(row, line, source.name) for row in read.invalid]
            line += read.num_lines
            labels.add(read.notes)
            waiting.append(read.waiting + line - read.num_lines)
            if len(invalid) > _MOST_KEPT:
                _check(labels, rules, invalid, num_rows, tolerance_percent, source.name)
            if roles.id is not None:
                ids.add(read.batch.column("id"), read.lines, line - read.num_lines)
            spool.append(fill_columns(read.batch, schema))
        table = spool.table()
    if rules.labels is not None and has_numbers(rules.labels) and "labels" in table.schema.names:
        labels.names.update(label_names(table))
    if notes is None:
        check_numbers(labels, rules, source.name)
    else:
        notes.add(labels)
    lines = np.concatenate(waiting) if waiting else np.zeros(0, np.int64)
    if len(lines):
        column = str(roles.label)
        table, keep, unread = finish_labels(
            table, labels, lines, column, rules, source.name, memory_limit
        )
        ids.keep(keep)
        invalid += unread
        invalid.sort(key=lambda row: row.line)
    if roles.id is not None:
        table, repeated = _without_repeated_ids(table, ids, source.name, memory_limit)
        invalid = sorted([*invalid, *repeated], key=lambda row: row.line)
    _check(labels, rules, invalid, num_rows, tolerance_percent, source.name)
    return _without_empty_columns(table), InvalidRows(invalid)


def _check(
    labels: LabelNotes,
    rules: RowRules,
    invalid: list[InvalidRow],
    num_rows: int,
    percent: float,
    name: str,
) -> None:
    """Refuse too many invalid rows, and say first if numbers of labels are counted otherwise."""
    if len(invalid) > num_rows * percent / 100:
        check_numbers(labels, rules, name)
        check_tolerance(invalid, num_rows, percent, name)


def _jobs(source: Source, roles: ColumnRoles, rules: RowRules) -> Iterator[Callable[[], _Read]]:
    for read in source.chunks(roles.columns):
        yield lambda read=read: _read(read(), roles, rules)  # type: ignore[misc]


def _read(chunk: RowChunk, roles: ColumnRoles, rules: RowRules) -> _Read:
    notes = LabelNotes()
    batch, invalid, kept = assemble(chunk.columns, roles, rules, chunk.lines, chunk.is_utf8, notes)
    if chunk.unreadable:
        invalid = sorted([*invalid, *chunk.unreadable], key=lambda row: row.line)
    lines = None if roles.id is None else chunk.lines()[kept]
    waiting = chunk.lines()[notes.rows] if notes.rows else np.zeros(0, np.int64)
    return _Read(batch, invalid, chunk.num_lines, lines, notes, waiting)


def _in_order(jobs: Iterable[Callable[[], _Read]]) -> Iterator[_Read]:
    """Run jobs in threads, a few at a time, and yield their results in order."""
    workers = min(os.cpu_count() or 1, 8)
    waiting: collections.deque[Future[_Read]] = collections.deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="keras-textcls-read") as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _placed(row: InvalidRow, line: int, file: str) -> InvalidRow:
    return dataclasses.replace(row, line=row.line + line, file=file)


def _schema(roles: ColumnRoles) -> pa.Schema:
    present = {
        "text": True,
        "text_pair": roles.text_pair,
        "labels": roles.label,
        "negatives": roles.label,
        "split": roles.split,
        "id": roles.id,
        "metadata": roles.metadata,
    }
    return pa.schema([(name, TYPES[name]) for name in TYPES if present[name]])


class _IdHashes:
    """Sixteen bytes for each identifier, to find those that occur twice, and their lines."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._lines: list[np.ndarray] = []

    def add(self, ids: pa.StringArray, lines: np.ndarray | None, first_line: int) -> None:
        self._parts.append(_hashes(ids))
        assert lines is not None
        self._lines.append(lines + first_line)

    def keep(self, mask: np.ndarray) -> None:
        """Leave out rows."""
        if self._parts:
            self._parts = [np.concatenate(self._parts)[mask]]
            self._lines = [self.lines[mask]]

    @property
    def lines(self) -> np.ndarray:
        """The line of each row."""
        return np.concatenate(self._lines)

    def suspects(self) -> np.ndarray:
        """Rows whose hash occurs more than once, in order."""
        if not self._parts:
            return np.zeros(0, int)
        hashes = np.concatenate(self._parts)
        if (hashes[1:] > hashes[:-1]).all() or (np.diff(np.sort(hashes)) > 0).all():
            return np.zeros(0, int)
        order = np.argsort(hashes, kind="stable")
        same = hashes[order][1:] == hashes[order][:-1]
        both = np.zeros(len(hashes), bool)
        both[order[1:][same]] = True
        both[order[:-1][same]] = True
        return np.flatnonzero(both)


def _hashes(ids: pa.StringArray) -> np.ndarray:
    """Numbers that are equal for equal identifiers."""
    try:
        return np.asarray(pc.fill_null(pc.cast(ids, pa.int64()), 0))
    except pa.ArrowInvalid:
        return np.fromiter(map(_hash, ids.to_pylist()), np.int64, len(ids))


def _hash(value: str | None) -> int:
    # A number is its own hash, as in `_hashes`: another chunk may hold numbers only.
    if value is None:
        return 0
    return int(value) if _NUMBER.fullmatch(value) else hash(value)


def _without_repeated_ids(
    table: pa.Table, hashes: _IdHashes, name: str, memory_limit: int
) -> tuple[pa.Table, list[InvalidRow]]:
    suspects = hashes.suspects()
    if not len(suspects):
        return table, []
    some = take_rows(table.select(["id", "text"]), suspects)
    ids, texts = some.column("id").to_pylist(), some.column("text").to_pylist()
    seen: dict[str, int] = {}
    repeated: list[int] = []
    rows: list[InvalidRow] = []
    lines = hashes.lines
    for row, key, text in zip(suspects.tolist(), ids, texts, strict=True):
        if key is None:
            continue
        line = int(lines[row])
        if key in seen:
            detail = f"{reasons.excerpt(key)!r} is also on line {seen[key]:,}"
            repeated.append(row)
            rows.append(
                InvalidRow(line, reasons.DUPLICATE_ID, "id", detail, reasons.excerpt(text), name)
            )
        seen.setdefault(key, line)
    if not rows:
        return table, []
    keep = np.ones(table.num_rows, bool)
    keep[repeated] = False
    return keep_rows(table, keep, memory_limit), rows


def _without_empty_columns(table: pa.Table) -> pa.Table:
    """Drop optional columns without any value."""
    for name in table.schema.names:
        column = table.column(name)
        if name != "text" and column.null_count == len(column):
            table = table.drop_columns([name])
    return table
