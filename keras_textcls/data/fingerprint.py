"""The version of a dataset: a hash of its content, equal on every machine.

The hash follows the rows in their order, so that another order is another
version: it can train another model. How the rows are cut into pieces, whether
they lie in memory or in a file, and on what machine, makes no difference.
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

    Every column contributes its values, as UTF-8, and their lengths in bytes,
    -1 where there is none; lists contribute the number of their members too.
    Label names contribute in their order, which is that of a model's outputs.

    Args:
        table: `pyarrow.Table` with columns of strings or of lists of strings.
        labels: names of the labels, in their order, or `None`.
        multi_label: bool, whether a text may have any number of labels.

    Returns:
        A string of 64 hexadecimal digits (SHA-256).
    """
    hashers: dict[str, hashlib._Hash] = {}
    # An empty batch first, so that a table without rows has its columns too.
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
    """What a column of strings, or of lists of strings, is made of."""
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
        # What stands under a null is anybody's guess.
        column = column.drop_null()
        if not len(column):
            return memoryview(b"")
    offsets = np.frombuffer(column.buffers()[1], "<i4")[column.offset :][: len(column) + 1]
    data = column.buffers()[2]
    return memoryview(data)[offsets[0] : offsets[-1]] if data is not None else memoryview(b"")
