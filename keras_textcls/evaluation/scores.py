"""`Scores`: what texts are, and what a model says of them; the input of every metric.

Plain arrays, so that the output of any model can be judged: nothing here
imports Keras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError, shorten
from keras_textcls.labels import LabelSet

# By how much probabilities may miss a sum of one: those of models in half precision do.
_SUM_TOLERANCE = 5e-3
# Rows that are looked at in one go, so that a million of them need no second million.
CHUNK = 1 << 16


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """Actual labels and scores of texts.

    Args:
        labels: `LabelSet` of the model: the columns of `y_score`.
        extra_labels: tuple of strings, labels of the data that the model lacks.
        multi_label: bool, whether a text may have any number of labels.
        y_true: int array. Single-label: of shape `(num_texts,)`, an index into
            `labels` followed by `extra_labels`. Multi-label: int8 of shape
            `(num_texts, num_classes + num_extra)`, 1 where a label is there, 0
            where it is not, -1 where nobody knows.
        y_score: float array of shape `(num_texts, num_classes)`: probabilities.
    """

    labels: LabelSet
    extra_labels: tuple[str, ...]
    multi_label: bool
    y_true: np.ndarray
    y_score: np.ndarray

    def __len__(self) -> int:
        return len(self.y_score)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Names of the model's labels, then those that only the data have."""
        return (*self.labels, *self.extra_labels)

    def take(self, rows: np.ndarray | slice) -> Scores:
        """Return some of the texts.

        Args:
            rows: int or bool array, or a slice.

        Returns:
            `Scores`.
        """
        return dataclasses.replace(self, y_true=self.y_true[rows], y_score=self.y_score[rows])

    def is_actual(self, label: int) -> np.ndarray:
        """Return which texts have a label.

        Args:
            label: int, index into `all_labels`.

        Returns:
            An int8 array of shape `(num_texts,)`: 1, 0, or -1 where unknown.
        """
        if self.multi_label:
            return self.y_true[:, label]
        return (self.y_true == label).astype(np.int8)

    def name_rows(self) -> list[Any]:
        """Return the actual labels as names.

        Returns:
            A list of strings; for multi-label, of tuples of strings.
        """
        names = self.all_labels
        if not self.multi_label:
            return [names[i] for i in self.y_true.tolist()]
        return [tuple(names[i] for i in np.flatnonzero(row == 1)) for row in self.y_true]


def read_scores(y_true: Any, y_score: Any, labels: Any, multi_label: bool | None = None) -> Scores:
    """Check actual labels and scores, and bring them into one form.

    Args:
        y_true: actual labels. Single-label: ints in `[0, num_classes)`, or
            names. Multi-label: lists of names, or a matrix of shape `(num_texts,
            num_classes)` of 1, 0 and, where unknown, -1. Names may be such as
            `labels` lacks.
        y_score: array-like of shape `(num_texts, num_classes)`, probabilities;
            of two labels that exclude each other also `(num_texts,)`, the
            probability of the second.
        labels: names of the columns of `y_score`.
        multi_label: bool or `None`, as the form of `y_true` says. Defaults to
            `None`.

    Returns:
        `Scores`.

    Raises:
        ArgumentError: the scores do not fit the labels.
        InvalidDataError: there are no texts, a score is no probability, or an
            actual label is missing.
    """
    labels = labels if isinstance(labels, LabelSet) else LabelSet(labels)
    values = y_true if isinstance(y_true, np.ndarray) else list(y_true)
    if multi_label is None:
        multi_label = _looks_multi_label(values)
    scores = _read_probabilities(y_score, labels, multi_label)
    if len(values) != len(scores):
        raise ArgumentError(
            f"`y_true` has {len(values):,} rows and `y_score` {len(scores):,}. Pass one actual "
            "label and one row of scores for each text."
        )
    if not len(values):
        raise InvalidDataError("There are no texts to evaluate. Pass at least one.")
    read = _read_multi_label if multi_label else _read_single_label
    targets, extra = read(values, labels)
    return Scores(labels, extra, multi_label, targets, scores)


def encoded_scores(
    y_true: np.ndarray, extra_labels: tuple[str, ...], y_score: Any, labels: LabelSet
) -> Scores:
    """Check scores of texts whose actual labels are encoded already.

    Args:
        y_true: array as of `Scores.y_true`; a matrix means multi-label.
        extra_labels: tuple of strings, labels of the data that the model lacks.
        y_score: array-like of shape `(num_texts, num_classes)`, probabilities.
        labels: `LabelSet` of the model.

    Returns:
        `Scores`.

    Raises:
        ArgumentError: the scores do not fit the labels.
        InvalidDataError: a score is no probability.
    """
    multi_label = y_true.ndim == 2
    scores = _read_probabilities(y_score, labels, multi_label)
    dtype = np.int8 if multi_label else np.int32
    return Scores(labels, extra_labels, multi_label, y_true.astype(dtype), scores)


