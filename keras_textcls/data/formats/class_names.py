"""Names of classes that Hugging Face's `datasets` keeps beside class indices.

`datasets` writes integers for a `ClassLabel`, and its names into the metadata of the schema
(key `huggingface`) of the Parquet and Arrow files it writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_KEY = b"huggingface"
_MAX_DEPTH = 8


def names_of_schema(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the class names of each column of a schema that has some.

    Args:
        schema: `pyarrow.Schema`.

    Returns:
        A dict from column to names in the order of their indices.
    """
    try:
        described = json.loads((schema.metadata or {}).get(_KEY, b"{}"))
        return names_of_features(described["info"]["features"])
    except (ValueError, LookupError, TypeError, RecursionError):
        # Metadata of another program under the same key.
        return {}


def names_of_features(features: Any) -> dict[str, list[str]]:
    """Return the class names of each column, from features as `datasets` writes them in JSON.

    Args:
        features: mapping from column to feature.

    Returns:
        A dict from column to names; sequences of class labels are looked into.
    """
    if not isinstance(features, Mapping):
        return {}
    found = {str(column): _names(feature) for column, feature in features.items()}
    return {column: names for column, names in found.items() if names}


def _names(feature: Any, depth: int = 0) -> list[str] | None:
    if isinstance(feature, list) and len(feature) == 1:
        # How earlier versions write a sequence.
        feature = {"feature": feature[0]}
    if not isinstance(feature, Mapping) or depth > _MAX_DEPTH:
        return None
    if feature.get("_type") != "ClassLabel":
        return _names(feature.get("feature"), depth + 1)
    names = feature.get("names")
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        return None
    stripped = [name.strip() for name in names]
    return stripped if len(set(stripped)) == len(stripped) else None


def with_class_names(
    table: pa.Table | pa.RecordBatch, class_names: Mapping[str, Sequence[str]]
) -> pa.Table | pa.RecordBatch:
    """Convert class indices to names; -1, which means no label, becomes null.

    Args:
        table: `pyarrow.Table` or `pyarrow.RecordBatch`.
        class_names: mapping from column to names.

    Returns:
        An object of the same type.
    """
    for column in class_names.keys() & set(table.schema.names):
        position = table.schema.get_field_index(column)
        named = _named(table.column(column), class_names[column])
        table = table.set_column(position, column, named)
    return table


def _named(column: pa.Array | pa.ChunkedArray, names: Sequence[str]) -> Any:
    if pa.types.is_integer(column.type):
        index = column.cast(pa.int64())
        is_class = pc.and_(pc.greater_equal(index, 0), pc.less(index, len(names)))
        known = pc.if_else(is_class, index, pa.scalar(None, pa.int64()))
        return pc.take(pa.array(names, pa.string()), known)

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(member) for member in value]
        if not isinstance(value, int):
            return value
        return names[value] if 0 <= value < len(names) else None

    is_list = pa.types.is_nested(column.type)
    return pa.array([name(value) for value in column.to_pylist()]) if is_list else column
