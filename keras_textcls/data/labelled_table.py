"""`LabelledTable`: an Arrow table of texts and their labels, with label counts and digests.

The modules that check, write, save and show datasets use this class. `TextDataset`, whose
methods call these modules, derives from it.
"""

from __future__ import annotations

import collections
import copy
import functools
import json
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data.checks.near_duplicates import text_digests
from keras_textcls.data.fingerprint import fingerprint_of
from keras_textcls.data.rows.arrow_rows import take_rows
from keras_textcls.data.rows.columns import TYPES
from keras_textcls.data.rows.invalid_rows import InvalidRows
from keras_textcls.data.rows.partial_labels import judged, label_names
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.labels import LabelSet

_CHUNK = 16_384


class Example(NamedTuple):
    """One text of a dataset.

    Args:
        text: string.
        label: a name, or for multi-label a list of names; `None` if no label is
            known.
        text_pair: string or `None`, the second text.
        negatives: list of the labels that are known to be absent, or `None`.
        split: string or `None`.
        id: string or `None`.
        metadata: dict.
    """

    text: str
    label: str | list[str] | None = None
    text_pair: str | None = None
    negatives: list[str] | None = None
    split: str | None = None
    id: str | None = None
    metadata: Mapping[str, Any] = {}


class LabelledTable:
    """An immutable table of texts and their labels. All arguments are those of `TextDataset`.

    Args:
        table: `pyarrow.Table`.
        labels: names of the labels in their order, or `None`. Defaults to `None`.
        multi_label: bool or `None`. Defaults to `None`.
        invalid_rows: `InvalidRows`. Defaults to none.
        details: mapping of strings. Defaults to `None`, nothing.

    Raises:
        InvalidDataError: the table has other columns, or no column of texts.
        UnknownLabelError: a label occurs that is not among `labels`.
    """

    def __init__(
        self,
        table: pa.Table,
        labels: Iterable[str] | None = None,
        multi_label: bool | None = None,
        invalid_rows: InvalidRows = InvalidRows(),  # noqa: B008 - it cannot be changed
        details: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(table, pa.Table):
            raise ArgumentError(
                f"`table` must be a pyarrow.Table. Received {shorten(table)}. Use "
                "keras_textcls.read() for anything else."
            )
        unknown = [name for name in table.schema.names if name not in TYPES]
        if unknown or "text" not in table.schema.names:
            raise InvalidDataError(
                "A table of a TextDataset has at least the column `text`, and no others than "
                f"{', '.join(TYPES)}. Received {table.schema.names}. Use keras_textcls.read(table, "
                "text=..., label=...) for other names."
            )
        names = [name for name in TYPES if name in table.schema.names]
        schema = pa.schema([(name, TYPES[name]) for name in names])
        self._table = table.select(names).cast(schema)
        if self._table.column("text").null_count:
            raise InvalidDataError("The column `text` holds nulls; every row needs a text.")
        self._invalid_rows = invalid_rows
        self._details = types.MappingProxyType(dict(details or {}))
        names_in_use = label_names(self._table)
        self._labels = None
        if labels is not None or names_in_use:
            self._labels = LabelSet(names_in_use if labels is None else labels)
            strangers = [name for name in names_in_use if name not in self._labels]
            if strangers:
                self._labels.index(strangers[0])
        is_multi_label = _is_multi_label(self._table)
        self._multi_label = is_multi_label if multi_label is None else multi_label
        if is_multi_label and not self._multi_label:
            raise InvalidDataError(
                "Some texts have several labels or none, so multi_label=False does not hold."
            )

    # === Contents ===

    @property
    def labels(self) -> LabelSet | None:
        """Names of the labels, a `LabelSet`; `None` if no text has a label."""
        return self._labels

    @property
    def multi_label(self) -> bool:
        """Whether a text may have any number of labels."""
        return self._multi_label

    @property
    def invalid_rows(self) -> InvalidRows:
        """The rows of the source that could not be used, `InvalidRows`."""
        return self._invalid_rows

    @property
    def details(self) -> Mapping[str, str]:
        """Detected properties of the source, such as its encoding: a mapping of strings."""
        return self._details

    @property
    def texts(self) -> list[str]:
        """All texts, as a list of strings."""
        return self._table.column("text").to_pylist()

    @property
    def text_pairs(self) -> list[str] | None:
        """All second texts, or `None`."""
        return self.column("text_pair")

    @property
    def targets(self) -> list[Any] | None:
        """Labels of each text, as `fit` takes them, or `None`.

        A name for each text. For multi-label a list of names for each text, or a
        dict from name to 1 or 0 if only some of the labels are known.
        """
        if not self.has_column("labels"):
            return None
        return _targets_of(self._table, self._multi_label)

    @property
    def ids(self) -> list[str | None] | None:
        """All identifiers, or `None`."""
        return self.column("id")

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """A list with a dict for each text; the dict is empty if there is no metadata."""
        column = self.column("metadata")
        if column is None:
            return [{} for _ in range(len(self))]
        return [json.loads(value) if value else {} for value in column]

    @property
    def table(self) -> pa.Table:
        """The rows, a `pyarrow.Table`."""
        return self._table

    @functools.cached_property
    def fingerprint(self) -> str:
        """The version of the dataset: SHA-256 of the content, equal on every machine.

        The same rows in another order are another version.
        """
        return fingerprint_of(self._table, self._labels, self._multi_label)

    def __len__(self) -> int:
        return self._table.num_rows

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        position = int(index) + (len(self) if index < 0 else 0)
        if not 0 <= position < len(self):
            raise IndexError(f"Row {index} of a dataset of {len(self)} texts.")
        return next(self._examples(self._table.slice(position, 1)))

    def __iter__(self) -> Iterator[Example]:
        for start in range(0, len(self), _CHUNK):
            yield from self._examples(self._table.slice(start, _CHUNK))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelledTable) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = copy.copy(self)
        memo[id(self)] = made
        # Nothing can change the rows, so both have the same; they may fill the disk.
        own = {n: v for n, v in vars(self).items() if n not in ("_table", "_details")}
        vars(made).update(copy.deepcopy(own, memo))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow's own pickle of a part of a table holds the whole table.
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._table.schema) as writer:
            writer.write_table(self._table)
        state = {**vars(self), "_table": sink.getvalue(), "_details": dict(self._details)}
        return _unpickled, (type(self), state)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the rows to any library that reads Arrow, such as polars."""
        return self._table.__arrow_c_stream__(requested_schema)

    def chunks(self, rows: int = _CHUNK) -> Iterator[tuple[tuple[list[str], ...], Any]]:
        """Yield texts and targets in chunks.

        Args:
            rows: int, maximum number of texts in a chunk. Defaults to 16,384.

        Returns:
            An iterator of tuples of the columns of texts (two for pairs) and
            the targets, or `None` where the dataset has no labels.
        """
        for start in range(0, len(self), rows):
            part = self._table.slice(start, rows)
            columns = [part.column("text").to_pylist()]
            if "text_pair" in part.schema.names:
                columns.append(part.column("text_pair").to_pylist())
            labelled = "labels" in part.schema.names
            yield tuple(columns), _targets_of(part, self._multi_label) if labelled else None

    def take(self, indices: Any) -> Self:
        """Return the rows at some positions, in the order of `indices`.

        Args:
            indices: int array or list, positions of the rows.

        Returns:
            A dataset with the same labels.
        """
        rows = np.asarray(indices)
        if rows.dtype.kind not in "iu" and rows.size:
            raise ArgumentError(
                f"`indices` must be numbers of rows. Received: indices={shorten(indices)}."
            )
        return self.with_table(take_rows(self._table, rows.astype(np.int64).reshape(-1)))

    # === For the modules that check, write and show datasets ===

    @property
    def _kind(self) -> Any:
        """The class of the tables that are made from this one."""
        return LabelledTable

    def with_table(self, table: pa.Table, labels: Iterable[str] | None = ()) -> Self:
        """Return another table of rows of this dataset.

        Args:
            table: `pyarrow.Table`, the rows.
            labels: names of the labels, or `None` for those that occur. Defaults
                to those of this dataset.

        Returns:
            An object of this kind; its other arguments are those of this one.
        """
        return self._kind(
            table,
            labels=self._labels if labels == () else labels,
            multi_label=self._multi_label,
            invalid_rows=self.invalid_rows,
            details=self.details,
        )

    def has_column(self, name: str) -> bool:
        """Return whether there is a column with a name, such as `"negatives"`."""
        return name in self._table.schema.names

    def column(self, name: str) -> list[Any] | None:
        """Return the values of a column as a list, or `None` if there is no such column."""
        return self._table.column(name).to_pylist() if self.has_column(name) else None

    def split_masks(self) -> dict[str, np.ndarray]:
        """Return a dict from each part that the source names to a bool array of its rows."""
        if not self.has_column("split"):
            return {}
        column = self._table.column("split")
        names = [name for name in pc.unique(column).to_pylist() if name]
        return {n: pc.fill_null(pc.equal(column, n), False).to_numpy() for n in names}

    def label_lists(self) -> list[list[str]]:
        """Return the labels of each text; an empty list if none are known."""
        return [row or [] for row in self.column("labels") or [None] * len(self)]

    def label_counts(self, column: str = "labels") -> dict[str, int]:
        """Count the texts of each label that occurs in a column.

        Args:
            column: `"labels"`, or `"negatives"` for labels known to be absent.
                Defaults to `"labels"`.

        Returns:
            A dict from name to int.
        """
        if not self.has_column(column):
            return {}
        total: collections.Counter[str] = collections.Counter()
        for chunk in self._table.column(column).iterchunks():
            for item in pc.value_counts(pc.list_flatten(chunk)).to_pylist():
                total[item["values"]] += item["counts"]
        return dict(total)

    def count_without_labels(self) -> tuple[int, int]:
        """Count the texts whose labels are unknown, and those that are known to have none."""
        if not self.has_column("labels"):
            return len(self), 0
        column = self._table.column("labels")
        empty = pc.equal(pc.list_value_length(column), 0)
        if self.has_column("negatives"):
            empty = pc.and_(empty, pc.is_null(self._table.column("negatives")))
        return column.null_count, pc.sum(empty).as_py() or 0

    def count_empty_of_single(self) -> int:
        """Count the texts that are known to have no label, if no other has several; else 0.

        Such data are multi-label for these texts alone, and perhaps nobody has labelled them.
        """
        _, empty = self.count_without_labels()
        if not empty or not self.multi_label:
            return 0
        longest = pc.max(pc.list_value_length(self._table.column("labels"))).as_py()
        return empty if longest == 1 else 0

    def digests(self) -> np.ndarray:
        """Return a row of numbers for each text; case and white space make no difference."""
        first = text_digests(self.texts)
        pairs = self.text_pairs
        return first if pairs is None else np.concatenate([first, text_digests(pairs)], axis=1)

    def _examples(self, part: pa.Table) -> Iterator[Example]:
        for row in part.to_pylist():
            metadata = json.loads(row["metadata"]) if row.get("metadata") else {}
            labels = row.pop("labels", None)
            label = labels if self._multi_label or not labels else labels[0]
            yield Example(**{**row, "label": label, "metadata": metadata})


def _unpickled(kind: type[LabelledTable], state: dict[str, Any]) -> LabelledTable:
    """Make a table of what `LabelledTable.__reduce__` gave; its rows were checked before."""
    made = object.__new__(kind)
    table = pa.ipc.open_stream(state["_table"]).read_all()
    details = types.MappingProxyType(state["_details"])
    vars(made).update({**state, "_table": table, "_details": details})
    return made


def _is_multi_label(table: pa.Table) -> bool:
    if "labels" not in table.schema.names:
        return False
    if "negatives" in table.schema.names:
        return True
    # Chunk by chunk: a large table is mapped from a file, and what is computed is not.
    return any(
        bool(pc.any(pc.not_equal(pc.list_value_length(chunk), 1)).as_py())
        for chunk in table.column("labels").iterchunks()
    )


def _targets_of(table: pa.Table, multi_label: bool) -> list[Any]:
    rows = table.column("labels").to_pylist()
    if not multi_label:
        return [row[0] if row else None for row in rows]
    if "negatives" not in table.schema.names:
        return rows
    negatives = table.column("negatives").to_pylist()
    return [
        row if row is None or no is None else judged(row, no)
        for row, no in zip(rows, negatives, strict=True)
    ]
