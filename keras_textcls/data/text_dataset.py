"""`TextDataset`: an immutable table of texts and their labels, with a version.

The rows are an Arrow table, in memory or in a mapped file; `LabelledTable` holds and counts
them. The methods here check, split, save and write the dataset and call one module each.
Files are read by `reading`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from keras_textcls.data import display
from keras_textcls.data.checks.checks import check_dataset
from keras_textcls.data.checks.findings import CheckReport
from keras_textcls.data.labelled_table import Example, LabelledTable
from keras_textcls.data.rows.arrow_rows import join_tables, keep_rows, with_column
from keras_textcls.data.rows.invalid_rows import InvalidRows
from keras_textcls.data.rows.partial_labels import label_names, rename_labels, with_absent_labels
from keras_textcls.data.splitting import check_seed, check_shares, check_stratifiable
from keras_textcls.data.statistics import DatasetStatistics, dataset_statistics
from keras_textcls.data.storage import load_dataset, save_dataset
from keras_textcls.data.writing import plain_table, to_tf_dataset, write_dataset
from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError, shorten
from keras_textcls.inputs.stratification import assign_parts
from keras_textcls.labels import as_number, sorted_names
from keras_textcls.utils.paths import read_path

if TYPE_CHECKING:
    import pandas


class Splits(NamedTuple):
    """The parts of a dataset; a part that was not requested is `None`.

    Args:
        train: `TextDataset` or `None`.
        validation: `TextDataset` or `None`.
        test: `TextDataset` or `None`.
    """

    train: Any
    validation: Any
    test: Any


class TextDataset(LabelledTable):
    """An immutable table of texts and their labels.

    `keras_textcls.read` makes one from a file or an object. `fit`, `predict` and
    `evaluate` accept it as it is.

    Args:
        table: `pyarrow.Table` with the column `text` and any of `text_pair`,
            `labels`, `negatives`, `split`, `id` and `metadata`.
        labels: names of the labels in their order, or `None`. Defaults to
            `None`, the names that occur, sorted.
        multi_label: bool or `None`, whether a text may have any number of
            labels. Defaults to `None`: true if a text has no label, several, or
            labels that are known to be absent.
        invalid_rows: `InvalidRows`, the rows that could not be read. Defaults to
            none.
        details: mapping of strings, detected properties of the source. Defaults
            to `None`, nothing.

    Raises:
        InvalidDataError: the table has other columns, or no column of texts.
        UnknownLabelError: a label occurs that is not among `labels`.

    Example:
    >>> from keras_textcls import read
    >>> dataset = read([("free money", "spam"), ("see you at six", "ham")])
    >>> len(dataset), dataset.labels
    (2, LabelSet(['ham', 'spam']))
    >>> dataset[1].text
    'see you at six'
    """

    @property
    def _kind(self) -> Any:
        # A subclass may have a constructor of its own.
        return TextDataset

    @property
    def splits(self) -> dict[str, TextDataset]:
        """The parts that the source named, by name; empty if it named none."""
        return {
            name: self.with_table(keep_rows(self._table, mask))
            for name, mask in self.split_masks().items()
        }

    def __repr__(self) -> str:
        return display.as_text(self)

    def _repr_html_(self) -> str:
        return display.as_html(self)

    def stats(self, preset: Any = None) -> DatasetStatistics:
        """Compute statistics of the dataset.

        Args:
            preset: string, path or classifier whose tokens are counted, or
                `None`. Defaults to `None`, no tokens.

        Returns:
            `DatasetStatistics`.
        """
        return dataset_statistics(self, preset)

    def check(self, against: TextDataset | None = None, preset: Any = None) -> CheckReport:
        """Check the dataset for problems of training and evaluation.

        The checks look for duplicates and near duplicates, texts shared between parts,
        conflicting, rare or similar labels, rows sorted by label, and mixed scripts or
        languages.

        Args:
            against: another `TextDataset`, such as the test set, with which
                this one must share no text. Defaults to `None`.
            preset: as for `stats`. Defaults to `None`.

        Returns:
            A `CheckReport`: a list of findings, each with its count, examples and a
            remedy.
        """
        return check_dataset(self, against, preset)

    # === Other datasets ===

    def filter(self, condition: Callable[[Example], bool]) -> TextDataset:
        """Return the rows for which a condition is true.

        Args:
            condition: function from `Example` to bool.

        Returns:
            A `TextDataset`; labels that no longer occur are left out.
        """
        kept = np.fromiter((bool(condition(row)) for row in self), bool, len(self))
        table = keep_rows(self._table, kept)
        remaining = set(label_names(table))
        labels = [name for name in self._labels or () if name in remaining]
        return self.with_table(table, labels=labels or None)

    def sample(self, count: int, seed: int = 0) -> TextDataset:
        """Return a random sample of the rows, in their order.

        Args:
            count: int, number of rows; all rows if there are fewer.
            seed: int, random seed. Defaults to `0`.

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
        """Return the first of all texts that differ only in case and white space.

        Returns:
            A `TextDataset`; if the labels of the duplicates differ, those of the first
            text are kept.
        """
        _, first = np.unique(self.digests(), axis=0, return_index=True)
        return self.take(np.sort(first))

    def shared_with(self, other: TextDataset) -> np.ndarray:
        """Find the texts that are also in another dataset, ignoring case and white space.

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
        theirs = {row.tobytes() for row in other.digests()}
        return np.flatnonzero([row.tobytes() in theirs for row in self.digests()])

    def relabel(self, names: Mapping[str, str | None]) -> TextDataset:
        """Rename labels, merge some into one, or drop some.

        Args:
            names: dict from a label to its new name. Labels with the same new name
                are merged; a label with `None` is dropped.

        Returns:
            A `TextDataset` with the labels in the same order; sorted labels whose new
            names are all numbers are sorted by value. A text without any remaining label
            is unlabelled.

        Raises:
            UnknownLabelError: a label of `names` does not occur.
        """
        known = self._labels
        if known is None or not self.has_column("labels"):
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
        ordered = _in_usual_order([n for n in new.values() if n is not None], known)
        return self.with_table(table, labels=ordered or None)

    def concat(self, *others: TextDataset) -> TextDataset:
        """Append other datasets to this one.

        Args:
            *others: `TextDataset`s.

        Returns:
            A `TextDataset` with the labels of all datasets, those of this one first;
            numbers are in the order of their values if they are in each dataset.
        """
        everything = (self, *others)
        for other in others:
            if not isinstance(other, TextDataset):
                raise ArgumentError(f"Only datasets are put together. Received {shorten(other)}.")
        orders = [d.labels for d in everything if d.labels is not None]
        labels = _in_usual_order([name for names in orders for name in names], *orders)
        invalid = InvalidRows(row for d in everything for row in d.invalid_rows)
        return TextDataset(
            join_datasets(everything),
            labels=labels or None,
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
        """Split into parts for training, validation and test.

        Labels have the same shares in every part as in the whole dataset, and texts that
        differ only in case and white space are in the same part.

        Args:
            train: float, share of the texts. Defaults to `0.8`.
            validation: float. Defaults to `0.1`.
            test: float. Defaults to `0.1`.
            stratify: bool, whether labels have the same shares in every part as in
                the whole dataset. Defaults to `True`.
            seed: int, random seed. Defaults to `0`.

        Returns:
            `Splits`, a named tuple `(train, validation, test)`; a part with the
            share 0 is `None`.

        Raises:
            ArgumentError: the shares do not sum up to 1.
            InvalidDataError: a label has a single text.
        """
        shares = check_shares(train=train, validation=validation, test=test)
        labels = self.label_lists()
        if stratify:
            check_stratifiable(labels)
        groups = np.unique(self.digests(), axis=0, return_inverse=True)[1].reshape(-1)
        parts = assign_parts(labels, groups, list(shares.values()), check_seed(seed), stratify)
        by_name = {}
        for i, name in enumerate(shares):
            table = keep_rows(self._table, parts == i)
            column = pa.array([name] * table.num_rows, pa.string())
            by_name[name] = self.with_table(join_tables([with_column(table, "split", column)]))
        return Splits(*(by_name.get(name) for name in Splits._fields))

    def folds(self, count: int = 5, *, seed: int = 0) -> np.ndarray:
        """Assign the texts to stratified folds for cross-validation.

        Labels have the same shares in every fold as in the whole dataset, for multi-label
        data too (iterative stratification, [Sechidis et al., 2011](
        https://doi.org/10.1007/978-3-642-23808-6_10)). Texts that differ only in case and
        white space are in the same fold.

        Args:
            count: int, number of folds. Defaults to `5`.
            seed: int, random seed. Defaults to `0`.

        Returns:
            An int array of shape `(num_texts,)` in `[0, count)`.

        Raises:
            ArgumentError: `count` is not an integer of at least 2.
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
        labels = self.label_lists()
        check_stratifiable(labels)
        groups = np.unique(self.digests(), axis=0, return_inverse=True)[1].reshape(-1)
        return assign_parts(labels, groups, [1 / count] * count, check_seed(seed), True)

    # === Files and other libraries ===

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Save the dataset into a directory, atomically.

        Args:
            directory: string or path; a dataset that was saved there is replaced.
        """
        save_dataset(self, read_path(directory, "directory"))

    @classmethod
    def load(cls, directory: str | os.PathLike[str], verify: bool = True) -> TextDataset:
        """Load a dataset that `save` wrote; its table is mapped from the file.

        Args:
            directory: string or path.
            verify: bool, whether to compare the content with its fingerprint; all
                of the file is read for that. Defaults to `True`.

        Returns:
            A `TextDataset`.

        Raises:
            InvalidDataError: the directory is not a saved dataset, or was changed.
        """
        return load_dataset(read_path(directory, "directory"), verify, TextDataset)

    def write(
        self,
        path: str | os.PathLike[str],
        form: str = "auto",
        instruction: str | None = None,
    ) -> Path:
        """Write a file that other programs can read, atomically.

        Args:
            path: string or path.
            form: one of `"csv"`, `"tsv"`, `"jsonl"`, `"parquet"`, `"portal"`,
                `"sdk"` and `"instruction"`, which are Clarifai's, `"fasttext"`,
                `"doccano"` (JSON Lines) and `"label_studio"` (JSON tasks with
                annotations). Defaults to `"auto"`, by the suffix of the path.
            instruction: string, the instruction before every text in the
                instruction form; `{labels}` is replaced by the labels in braces.
                Defaults to `None`: the instruction in the metadata of a text, or
                `"Read the text and choose an answer from {labels}"`.

        Returns:
            The `Path` written.

        Raises:
            ArgumentError: the form cannot store a part of the dataset; the message
                names the row and the remedy.
        """
        return write_dataset(self, read_path(path, "path"), form, instruction)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a pandas data frame; labels are strings unless multi-label."""
        return plain_table(self).to_pandas()

    def to_tf_dataset(self, batch_size: int = 32) -> Any:
        """Return a `tf.data.Dataset` of `(texts, targets)` batches, or of texts.

        Args:
            batch_size: int, number of texts in a batch. Defaults to `32`.

        Returns:
            A `tf.data.Dataset`; targets are class indices of shape `(batch,)`. For
            multi-label they have the shape `(batch, num_classes)`: 1 if the text has
            the label, 0 if not, -1 if unknown.
        """
        return to_tf_dataset(self, batch_size)


def join_datasets(datasets: Sequence[TextDataset]) -> pa.Table:
    """Concatenate the rows of datasets.

    If labels are unknown in one of the datasets, the column `negatives` is filled in the
    others, so that their labels stay known.

    Args:
        datasets: sequence of `TextDataset`s.

    Returns:
        A `pyarrow.Table`.
    """
    tables = [dataset.table for dataset in datasets]
    if any("negatives" in table.schema.names for table in tables):
        tables = [
            with_absent_labels(table, dataset.labels or ())
            if "labels" in table.schema.names
            else table
            for table, dataset in zip(tables, datasets, strict=True)
        ]
    return join_tables(tables)


def _in_usual_order(names: Sequence[str], *orders: Sequence[str]) -> list[str]:
    """Distinct names in order; numbers are sorted by value if all the orders are sorted."""
    distinct = list(dict.fromkeys(names))
    is_sorted = all(list(order) == sorted_names(order) for order in orders)
    if is_sorted and all(as_number(name) is not None for name in distinct):
        return sorted_names(distinct)
    return distinct


def _new_name(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ArgumentError(
            f"A label is renamed to a string, or to None to drop it. Received: {shorten(value)}."
        )
    return None if value is None else str(value).strip()
