"""Texts whose labels are known in part, and how such datasets are joined with others.

The column `negatives` lists, for each text, the labels that are known to be absent. If
the list is empty, only the labels that the text has are known. If it is null, all labels
are known: the text has those in the column `labels`, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data.rows.arrow_rows import with_column
from keras_textcls.data.rows.columns import TYPES
from keras_textcls.labels import sorted_names


def label_names(table: pa.Table) -> list[str]:
    """Return the names of the labels that occur, also of those that no text has.

    Args:
        table: `pyarrow.Table` of a dataset.

    Returns:
        A list of strings in the order of `sorted_names`.
    """
    names: set[str] = set()
    for column in {"labels", "negatives"} & set(table.schema.names):
        # Chunk by chunk: a large table is mapped from a file, and what is computed is not.
        for chunk in table.column(column).iterchunks():
            names.update(pc.unique(pc.list_flatten(chunk)).to_pylist())
    return sorted_names(names)


def judged(labels: Iterable[str], negatives: Iterable[str]) -> dict[str, int]:
    """Return the known labels of one text.

    Args:
        labels: names of the labels that the text has.
        negatives: names of the labels that are known to be absent.

    Returns:
        A dict from name to 1 or 0.
    """
    return {**dict.fromkeys(negatives, 0), **dict.fromkeys(labels, 1)}


def drop_redundant_negatives(
    table: pa.Table, names: Sequence[str], may_omit_absent: bool
) -> pa.Table:
    """Leave `negatives` out where they say no more than `labels` does.

    Args:
        table: `pyarrow.Table` of a dataset.
        names: names of all labels.
        may_omit_absent: bool, whether a source that never says no means that its
            texts have no other labels.

    Returns:
        A `pyarrow.Table`.
    """
    if "negatives" not in table.schema.names:
        return table
    absent = pc.list_value_length(table.column("negatives"))
    if may_omit_absent and not pc.sum(pc.fill_null(absent, 0)).as_py():
        return table.drop_columns(["negatives"])
    present = pc.fill_null(pc.list_value_length(table.column("labels")), 0)
    is_known = pc.fill_null(pc.equal(pc.add(present, absent), len(names)), True)
    return table.drop_columns(["negatives"]) if pc.all(is_known).as_py() else table


def with_absent_labels(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """Fill `negatives` for texts whose labels are all known.

    This is needed before such texts are joined with texts of other labels: each text
    then still says which labels are known to be absent.

    Args:
        table: `pyarrow.Table` of a dataset with labels.
        names: names of its labels.

    Returns:
        A `pyarrow.Table` with the column `negatives`.
    """
    all_names = list(names)
    rows = table.column("labels").to_pylist()
    given = _negatives_of(table)
    negatives = [
        absent
        if absent is not None or labels is None
        else [name for name in all_names if name not in set(labels)]
        for labels, absent in zip(rows, given, strict=True)
    ]
    return with_column(table, "negatives", pa.array(negatives, TYPES["negatives"]))


def rename_labels(table: pa.Table, new: Mapping[str, str | None], multi_label: bool) -> pa.Table:
    """Rename labels, merge several into one, or drop some.

    If several labels get the same new name, a text has the new label if it has one of
    them. The new label is known to be absent only if all of them are.

    Args:
        table: `pyarrow.Table` of a dataset with labels.
        new: mapping from every label to its new name, or `None`.
        multi_label: bool, whether a text may have no label.

    Returns:
        A `pyarrow.Table`.
    """
    sources: dict[str, list[str]] = {}
    for name, target in new.items():
        if target is not None:
            sources.setdefault(target, []).append(name)
    rows = table.column("labels").to_pylist()
    renamed = [
        _renamed(labels, negatives, new, sources, multi_label)
        for labels, negatives in zip(rows, _negatives_of(table), strict=True)
    ]
    for column, values in zip(("labels", "negatives"), zip(*renamed, strict=True), strict=False):
        if column in table.schema.names:
            position = table.schema.names.index(column)
            table = table.set_column(position, column, pa.array(values, TYPES[column]))
    return table


def _negatives_of(table: pa.Table) -> list[list[str] | None]:
    """The labels known to be absent from each text; `None` if all its labels are known."""
    if "negatives" not in table.schema.names:
        return [None] * table.num_rows
    negatives: list[list[str] | None] = table.column("negatives").to_pylist()
    return negatives


def _renamed(
    labels: list[str] | None,
    negatives: list[str] | None,
    new: Mapping[str, str | None],
    sources: Mapping[str, list[str]],
    multi_label: bool,
) -> tuple[list[str] | None, list[str] | None]:
    if labels is None:
        return None, None
    targets = [target for name in labels if (target := new[name]) is not None]
    present = list(dict.fromkeys(targets))
    if negatives is None:
        # A text whose only label was dropped is unlabelled, not known to have no label.
        return (present if present or multi_label else None), None
    denied = set(negatives)
    absent = [t for t, names in sources.items() if t not in present and denied.issuperset(names)]
    return (present, absent) if present or absent else (None, None)
