"""Converts Arrow columns of a source into those of a dataset, all rows at once.

In the usual case (a column of texts and a column with one label for each text), only rows
that may be invalid are read one by one. All other cases are read by `row_reader`, which
gives the same results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data.rows.columns import TYPES, ColumnRoles
from keras_textcls.data.rows.invalid_rows import InvalidRow
from keras_textcls.data.rows.label_notes import LabelNotes
from keras_textcls.data.rows.row_reader import metadata_objects, read_rows
from keras_textcls.data.rows.row_rules import RowRules

# White space of ASCII, and the first bytes of characters that might be some.
_MAYBE_SPACE = np.zeros(256, bool)
_MAYBE_SPACE[[9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0xC2, 0xE1, 0xE2, 0xE3]] = True
# The last byte of a white-space character beyond ASCII may be any byte from 0x80.
_MAYBE_SPACE_END = np.zeros(256, bool)
_MAYBE_SPACE_END[[9, 10, 11, 12, 13, 28, 29, 30, 31, 32]] = True
_MAYBE_SPACE_END[0x80:] = True
# The first and the last byte of what may be a list that is written as text, or a number below 0.
_MAYBE_LIST = np.zeros(256, bool)
_MAYBE_LIST[list(b"[({asfntl-")] = True
_MAYBE_LIST_END = np.zeros(256, bool)
_MAYBE_LIST_END[list(b"])}0123456789")] = True


def assemble(
    table: pa.Table | Mapping[str, list[Any]],
    roles: ColumnRoles,
    rules: RowRules,
    lines: Callable[[], np.ndarray],
    is_utf8: bool = False,
    notes: LabelNotes | None = None,
) -> tuple[pa.RecordBatch, list[InvalidRow], np.ndarray]:
    """Convert the columns of a source into those of a dataset.

    Args:
        table: `pyarrow.Table`, or a mapping from column name to Python values,
            with the columns of `roles`.
        roles: `ColumnRoles`.
        rules: `RowRules`.
        lines: function that returns the line of each row.
        is_utf8: bool, whether strings are known to be UTF-8. Defaults to
            `False`.
        notes: `LabelNotes`, as for `read_rows`. Defaults to `None`.

    Returns:
        A tuple of a record batch of the valid rows, a list of the others, and
        the numbers of the valid rows in the table.
    """
    notes = LabelNotes() if notes is None else notes
    if isinstance(table, pa.Table):
        columns = {name: _as_array(table.column(name), is_utf8) for name in roles.columns}
        if _is_usual(columns, roles, rules):
            metadata = _metadata(columns["metadata"]) if roles.metadata else None
            if metadata is not None or not roles.metadata:
                return _assemble_usual(columns, roles, rules, lines, metadata, notes)
        values: Mapping[str, Any] = {n: c.to_pylist() for n, c in columns.items()}
    else:
        values = table
    valid, invalid, is_good = _read_exactly(values, roles, rules, lines, notes)
    arrays = [pa.array(column, TYPES[name]) for name, column in valid.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(valid)), invalid, np.flatnonzero(is_good)


def _read_exactly(
    values: Mapping[str, Any],
    roles: ColumnRoles,
    rules: RowRules,
    lines: Callable[[], np.ndarray],
    notes: LabelNotes,
) -> tuple[dict[str, list[Any]], list[InvalidRow], np.ndarray]:
    """Columns of the valid rows, the invalid ones, and which rows are valid."""
    is_good = np.ones(len(values[roles.text]), bool)
    known: list[np.ndarray] = []

    def note(row: int) -> int:
        if not known:
            known.append(lines())
        is_good[row] = False
        return int(known[0][row])

    valid, invalid = read_rows(values, roles, rules, note, notes)
    return valid, invalid, is_good


def _as_array(column: pa.ChunkedArray, is_utf8: bool = False) -> pa.Array:
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        values = _as_array(pa.chunked_array([array.dictionary]))
        array = pa.DictionaryArray.from_arrays(array.indices, values).dictionary_decode()
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string()) if array.nbytes < 1 << 31 else array
    if pa.types.is_string(array.type) and not is_utf8:
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            # Bytes of a string type that are not UTF-8.
            array = array.view(pa.binary())
    return array


def _is_usual(columns: dict[str, pa.Array], roles: ColumnRoles, rules: RowRules) -> bool:
    if roles.metadata not in ((), ("metadata",)):
        return False
    if roles.negatives or isinstance(roles.label, tuple):
        return False
    if rules.label_separator is not None:
        return False
    return all(pa.types.is_string(column.type) for column in columns.values())


def _assemble_usual(
    columns: dict[str, pa.Array],
    roles: ColumnRoles,
    rules: RowRules,
    lines: Callable[[], np.ndarray],
    metadata: pa.Array | None,
    notes: LabelNotes,
) -> tuple[pa.RecordBatch, list[InvalidRow], np.ndarray]:
    names = {"text": roles.text, "text_pair": roles.text_pair, "labels": roles.label}
    names |= {"split": roles.split, "id": roles.id}
    fields = {field: columns[str(name)] for field, name in names.items() if name is not None}
    for field in fields.keys() & {"labels", "split", "id"}:
        fields[field] = _trimmed(fields[field])
    doubtful = np.flatnonzero(_doubtful(fields, rules))
    arrays = dict(fields) if metadata is None else {**fields, "metadata": metadata}
    if "labels" in arrays:
        arrays["labels"] = _one_each(arrays["labels"])
        arrays["negatives"] = pa.nulls(len(arrays["text"]), TYPES["negatives"])
    keep = np.ones(len(arrays["text"]), bool)
    if not len(doubtful):
        return _in_order(arrays), [], np.flatnonzero(keep)
    # `row_reader` decides on these, one by one.
    some = {name: column.take(pa.array(doubtful)).to_pylist() for name, column in columns.items()}
    valid, invalid, is_good = _read_exactly(some, roles, rules, lambda: lines()[doubtful], notes)
    notes.rows = doubtful[notes.rows].tolist() if notes.rows else []
    exact_batch = pa.RecordBatch.from_arrays(
        [pa.array(values, TYPES[name]) for name, values in valid.items()], names=list(valid)
    )
    keep[doubtful[~is_good]] = False
    batch = _merge(_in_order(arrays), doubtful[is_good], exact_batch, keep)
    return batch, invalid, np.flatnonzero(keep)


def _metadata(cells: pa.StringArray) -> pa.Array | None:
    """JSON objects, each distinct cell read once; `None` if one cannot be read."""
    encoded = cells.dictionary_encode()
    objects = metadata_objects(encoded.dictionary.to_pylist())
    return None if objects is None else pa.array(objects, pa.string()).take(encoded.indices)


def _doubtful(fields: dict[str, pa.Array], rules: RowRules) -> np.ndarray:
    """Rows that may be invalid, or that must be converted and not only copied."""
    doubtful = _maybe_blank(fields["text"])
    if "text_pair" in fields:
        doubtful |= _maybe_blank(fields["text_pair"])
    if rules.max_text_length is not None:
        for name in fields.keys() & {"text", "text_pair"}:
            too_long = pc.greater(pc.utf8_length(fields[name]), rules.max_text_length)
            doubtful |= _mask(too_long)
    if "labels" in fields:
        labels = fields["labels"]
        doubtful |= _mask(pc.is_null(labels)) | _maybe_lists(labels)
        if rules.labels is not None:
            known = pc.is_in(labels, value_set=pa.array(rules.labels.names, pa.string()))
            # With label_offset, numbers are places even if they are names.
            doubtful |= ~_mask(known) if rules.label_offset is None else True
    if "split" in fields:
        usual = pc.is_in(
            fields["split"], value_set=pa.array(["train", "validation", "test"], pa.string())
        )
        doubtful |= ~_mask(usual)
    return doubtful


def _mask(array: pa.Array) -> np.ndarray:
    return np.array(array.fill_null(False).to_numpy(zero_copy_only=False))


def _maybe_blank(texts: pa.StringArray) -> np.ndarray:
    """Texts that are empty or begin with what may be white space."""
    begin, end, codes = _buffers(texts)
    empty = begin == end
    if texts.null_count:
        empty |= _mask(pc.is_null(texts))
    if not len(codes):
        return np.ones(len(texts), bool)
    return empty | _MAYBE_SPACE[codes[np.minimum(begin, len(codes) - 1)]]


def _maybe_lists(names: pa.StringArray) -> np.ndarray:
    """Names that may be lists written as text, or numbers below 0."""
    begin, end, codes = _buffers(names)
    if not len(codes):
        return np.zeros(len(names), bool)
    last = codes[np.maximum(np.minimum(end, len(codes)), 1) - 1]
    return _MAYBE_LIST[codes[np.minimum(begin, len(codes) - 1)]] & _MAYBE_LIST_END[last]


def _buffers(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The begin and end of each text in the buffer of all texts, and this buffer."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    data = texts.buffers()[2]
    codes = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return offsets[:-1], offsets[1:], codes


def _trimmed(names: pa.StringArray) -> pa.StringArray:
    """Strip surrounding white space; empty names become null."""
    begin, end, codes = _buffers(names)
    is_filled = len(codes) and not names.null_count and (begin < end).all()
    if is_filled and not (
        _MAYBE_SPACE[codes[begin]].any() or _MAYBE_SPACE_END[codes[end - 1]].any()
    ):
        return names
    trimmed = pc.utf8_trim_whitespace(names)
    empty = pc.equal(pc.binary_length(trimmed), 0)
    if not pc.any(empty).as_py():
        return trimmed
    return pc.if_else(empty, pa.scalar(None, pa.string()), trimmed)


def _one_each(names: pa.StringArray) -> pa.ListArray:
    """A list of one label for each text; null if it has none."""
    offsets = pa.array(np.arange(len(names) + 1, dtype=np.int32))
    if not names.null_count:
        return pa.ListArray.from_arrays(offsets, names)
    return pa.ListArray.from_arrays(offsets, names, mask=pc.is_null(names))


def _in_order(arrays: dict[str, pa.Array]) -> pa.RecordBatch:
    names = [name for name in TYPES if name in arrays]
    return pa.RecordBatch.from_arrays([arrays[n] for n in names], names=names)


def _merge(
    batch: pa.RecordBatch, replaced: np.ndarray, exact_batch: pa.RecordBatch, keep: np.ndarray
) -> pa.RecordBatch:
    """Insert the rows that `row_reader` has read, and drop rows that are not kept."""
    position = np.arange(batch.num_rows)
    position[replaced] = batch.num_rows + np.arange(len(replaced))
    both = pa.Table.from_batches([batch, exact_batch.select(batch.schema.names)])
    taken = both.take(pa.array(position[keep])).combine_chunks().to_batches()
    return taken[0] if taken else batch.slice(0, 0)
