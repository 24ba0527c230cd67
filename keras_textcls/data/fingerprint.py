"""The version of a dataset: a hash of its content, equal on every machine.

The hash depends on the order of the rows: another order is another version, since it can
train another model. The hash does not depend on how the rows are split into chunks,
whether they are in memory or in a file, or on the machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

_FORMAT = "keras-textcls dataset 1"


def fingerprint_of(table: pa.Table, labels: Sequence[str] | None, multi_label: bool) -> str:
    """Hash the rows of a dataset.

    The hash is computed from the values of every column, as UTF-8, from their lengths in
    bytes (-1 for null), from the number of members of lists, and from the label names in
    their order, which is the order of a model's outputs.

    Args:
        table: `pyarrow.Table` with columns of strings or of lists of strings.
        labels: names of the labels, in their order, or `None`.
        multi_label: bool, whether a text may have any number of labels.

    Returns:
        A string of 64 hexadecimal digits (SHA-256).
    """
    hashers: dict[str, hashlib._Hash] = {}
    # An empty batch first, so that the columns of a table without rows are hashed too.
    for batch in [pa.RecordBatch.from_pylist([], table.schema), *table.to_batches()]:
        for name in table.schema.names:
            for part, data in enumerate(_parts(batch.column(name))):
                hashers.setdefault(f"{name}/{part}", hashlib.sha256()).update(data)
    head = {
        "format": _FORMAT,
        "rows": table.num_rows,
        "labels": None if labels is None else list(labels),
        "multi_label": multi_label,
    }
    whole = json.dumps([head, {name: hashers[name].hexdigest() for name in sorted(hashers)}])
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def _parts(column: pa.Array) -> Iterator[memoryview]:
    """The lengths and the values of a column of strings, or of lists of strings."""
    if pa.types.is_list(column.type):
        yield _lengths(column)
        values = column.flatten()
        yield _lengths(values)
        yield _values(values)
    else:
        yield _lengths(column)
        yield _values(column)


def _lengths(column: pa.Array) -> memoryview:
    """Length of every value or list as little-endian int32, -1 for null."""
    if not len(column):
        return memoryview(b"")
    offsets = np.frombuffer(column.buffers()[1], "<i4")[column.offset :][: len(column) + 1]
    lengths = np.diff(offsets)
    if column.null_count:
        lengths[column.is_null().to_numpy(zero_copy_only=False)] = -1
    return np.ascontiguousarray(lengths, "<i4").data.cast("B")


def _values(column: pa.StringArray) -> memoryview:
    if not len(column):
        return memoryview(b"")
    if column.null_count:
        # The buffer of a null value is undefined.
        column = column.drop_null()
        if not len(column):
            return memoryview(b"")
    offsets = np.frombuffer(column.buffers()[1], "<i4")[column.offset :][: len(column) + 1]
    data = column.buffers()[2]
    return memoryview(data)[offsets[0] : offsets[-1]] if data is not None else memoryview(b"")