def _looks_multi_label(values: Any) -> bool:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.ndim == 2
    first = next((value for value in values if value is not None), None)
    return first is not None and not isinstance(first, (str, int, np.integer))


def _read_probabilities(y_score: Any, labels: LabelSet, multi_label: bool) -> np.ndarray:
    try:
        scores = np.asarray(y_score)
        if scores.dtype not in (np.float32, np.float64):
            scores = scores.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"`y_score` must be a matrix of numbers. Received: {shorten(y_score)}."
        ) from error
    if scores.ndim == 1 and len(labels) == 2 and not multi_label:
        scores = np.stack([1 - scores, scores], axis=1)
    if scores.ndim != 2 or scores.shape[1] != len(labels):
        raise ArgumentError(
            f"`y_score` must have shape (num_texts, {len(labels)}), a column for each of "
            f"`labels`. Received: shape {scores.shape}, labels={shorten(labels.names)}."
        )
    for start in range(0, len(scores), CHUNK):
        _check_probabilities(scores[start : start + CHUNK], start, labels, multi_label)
    return scores


def _check_probabilities(part: np.ndarray, start: int, labels: LabelSet, multi_label: bool) -> None:
    wrong = ~((part >= 0) & (part <= 1 + _SUM_TOLERANCE))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = part[row, column]
        kind = "is no finite number" if not np.isfinite(value) else "is no probability"
        raise InvalidDataError(
            f"`y_score` {kind} in row {start + row}, label {shorten(labels[int(column)])}: "
            f"{value}. Pass probabilities: the softmax (multi-label: the sigmoid) of logits, "
            "as `predict_proba` returns them."
        )
    sums = part.sum(axis=1, dtype=np.float64)
    off = np.abs(sums - 1) > _SUM_TOLERANCE
    if not multi_label and off.any():
        row = int(np.argmax(off))
        raise InvalidDataError(
            f"The scores of a text must sum to 1. Those of row {start + row} sum to "
            f"{sums[row]:.6g}. Pass the softmax of logits, or multi_label=True if a text may "
            "have any number of labels."
        )


def _read_single_label(values: Any, labels: LabelSet) -> tuple[np.ndarray, tuple[str, ...]]:
    array = np.asarray(values) if not isinstance(values, np.ndarray) else values
    if array.ndim == 1 and np.issubdtype(array.dtype, np.integer):
        wrong = (array < 0) | (array >= len(labels))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise UnknownLabelError(
                f"`y_true` must be in [0, {len(labels)}). Received at row {row}: {array[row]}."
            )
        return array.astype(np.int32), ()
    if array.ndim != 1:
        raise ArgumentError(
            "`y_true` must hold one label a text. Received: shape "
            f"{array.shape}. For any number of labels a text, pass multi_label=True."
        )
    for row, value in enumerate(values):
        if not isinstance(value, str) or not value.strip():
            raise InvalidDataError(
                f"`y_true` must be label names, or ints. Received at row {row}: "
                f"{shorten(value)} of type {type(value).__name__}. Leave out texts without a label."
            )
    extra = _extra_labels(values, labels)
    index = {name: i for i, name in enumerate((*labels, *extra))}
    return np.fromiter((index[str(v)] for v in values), np.int32, len(values)), extra


def _read_multi_label(values: Any, labels: LabelSet) -> tuple[np.ndarray, tuple[str, ...]]:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return _read_matrix(values, labels), ()
    for row, names in enumerate(values):
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise InvalidDataError(
                "`y_true` of several labels a text must be lists of names. Received at row "
                f"{row}: {shorten(names)}. Wrap a single name in a list."
            )
    first = next((one for names in values for one in names), None)
    if isinstance(first, (int, float, np.number)):
        return _read_matrix(np.asarray(values, dtype=float), labels), ()
    extra = _extra_labels((name for names in values for name in names), labels)
    index = {name: i for i, name in enumerate((*labels, *extra))}
    targets = np.zeros((len(values), len(index)), np.int8)
    for row, names in enumerate(values):
        targets[row, [index[str(name)] for name in names]] = 1
    return targets, extra


def _read_matrix(matrix: np.ndarray, labels: LabelSet) -> np.ndarray:
    if matrix.ndim != 2 or matrix.shape[1] != len(labels):
        raise ArgumentError(
            f"`y_true` must have shape (num_texts, {len(labels)}), a column for each of "
            f"`labels`. Received: shape {matrix.shape}."
        )
    targets = np.where(np.isnan(matrix) | (matrix < 0), -1, matrix)
    if not np.isin(targets, (-1, 0, 1)).all():
        row = int(np.argmax(~np.isin(targets, (-1, 0, 1)).all(axis=1)))
        raise InvalidDataError(
            "`y_true` must hold 1, 0 and, where unknown, -1. Received at row "
            f"{row}: {shorten(matrix[row].tolist())}."
        )
    return targets.astype(np.int8)


def _extra_labels(names: Iterable[str], labels: Sequence[str]) -> tuple[str, ...]:
    found = {str(name) for name in names} - set(labels)
    return tuple(sorted(found))
