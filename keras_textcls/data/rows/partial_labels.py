"""Datasets of which some labels are unknown, and how they come together with others.

The column `negatives` says of a text which labels are known not to hold. An empty
list means that nothing but the labels of the text is known; null means that all is
known: the labels of the text hold and no others do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data.rows.arrow_rows import with_column
from keras_textcls.data.rows.columns import TYPES


def label_names(table: pa.Table) -> list[str]:
    """Names of the labels that occur, also those that never hold.

    Args:
        table: `pyarrow.Table` of a dataset.

    Returns:
        A sorted list of strings.
    """
    names: set[str] = set()
    for column in {"labels", "negatives"} & set(table.schema.names):
        names.update(pc.unique(pc.list_flatten(table.column(column))).to_pylist())
    return sorted(names)


def judged(labels: Iterable[str], negatives: Iterable[str]) -> dict[str, int]:
    """Return what is known of the labels of one text.

    Args:
        labels: names of the labels that hold.
        negatives: names of labels that are known not to hold.

    Returns:
        A dict from name to 1 or 0.
    """
    return {**dict.fromkeys(negatives, 0), **dict.fromkeys(labels, 1)}


def settle_negatives(table: pa.Table, names: Sequence[str], needs_a_no: bool) -> pa.Table:
    """Leave `negatives` out where they say no more than `labels` does.

    Args:
        table: `pyarrow.Table` of a dataset.
        names: names of all labels.
        needs_a_no: bool, whether a source that never says no means that its
            texts have no other labels.

    Returns:
        A `pyarrow.Table`.
    """
    if "negatives" not in table.schema.names:
        return table
    no = pc.list_value_length(table.column("negatives"))
    if needs_a_no and not pc.sum(pc.fill_null(no, 0)).as_py():
        return table.drop_columns(["negatives"])
    yes = pc.fill_null(pc.list_value_length(table.column("labels")), 0)
    is_known = pc.fill_null(pc.equal(pc.add(yes, no), len(names)), True)
    return table.drop_columns(["negatives"]) if pc.all(is_known).as_py() else table


def say_no(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """Say of texts of which all is known which labels do not hold.

    Needed where they come together with texts that have other labels.

    Args:
        table: `pyarrow.Table` of a dataset with labels.
        names: names of its labels.

    Returns:
        A `pyarrow.Table` with the column `negatives`.
    """
    known = list(names)
    rows = table.column("labels").to_pylist()
    given = _negatives_of(table)
    negatives = [
        no if no is not None or yes is None else [name for name in known if name not in set(yes)]
        for yes, no in zip(rows, given, strict=True)
    ]
    return with_column(table, "negatives", pa.array(negatives, TYPES["negatives"]))


def rename_labels(table: pa.Table, new: Mapping[str, str | None], multi_label: bool) -> pa.Table:
    """Give labels other names; several may get the same, `None` drops one.

    A label that several become holds if one of them does, and is known not to
    hold only if that is known of all of them.

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
        _renamed(yes, no, new, sources, multi_label)
        for yes, no in zip(rows, _negatives_of(table), strict=True)
    ]
    for column, values in zip(("labels", "negatives"), zip(*renamed, strict=True), strict=False):
        if column in table.schema.names:
            position = table.schema.names.index(column)
            table = table.set_column(position, column, pa.array(values, TYPES[column]))
    return table


def _negatives_of(table: pa.Table) -> list[list[str] | None]:
    """What is known not to hold of each text, `None` where all is known."""
    if "negatives" not in table.schema.names:
        return [None] * table.num_rows
    negatives: list[list[str] | None] = table.column("negatives").to_pylist()
    return negatives


def _renamed(
    yes: list[str] | None,
    no: list[str] | None,
    new: Mapping[str, str | None],
    sources: Mapping[str, list[str]],
    multi_label: bool,
) -> tuple[list[str] | None, list[str] | None]:
    if yes is None:
        return None, None
    targets = [target for name in yes if (target := new[name]) is not None]
    holds = list(dict.fromkeys(targets))
    if no is None:
        # Known to have none is not the same as its only label having gone.
        return (holds if holds or multi_label else None), None
    denied = set(no)
    fails = [t for t, names in sources.items() if t not in holds and denied.issuperset(names)]
    return (holds, fails) if holds or fails else (None, None)
