"""`TextDataset`: an immutable table of texts and their labels, with a version.

The rows lie in Arrow, in memory or in a mapped file. What reads files is in
`reading`, what writes them in `writing`; splits, statistics and checks have
modules of their own, which this class opens the door to.
"""

from __future__ import annotations

import functools
import json
import os
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_textcls.data import display
from keras_textcls.data.checks.near_duplicates import text_digests
from keras_textcls.data.fingerprint import fingerprint_of
from keras_textcls.data.rows.arrow_rows import join_tables, keep_rows, take_rows
from keras_textcls.data.rows.columns import TYPES
from keras_textcls.data.rows.invalid_rows import InvalidRows
from keras_textcls.data.rows.partial_labels import label_names, rename_labels, say_no
from keras_textcls.data.splitting import check_seed, check_shares, check_stratifiable
from keras_textcls.data.statistics import DatasetStatistics, LengthStatistics, token_lengths
from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError, shorten
from keras_textcls.inputs.stratification import assign_parts
from keras_textcls.labels import LabelSet

if TYPE_CHECKING:
    import pandas

    from keras_textcls.data.checks.findings import CheckReport

_CHUNK = 16_384


class Example(NamedTuple):
    """One text of a dataset.

    Args:
        text: string.
        label: a name, or for multi-label a list of names; `None` where no label
            is known.
        text_pair: string or `None`, the second text.
        negatives: list of names known not to hold, or `None`.
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


class Splits(NamedTuple):
    """The parts of a dataset; one that was not asked for is `None`.

    Args:
        train: `TextDataset` or `None`.
        validation: `TextDataset` or `None`.
        test: `TextDataset` or `None`.
    """

    train: Any
    validation: Any
    test: Any


class TextDataset:
    """An immutable table of texts and their labels.

    `keras_textcls.read` makes one from a file or an object. `fit`, `predict`
    and `evaluate` take it as it is.

    Args:
        table: `pyarrow.Table` with the column `text` and any of `text_pair`,
            `labels`, `negatives`, `split`, `id` and `metadata`.
        labels: names of the labels in their order, or `None`. Defaults to
            `None`, the names that occur, sorted.
        multi_label: bool or `None`, whether a text may have any number of
            labels. Defaults to `None`, whether any has none, several, or labels
            known not to hold.
        invalid_rows: `InvalidRows`, what could not be read. Defaults to none.
        details: mapping of strings, what was found out about the source.
            Defaults to `None`, nothing.

    Raises:
        InvalidDataError: the table has other columns, or none for texts.
        UnknownLabelError: a label occurs that is not among `labels`.

    Example:
    >>> from keras_textcls import read
    >>> dataset = read([("free money", "spam"), ("see you at six", "ham")])
    >>> len(dataset), dataset.labels
    (2, LabelSet(['ham', 'spam']))
    >>> dataset[1].text
    'see you at six'
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
                f"A table of a TextDataset has the columns {', '.join(TYPES)}, `text` at the least."
                f" Received {table.schema.names}. Use keras_textcls.read(table, text=..., label="
                "...) for other names."
            )
        names = [name for name in TYPES if name in table.schema.names]
        schema = pa.schema([(name, TYPES[name]) for name in names])
        self._table = table.select(names).cast(schema)
        if self._table.column("text").null_count:
            raise InvalidDataError("The column `text` holds nulls; every row needs a text.")
        self._invalid_rows = invalid_rows
        self._details = types.MappingProxyType(dict(details or {}))
        found = label_names(self._table)
        self._labels = None
        if labels is not None or found:
            self._labels = LabelSet(found if labels is None else labels)
            strangers = [name for name in found if name not in self._labels]
            if strangers:
                self._labels.index(strangers[0])
        is_multi_label = _is_multi_label(self._table)
        self._multi_label = is_multi_label if multi_label is None else multi_label
        if is_multi_label and not self._multi_label:
            raise InvalidDataError(
                "Some texts have several labels or none, so multi_label=False does not hold."
            )

    # === What it holds ===

    @property
    def labels(self) -> LabelSet | None:
        """Names of the labels, a `LabelSet`; `None` where no text has one."""
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
        """What was found out about the source, such as its encoding."""
        return self._details

    @property
    def texts(self) -> list[str]:
        """All texts, as a list of strings."""
        return self._table.column("text").to_pylist()

    @property
    def text_pairs(self) -> list[str] | None:
        """All second texts, or `None`."""
        return self._column("text_pair")

    @property
    def targets(self) -> list[Any] | None:
        """Labels of each text, as `fit` takes them, or `None`.

        A name each; for multi-label a list of names each, or a dict from name
        to 1 or 0 where it is known of some labels only whether they hold.
        """
        if "labels" not in self._table.schema.names:
            return None
        return _targets_of(self._table, self._multi_label)

    @property
    def splits(self) -> dict[str, TextDataset]:
        """The parts that the source named, by name; empty if it named none."""
        return {name: self._where(self._split_is(name)) for name in self._split_names()}

    @property
    def ids(self) -> list[str | None] | None:
        """All identifiers, or `None`."""
        return self._column("id")

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """A dict for each text, empty where nothing is known."""
        column = self._column("metadata")
        if column is None:
            return [{} for _ in range(len(self))]
        return [json.loads(value) if value else {} for value in column]

    @property
    def table(self) -> pa.Table:
        """The rows, a `pyarrow.Table`."""
        return self._table

    @functools.cached_property
    def fingerprint(self) -> str:
        """The version: SHA-256 of the content, equal on every machine.

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
        return isinstance(other, TextDataset) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return display.as_text(self)

    def _repr_html_(self) -> str:
        return display.as_html(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows to any library that takes Arrow, such as polars."""
        return self._table.__arrow_c_stream__(requested_schema)

    def chunks(self, rows: int = _CHUNK) -> Iterator[tuple[tuple[list[str], ...], Any]]:
        """Yield texts and targets in pieces.

        Args:
            rows: int, most texts in a piece. Defaults to 16,384.

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

    def stats(self, preset: Any = None) -> DatasetStatistics:
        """Sum up the dataset in numbers.

        Args:
            preset: string, path or classifier whose tokens are counted, or
                `None`. Defaults to `None`, no tokens.

        Returns:
            `DatasetStatistics`.
        """
        tokens = sequence_length = truncated = None
        if preset is not None:
            lengths, sequence_length = token_lengths(preset, (texts for texts, _ in self.chunks()))
            tokens = LengthStatistics.of(lengths)
            truncated = float((lengths > sequence_length).mean()) if len(lengths) else float("nan")
        names = self._labels or ()
        labels, negatives = (self._label_counts(column) for column in ("labels", "negatives"))
        unlabelled, without = self._count_without_labels()
        labelled = len(self) - unlabelled
        characters = pc.utf8_length(self._table.column("text")).to_numpy()
        return DatasetStatistics(
            rows=len(self),
            labels={name: labels.get(name, 0) for name in names},
            unlabelled=unlabelled,
            without_label=without,
            labels_per_text=sum(labels.values()) / labelled if labelled else float("nan"),
            negatives={name: negatives[name] for name in names if name in negatives},
            splits={name: int(self._split_is(name).sum()) for name in self._split_names()},
            characters=LengthStatistics.of(characters),
            tokens=tokens,
            sequence_length=sequence_length,
            truncated=truncated,
            invalid=self.invalid_rows.counts,
            fingerprint=self.fingerprint,
        )

    def check(self, against: TextDataset | None = None, preset: Any = None) -> CheckReport:
        """Look for what makes training or evaluation go wrong.

        Args:
            against: another `TextDataset`, such as the test set, with which
                this one must share no text. Defaults to `None`.
            preset: as for `stats`. Defaults to `None`.

        Returns:
            A `CheckReport`: what was found, how often, examples, what to do.
        """
        from keras_textcls.data.checks.checks import check_dataset

        return check_dataset(self, against, preset)

    # === Other datasets from it ===

    def take(self, indices: Any) -> TextDataset:
        """Return some rows, in the order of `indices`.

        Args:
            indices: int array or list.

        Returns:
            A `TextDataset` with the same labels.
        """
        rows = np.asarray(indices)
        if rows.dtype.kind not in "iu" and rows.size:
            raise ArgumentError(
                f"`indices` must be numbers of rows. Received: indices={shorten(indices)}."
            )
        return self._with(take_rows(self._table, rows.astype(np.int64).reshape(-1)))

    def filter(self, condition: Callable[[Example], bool]) -> TextDataset:
        """Keep the rows for which a condition holds.

        Args:
            condition: function from `Example` to bool.

        Returns:
            A `TextDataset`; labels that no longer occur are left out.
        """
        kept = np.fromiter((bool(condition(row)) for row in self), bool, len(self))
        table = keep_rows(self._table, kept)
        remaining = set(label_names(table))
        labels = [name for name in self._labels or () if name in remaining]
        return self._with(table, labels=labels or None)

    def sample(self, count: int, seed: int = 0) -> TextDataset:
        """Return some rows chosen at random, in their order.

        Args:
            count: int, how many; all rows if there are fewer.
            seed: int, from which the choice follows. Defaults to `0`.

        Returns:
            A `TextDataset` with the same labels.
        """
        if not isinstance(count, (int, np.integer)) or count < 1:
            raise ArgumentError(
                f"`count` must be a positive number of texts. Received: count={shorten(count)}."
            )
        rng = np.random.default_rng(check_seed(seed))
        chosen = rng.choice(len(self), min(int(count), len(self)), replace=False)
        return self.take(np.sort(chosen))

    def without_duplicates(self) -> TextDataset:
        """Keep the first of the texts that are the same but for case and space.

        Returns:
            A `TextDataset`; where labels differ, those of the first text stay.
        """
        _, first = np.unique(self._digests(), axis=0, return_index=True)
        return self.take(np.sort(first))

    def shared_with(self, other: TextDataset) -> np.ndarray:
        """Find the texts that another dataset has too, but for case and space.

        Args:
            other: `TextDataset`.

        Returns:
            Int array, rows of this dataset, in order.

        Example:
        >>> from keras_textcls import read
        >>> train = read([("free money", "spam"), ("see you", "ham")])
        >>> test = read([("Free  money", "spam"), ("at six", "ham")])
        >>> test.shared_with(train).tolist()
        [0]
        """
        if not isinstance(other, TextDataset):
            raise ArgumentError(f"`other` must be a TextDataset. Received: other={shorten(other)}.")
        theirs = {row.tobytes() for row in other._digests()}
        return np.flatnonzero([row.tobytes() in theirs for row in self._digests()])

    def relabel(self, names: Mapping[str, str | None]) -> TextDataset:
        """Rename labels, merge some into one, or drop some.

        Args:
            names: dict from a label to its new name, the same for several to
                merge them, `None` to take the label from its texts.

        Returns:
            A `TextDataset`. A text that is left without any label is unlabelled.

        Raises:
            UnknownLabelError: a label of `names` does not occur.
        """
        known = self._labels
        if known is None or "labels" not in self._table.schema.names:
            raise UnknownLabelError("The dataset has no labels to rename.")
        if not isinstance(names, Mapping):
            raise ArgumentError(
                "`names` must be a dict from a label to its new name. Received: "
                f"names={shorten(names)}."
            )
        for name in names:
            known.index(name)
        new = {name: _new_name(names.get(name, name)) for name in known}
        table = rename_labels(self._table, new, self._multi_label)
        ordered = [n for n in dict.fromkeys(new.values()) if n is not None]
        return self._with(table, labels=ordered or None)

    def concat(self, *others: TextDataset) -> TextDataset:
        """Put other datasets after this one.

        Args:
            *others: `TextDataset`s.

        Returns:
            A `TextDataset` with the labels of all, this one's first.
        """
        everything = (self, *others)
        for other in others:
            if not isinstance(other, TextDataset):
                raise ArgumentError(f"Only datasets are put together. Received {shorten(other)}.")
        labels = dict.fromkeys(name for d in everything for name in d.labels or ())
        invalid = InvalidRows(row for d in everything for row in d.invalid_rows)
        return TextDataset(
            join_datasets(everything),
            labels=list(labels) or None,
            multi_label=any(d.multi_label for d in everything),
            invalid_rows=invalid,
        )

    def split(
        self,
        train: float = 0.8,
        validation: float = 0.1,
        test: float = 0.1,
        *,
        stratify: bool = True,
        seed: int = 0,
    ) -> Splits:
        """Cut into parts for training, validation and test.

        Every part has the label mix of the whole, and texts that are the same
        but for case and space are all in one part.

        Args:
            train: float, share of the texts. Defaults to `0.8`.
            validation: float. Defaults to `0.1`.
            test: float. Defaults to `0.1`.
            stratify: bool, whether every part has the label mix of the whole.
                Defaults to `True`.
            seed: int, from which the choice follows. Defaults to `0`.

        Returns:
            `Splits`, a named tuple `(train, validation, test)`; a part with the
            share 0 is `None`.

        Raises:
            ArgumentError: the shares do not sum up to 1.
            InvalidDataError: a label has a single text.
        """
        shares = check_shares(train=train, validation=validation, test=test)
        labels = self._label_lists()
        if stratify:
            check_stratifiable(labels)
        groups = np.unique(self._digests(), axis=0, return_inverse=True)[1].reshape(-1)
        parts = assign_parts(labels, groups, list(shares.values()), check_seed(seed), stratify)
        found = {}
        for i, name in enumerate(shares):
            table = keep_rows(self._table, parts == i)
            column = pa.array([name] * table.num_rows, pa.string())
            found[name] = self._with(join_tables([_with_column(table, "split", column)]))
        return Splits(*(found.get(name) for name in Splits._fields))

    def folds(self, count: int = 5, *, seed: int = 0) -> np.ndarray:
        """Deal the texts out to folds for cross-validation.

        Every fold has the label mix of the whole, of several labels a text too
        (iterative stratification, [Sechidis et al., 2011](
        https://doi.org/10.1007/978-3-642-23808-6_10)), and texts that are the
        same but for case and space are all in one fold.

        Args:
            count: int, how many folds. Defaults to `5`.
            seed: int, from which the choice follows. Defaults to `0`.

        Returns:
            An int array of shape `(num_texts,)` in `[0, count)`.

        Raises:
            ArgumentError: `count` is no integer from 2 on.
            InvalidDataError: there are fewer texts than folds, or a label has a
                single text.

        Example:
        >>> from keras_textcls import read
        >>> rows = [("one", "a"), ("two", "a"), ("three", "b"), ("four", "b")]
        >>> sorted(read(rows).folds(2).tolist())
        [0, 0, 1, 1]
        """
        is_int = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
        if not is_int or count < 2:
            raise ArgumentError(
                f"`folds` must be an integer from 2 on. Received: folds={shorten(count)}."
            )
        if len(self) < count:
            raise InvalidDataError(
                f"{len(self)} texts cannot be dealt out to {count} folds. Pass fewer folds."
            )
        labels = self._label_lists()
        check_stratifiable(labels)
        groups = np.unique(self._digests(), axis=0, return_inverse=True)[1].reshape(-1)
        return assign_parts(labels, groups, [1 / count] * count, check_seed(seed), True)

    # === Out of it ===

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Save into a directory, all at once or not at all.

        Args:
            directory: string or path; what stood there is replaced.
        """
        from keras_textcls.data.storage import save_dataset

        save_dataset(self, Path(directory))

    @classmethod
    def load(cls, directory: str | os.PathLike[str], verify: bool = True) -> TextDataset:
        """Load what `save` wrote; large tables stay in the file.

        Args:
            directory: string or path.
            verify: bool, whether to compare the content with its fingerprint,
                which reads all of it. Defaults to `True`.

        Returns:
            A `TextDataset`.

        Raises:
            InvalidDataError: it is no saved dataset, or was changed.
        """
        from keras_textcls.data.storage import load_dataset

        return load_dataset(Path(directory), verify)

    def write(
        self,
        path: str | os.PathLike[str],
        form: str = "auto",
        instruction: str | None = None,
    ) -> Path:
        """Write a file that other programs read, all at once or not at all.

        Args:
            path: string or path.
            form: one of `"csv"`, `"tsv"`, `"jsonl"`, `"parquet"`, `"portal"`,
                `"sdk"` and `"instruction"`. Defaults to `"auto"`, by the suffix
                of the path.
            instruction: string, what stands before every text in the
                instruction form; `{labels}` in it becomes the labels in braces.
                Defaults to `None`, the instruction in the metadata of a text,
                or `"Read the text and choose an answer from {labels}"`.

        Returns:
            The `Path` written.

        Raises:
            ArgumentError: the form has no place for something in the dataset;
                the message says which row and what to do.
        """
        from keras_textcls.data.writing import write_dataset

        return write_dataset(self, Path(path), form, instruction)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a pandas data frame; labels are strings unless multi-label."""
        from keras_textcls.data.writing import plain_table

        return plain_table(self).to_pandas()

    def to_tf_dataset(self, batch_size: int = 32) -> Any:
        """Return a `tf.data.Dataset` of `(texts, targets)` batches, or of texts.

        Args:
            batch_size: int, texts a batch. Defaults to `32`.

        Returns:
            A `tf.data.Dataset`; targets are class indices of shape `(batch,)`,
            or for multi-label of shape `(batch, num_classes)`, 1 for labels
            that hold, 0 for those that do not, -1 where it is not known.
        """
        from keras_textcls.data.writing import to_tf_dataset

        return to_tf_dataset(self, batch_size)

    # === Inside ===

    def _with(self, table: pa.Table, labels: Iterable[str] | None = ()) -> TextDataset:
        same = labels == ()
        return TextDataset(
            table,
            labels=self._labels if same else labels,
            multi_label=self._multi_label,
            invalid_rows=self.invalid_rows,
            details=self.details,
        )

    def _where(self, mask: np.ndarray) -> TextDataset:
        return self._with(keep_rows(self._table, mask))

    def _column(self, name: str) -> list[Any] | None:
        return self._table.column(name).to_pylist() if name in self._table.schema.names else None

    def _split_names(self) -> list[str]:
        if "split" not in self._table.schema.names:
            return []
        return [name for name in pc.unique(self._table.column("split")).to_pylist() if name]

    def _split_is(self, name: str) -> np.ndarray:
        mask = pc.fill_null(pc.equal(self._table.column("split"), name), False)
        return np.asarray(mask.to_numpy())

    def _label_lists(self) -> list[list[str]]:
        column = self._column("labels")
        return [[] for _ in range(len(self))] if column is None else [row or [] for row in column]

    def _label_counts(self, column: str) -> dict[str, int]:
        if column not in self._table.schema.names:
            return {}
        counts = pc.value_counts(pc.list_flatten(self._table.column(column)))
        return {item["values"]: item["counts"] for item in counts.to_pylist()}

    def _count_without_labels(self) -> tuple[int, int]:
        """Texts of which no label is known, and texts known to have none."""
        if "labels" not in self._table.schema.names:
            return len(self), 0
        column = self._table.column("labels")
        empty = pc.equal(pc.list_value_length(column), 0)
        if "negatives" in self._table.schema.names:
            empty = pc.and_(empty, pc.is_null(self._table.column("negatives")))
        return column.null_count, pc.sum(empty).as_py() or 0

    def _digests(self) -> np.ndarray:
        """Equal for rows whose texts are the same but for case and space."""
        pairs = self.text_pairs
        first = text_digests(self.texts)
        return first if pairs is None else np.concatenate([first, text_digests(pairs)], axis=1)

    def _examples(self, part: pa.Table) -> Iterator[Example]:
        for row in part.to_pylist():
            metadata = json.loads(row["metadata"]) if row.get("metadata") else {}
            labels = row.pop("labels", None)
            label = labels if self._multi_label or not labels else labels[0]
            yield Example(**{**row, "label": label, "metadata": metadata})


def join_datasets(datasets: Sequence[TextDataset]) -> pa.Table:
    """Put the rows of datasets one after another.

    Where something is unknown in one of them, the others say of which labels of
    theirs it is known that they do not hold.

    Args:
        datasets: sequence of `TextDataset`s.

    Returns:
        A `pyarrow.Table`.
    """
    tables = [dataset.table for dataset in datasets]
    if any("negatives" in table.schema.names for table in tables):
        tables = [
            say_no(table, dataset.labels or ()) if "labels" in table.schema.names else table
            for table, dataset in zip(tables, datasets, strict=True)
        ]
    return join_tables(tables)


def _is_multi_label(table: pa.Table) -> bool:
    if "labels" not in table.schema.names:
        return False
    if "negatives" in table.schema.names:
        return True
    other = pc.not_equal(pc.list_value_length(table.column("labels")), 1)
    return bool(pc.any(other).as_py())


def _targets_of(table: pa.Table, multi_label: bool) -> list[Any]:
    rows = table.column("labels").to_pylist()
    if not multi_label:
        return [row[0] if row else None for row in rows]
    if "negatives" not in table.schema.names:
        return rows
    negatives = table.column("negatives").to_pylist()
    return [
        row if row is None or no is None else {**dict.fromkeys(no, 0), **dict.fromkeys(row, 1)}
        for row, no in zip(rows, negatives, strict=True)
    ]


def _new_name(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ArgumentError(
            f"A label is renamed to a string, or to None to drop it. Received: {shorten(value)}."
        )
    return None if value is None else str(value).strip()


def _with_column(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    if name in table.schema.names:
        table = table.drop_columns([name])
    return table.append_column(name, column)
