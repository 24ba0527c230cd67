"""The version of a dataset: a hash of its content, equal on every machine.

The hash follows the rows in their order, so that another order is another
version: it can train another model. How the rows are cut into pieces, whether
they lie in memory or in a file, and on what machine, makes no difference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

_FORMAT = "keras-textcls dataset 1"


def fingerprint_of(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], labels: Sequence[str] | None
) -> str:
    """Hash the rows of a dataset.

    Every column contributes its values, as UTF-8, and their lengths in bytes,
    -1 where there is none; lists contribute the number of their members too.
    Label names contribute in their order, which is that of a model's outputs.

    Args:
        batches: iterable of record batches, with columns of strings or of
            lists of strings.
        names: names of the columns.
        labels: names of the labels, in their order, or `None`.

    Returns:
        A string of 64 hexadecimal digits (SHA-256).
    """
    hashers: dict[tuple[str, int], hashlib._Hash] = {}
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for name in names:
            for part, data in enumerate(_parts(batch.column(name))):
                hashers.setdefault((name, part), hashlib.sha256()).update(data)
    digests = {f"{name}/{part}": h.hexdigest() for (name, part), h in hashers.items()}
    head = {"format": _FORMAT, "rows": rows, "labels": None if labels is None else list(labels)}
    whole = json.dumps([head, {name: digests[name] for name in sorted(digests)}])
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
    offsets = np.frombuffer(column.buffers()[1], "<i4")[column.offset :][: len(column) + 1]
    lengths = np.diff(offsets) if len(column) else np.zeros(0, "<i4")
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
