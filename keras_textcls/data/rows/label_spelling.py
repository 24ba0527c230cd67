"""One spelling for labels that are the same: `1.0` and `1`, `True` and `true`.

pandas writes whole numbers as `1.0` if one of the column is missing, JSON and Python spell
truth values in their own ways, and Excel writes `TRUE`. In columns of nothing but numbers, or
of nothing but truth values, each label is spelt as `read` spells a number or bool of Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data.rows.columns import TYPES
from keras_textcls.data.rows.partial_labels import rename_labels
from keras_textcls.data.rows.spool import Spool
from keras_textcls.errors import InvalidDataError, shorten
from keras_textcls.labels import sorted_names

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
_TRUTH = {"true", "false"}


def usual_spellings(names: Iterable[str]) -> dict[str, str]:
    """Return the usual spelling of each label that is spelt otherwise.

    Args:
        names: iterable of strings, all labels of a column.

    Returns:
        A dict from name to name; empty if there is nothing to do.

    Example:
    >>> usual_spellings(["1.0", "2.0", "2.5"]), usual_spellings(["1.0", "beta"])
    ({'1.0': '1', '2.0': '2'}, {})
    """
    names = list(names)
    if all(_NUMBER.fullmatch(name) for name in names):
        return {n: str(int(match[1])) for n in names if (match := _WHOLE.fullmatch(n))}
    if {name.lower() for name in names} <= _TRUTH:
        return {name: name.lower() for name in names if name != name.lower()}
    return {}


def check_parts(names: Mapping[str, Iterable[str]]) -> None:
    """Refuse parts of which one has numbers in place of the names that another has.

    Args:
        names: dict from the name of a part to the names of its labels.

    Raises:
        InvalidDataError: all labels of a part are numbers, and none of another.
    """
    numbered: dict[str, str] = {}
    named: dict[str, str] = {}
    for part, given in names.items():
        held = sorted_names(set(given))
        numbers = [name for name in held if _NUMBER.fullmatch(name)]
        if held and len(numbers) in (0, len(held)):
            (numbered if numbers else named)[part] = held[0]
    if numbered and named:
        (first, number), (second, name) = next(iter(numbered.items())), next(iter(named.items()))
        raise InvalidDataError(
            f"The labels of the part {first!r} are numbers, such as {shorten(number)}, and those "
            f"of the part {second!r} are names, such as {shorten(name)}. If the numbers stand for "
            "the names, pass labels=[...], the names in the order of their numbers."
        )


def respelt(table: pa.Table, names: Mapping[str, str], memory_limit: int) -> pa.Table:
    """Return a table with other spellings of some labels.

    Args:
        table: `pyarrow.Table` of a dataset.
        names: dict from a label to its new spelling.
        memory_limit: int, bytes of the table held in memory.

    Returns:
        A `pyarrow.Table`.
    """
    columns = [n for n in ("labels", "negatives") if n in table.schema.names]
    with Spool(table.schema, memory_limit) as spool:
        for batch in table.to_batches():
            several = pc.max(pc.list_value_length(batch.column(columns[0]))).as_py() or 0
            if several > 1:
                # A text that has a label in two spellings has it once.
                spool.append(_merged(batch, names))
                continue
            for column in columns:
                place = batch.schema.get_field_index(column)
                batch = batch.set_column(place, column, _respelt(batch.column(column), names))
            spool.append(batch)
        return spool.table()


def _respelt(column: pa.ListArray, names: Mapping[str, str]) -> pa.ListArray:
    values = column.flatten().dictionary_encode()
    spelt = [names.get(name, name) for name in values.dictionary.to_pylist()]
    renamed = pa.array(spelt, pa.string()).take(values.indices)
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    mask = pc.is_null(column) if column.null_count else None
    return pa.ListArray.from_arrays(offsets.cast(pa.int32()), renamed, mask=mask)


def _merged(batch: pa.RecordBatch, names: Mapping[str, str]) -> pa.RecordBatch:
    table = pa.Table.from_batches([batch])
    held = {n for c in ("labels", "negatives") if c in table.schema.names
            for n in pc.unique(pc.list_flatten(table.column(c))).to_pylist()}  # fmt: skip
    new = {name: names.get(name, name) for name in held}
    joined = rename_labels(table, new, multi_label=True).combine_chunks()
    return joined.cast(pa.schema([(n, TYPES[n]) for n in joined.schema.names])).to_batches()[0]
