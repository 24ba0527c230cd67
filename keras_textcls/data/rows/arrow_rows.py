"""Selects and joins rows of tables that may be larger than memory, or than 2 GiB a column."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from keras_textcls.data.rows.columns import TYPES
from keras_textcls.data.rows.spool import MEMORY_LIMIT, Spool

# Maximum number of rows and of bytes that are joined at a time.
_ROWS = 16_384
_BYTES = 128 << 20


def keep_rows(table: pa.Table, keep: np.ndarray, memory_limit: int = MEMORY_LIMIT) -> pa.Table:
    """Return the rows selected by a mask, in their order.

    Args:
        table: `pyarrow.Table`.
        keep: bool array of shape `(num_rows,)`.
        memory_limit: int, maximum number of bytes in memory; a larger table is
            kept in a temporary file. Defaults to 1 GiB.

    Returns:
        A `pyarrow.Table`.
    """
    with Spool(table.schema, memory_limit) as spool:
        start = 0
        for batch in table.to_batches():
            spool.append(batch.filter(pa.array(keep[start : start + batch.num_rows])))
            start += batch.num_rows
        return spool.table()


def take_rows(table: pa.Table, rows: np.ndarray, memory_limit: int = MEMORY_LIMIT) -> pa.Table:
    """Return the rows at some positions, in the order of `rows`.

    Arrow's own `take` joins all chunks of a column first, which fails beyond 2 GiB.

    Args:
        table: `pyarrow.Table`.
        rows: int array, positions of the rows.
        memory_limit: int, as for `keep_rows`. Defaults to 1 GiB.

    Returns:
        A `pyarrow.Table`.

    Raises:
        IndexError: there is no such row.
    """
    if len(rows) and not (rows.min() >= 0 and rows.max() < table.num_rows):
        raise IndexError(f"Rows of this table are numbered 0 to {table.num_rows - 1}.")
    batches = [batch for batch in table.to_batches() if batch.num_rows]
    ends = np.cumsum([batch.num_rows for batch in batches])
    a_row = table.nbytes // max(table.num_rows, 1) + 1
    step = max(1, min(_ROWS, _BYTES // a_row))
    with Spool(table.schema, memory_limit) as spool:
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            order = np.argsort(some, kind="stable")
            owner = np.searchsorted(ends, some[order], side="right")
            parts = []
            for number in np.unique(owner):
                begin = ends[number] - batches[number].num_rows
                wanted = some[order][owner == number] - begin
                parts.append(batches[number].take(pa.array(wanted)))
            back = pa.array(np.argsort(order))
            joined = pa.Table.from_batches(parts).combine_chunks().take(back)
            for batch in joined.combine_chunks().to_batches():
                spool.append(batch)
        return spool.table()


def fill_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the columns of a schema; missing columns are filled with nulls.

    Args:
        batch: `pyarrow.RecordBatch`.
        schema: `pyarrow.Schema`.

    Returns:
        A `pyarrow.RecordBatch`.
    """
    arrays = [
        batch.column(field.name)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def with_column(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """Add a column at the end, in place of one of the same name.

    Args:
        table: `pyarrow.Table`.
        name: string.
        column: `pyarrow.Array`, a value for each row.

    Returns:
        A `pyarrow.Table`.
    """
    if name in table.schema.names:
        table = table.drop_columns([name])
    return table.append_column(name, column)


def join_tables(tables: Iterable[pa.Table]) -> pa.Table:
    """Concatenate tables of datasets, which may have different columns.

    Args:
        tables: iterable of `pyarrow.Table`.

    Returns:
        A `pyarrow.Table`.
    """
    held = list(tables)
    names = [name for name in TYPES if any(name in t.schema.names for t in held)]
    schema = pa.schema([(name, TYPES[name]) for name in names])
    batches = itertools.chain.from_iterable(t.to_batches() for t in held)
    return pa.Table.from_batches([fill_columns(batch, schema) for batch in batches], schema)
