"""`Scores`: the actual labels of texts and the probabilities of a model, input of every metric.

Plain arrays, so that the output of any model can be evaluated: nothing here imports Keras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError, shorten
from keras_textcls.labels import LabelSet, sorted_names

# Tolerance for the sum of probabilities; models in half precision need it.
_SUM_TOLERANCE = 5e-3
# Number of rows that are processed at a time, so that temporary arrays stay small.
CHUNK = 1 << 16


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """Actual labels and scores of texts.

    Args:
        labels: `LabelSet` of the model: the columns of `y_score`.
        extra_labels: tuple of strings, labels of the data that the model does
            not have.
        multi_label: bool, whether a text may have any number of labels.
        y_true: int array. Single-label: of shape `(num_texts,)`, an index into
            `labels` followed by `extra_labels`. Multi-label: int8 of shape
            `(num_texts, num_classes + num_extra)`: 1 if the text has the label,
            0 if not, -1 if unknown.
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
    """Check actual labels and scores, and convert them to `Scores`.

    Args:
        y_true: actual labels. Single-label: ints in `[0, num_classes)`, or
            names; where the names are numbers, such as "1" to "5", ints are
            names. Multi-label: lists of names, dicts from name to 1 or 0 (labels
            that a dict does not name are unknown), or a matrix of shape
            `(num_texts, num_classes)` of 1, 0 and, if unknown, -1. Names that are
            not in `labels` are allowed.
        y_score: array-like of shape `(num_texts, num_classes)`, probabilities;
            of two labels that exclude each other also `(num_texts,)`, the
            probability of the second.
        labels: names of the columns of `y_score`.
        multi_label: bool or `None`. Defaults to `None`, determined from the form
            of `y_true`.

    Returns:
        `Scores`. It holds copies, so that later changes of the arguments have no
        effect.

    Raises:
        ArgumentError: the scores do not fit the labels.
        InvalidDataError: there are no texts, a score is not a probability, or an
            actual label is missing.
    """
    labels = labels if isinstance(labels, LabelSet) else LabelSet(labels)
    values = _rows_of(y_true)
    if not len(values):
        raise InvalidDataError("There are no texts to evaluate. Pass at least one.")
    if multi_label is None:
        multi_label = _looks_multi_label(values)
    scores = _read_probabilities(y_score, labels, multi_label)
    if len(values) != len(scores):
        raise ArgumentError(
            f"`y_true` has {len(values):,} rows and `y_score` {len(scores):,}. Pass one actual "
            "label and one row of scores for each text."
        )
    read = _read_multi_label if multi_label else _read_single_label
    targets, extra = read(values, labels)
    return Scores(labels, extra, multi_label, targets, scores)


def encoded_scores(
    y_true: np.ndarray, extra_labels: tuple[str, ...], y_score: Any, labels: LabelSet
) -> Scores:
    """Check scores of texts whose actual labels are already encoded.

    Args:
        y_true: array like `Scores.y_true`; a matrix means multi-label.
        extra_labels: tuple of strings, labels of the data that the model does
            not have.
        y_score: array-like of shape `(num_texts, num_classes)`, probabilities.
        labels: `LabelSet` of the model.

    Returns:
        `Scores`.

    Raises:
        ArgumentError: the scores do not fit the labels.
        InvalidDataError: a score is not a probability.
    """
    multi_label = y_true.ndim == 2
    scores = _read_probabilities(y_score, labels, multi_label)
    if not len(scores) or len(scores) != len(y_true):
        raise InvalidDataError(
            f"There must be texts to evaluate, and scores for each. Received: {len(y_true):,} "
            f"actual labels and {len(scores):,} rows of scores."
        )
    dtype = np.int8 if multi_label else np.int32
    return Scores(labels, extra_labels, multi_label, y_true.astype(dtype), scores)


def _rows_of(y_true: Any) -> Any:
    """Convert to an array of numbers, or to a list with the labels of each text."""
    if isinstance(y_true, (str, bytes, Mapping)) or not isinstance(y_true, Iterable):
        raise ArgumentError(
            "`y_true` must hold the actual labels of each text: a list of names, of ints or of "
            f"lists of names. Received: y_true={shorten(y_true)}."
        )
    # Columns of pandas, polars and Arrow, and tensors.
    values = np.asarray(y_true) if hasattr(y_true, "__array__") else list(y_true)
    if isinstance(values, list):
        return values
    return values if values.dtype.kind in "biuf" else list(values)


def _looks_multi_label(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 2
    first = next((value for value in values if value is not None), None)
    return isinstance(first, Iterable) and not isinstance(first, (str, bytes))


def _read_probabilities(y_score: Any, labels: LabelSet, multi_label: bool) -> np.ndarray:
    try:
        scores = np.array(y_score)
        if scores.dtype not in (np.float32, np.float64):
            if scores.dtype.kind == "c":
                raise TypeError("complex numbers are no probabilities")
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
    # Values above 1 by rounding would be outside of bins and thresholds.
    return np.minimum(scores, 1, out=scores)


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
    if not isinstance(values, np.ndarray):
        array = _as_ints(values)
        values = values if array is None else array
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ArgumentError(
                "`y_true` must hold one label a text. Received: shape "
                f"{values.shape}. For any number of labels a text, pass multi_label=True."
            )
        if values.dtype.kind in "iuO":
            if labels.numbers is None or labels.is_numbered:
                return _check_range(values, labels), ()
            values = _names_of_numbers(values, labels)
    for row, value in enumerate(values):
        if not isinstance(value, str) or not value.strip():
            raise InvalidDataError(_no_label(row, value))
    extra = _extra_labels(values, labels)
    index = {name: i for i, name in enumerate((*labels, *extra))}
    return np.fromiter((index[str(v)] for v in values), np.int32, len(values)), extra


def _names_of_numbers(values: np.ndarray, labels: LabelSet) -> list[str]:
    """Names in place of ints, where the labels are numbers other than their places."""
    numbers = labels.numbers or {}
    return [labels[numbers[v]] if v in numbers else str(v) for v in values.tolist()]


def _as_ints(values: list[Any]) -> np.ndarray | None:
    if not isinstance(values[0], (int, np.integer)) or isinstance(values[0], bool):
        return None
    for row, value in enumerate(values):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise InvalidDataError(_no_label(row, value))
    # Ints of Python may exceed 64 bits.
    return np.asarray(values) if max(map(abs, values)) < 2**63 else np.asarray(values, object)


def _no_label(row: int, value: Any) -> str:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        remedy = "For any number of labels a text, pass multi_label=True."
    else:
        remedy = "Leave out texts without a label."
    return (
        f"`y_true` must be label names, or ints, all alike. Received at row {row}: "
        f"{shorten(value)} of type {type(value).__name__}. {remedy}"
    )


def _check_range(array: np.ndarray, labels: LabelSet) -> np.ndarray:
    wrong = (array < 0) | (array >= len(labels))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UnknownLabelError(
            f"`y_true` must be in [0, {len(labels)}). Received at row {row}: {array[row]}."
        )
    return array.astype(np.int32)


def _read_multi_label(values: Any, labels: LabelSet) -> tuple[np.ndarray, tuple[str, ...]]:
    if isinstance(values, np.ndarray):
        return _read_matrix(values, labels), ()
    for row, names in enumerate(values):
        if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
            raise InvalidDataError(
                "`y_true` of several labels a text must be lists of names. Received at row "
                f"{row}: {shorten(names)}. Wrap a single name in a list."
            )
    # The names are iterated twice below, which a generator does not allow.
    rows = [names if isinstance(names, Mapping) else tuple(names) for names in values]
    first = next((one for names in rows for one in names), None)
    if isinstance(first, (int, float, np.number, np.bool_)):
        return _read_matrix(_as_matrix(rows), labels), ()
    for row, names in enumerate(rows):
        _check_names(row, names)
    extra = _extra_labels((name for names in rows for name in names), labels)
    index = {name: i for i, name in enumerate((*labels, *extra))}
    targets = np.zeros((len(rows), len(index)), np.int8)
    for row, names in enumerate(rows):
        if isinstance(names, Mapping):
            targets[row] = -1
            targets[row, [index[str(n)] for n in names]] = [int(v) for v in names.values()]
        else:
            targets[row, [index[str(name)] for name in names]] = 1
    return targets, extra


def _check_names(row: int, names: Any) -> None:
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InvalidDataError(
                f"`y_true` must hold label names. Received at row {row}: {shorten(name)} of type "
                f"{type(name).__name__}. Leave it out, or pass a matrix of 1, 0 and -1."
            )
        if isinstance(names, Mapping) and names[name] not in (0, 1):
            raise InvalidDataError(
                f"`y_true` at row {row} says {shorten(names[name])} of {shorten(name)}: neither 1 "
                "(the label is there) nor 0 (it is not). Leave a label out of the dict if it is "
                "unknown."
            )


def _as_matrix(rows: list[Any]) -> np.ndarray:
    try:
        return np.asarray(rows, dtype=float)
    except (TypeError, ValueError):
        raise InvalidDataError(
            "`y_true` must be lists of names, or a matrix of 1, 0 and -1 with as many numbers in "
            f"each row as there are labels. Received: y_true={shorten(rows)}."
        ) from None


def _read_matrix(matrix: np.ndarray, labels: LabelSet) -> np.ndarray:
    if matrix.ndim != 2 or matrix.shape[1] != len(labels):
        raise ArgumentError(
            f"`y_true` must have shape (num_texts, {len(labels)}), a column for each of "
            f"`labels`. Received: shape {matrix.shape}."
        )
    targets = np.where(np.isnan(matrix), -1, matrix)
    if not np.isin(targets, (-1, 0, 1)).all():
        row = int(np.argmax(~np.isin(targets, (-1, 0, 1)).all(axis=1)))
        raise InvalidDataError(
            "`y_true` must hold 1, 0 and, where unknown, -1. Received at row "
            f"{row}: {shorten(matrix[row].tolist())}."
        )
    return targets.astype(np.int8)


def _extra_labels(names: Iterable[str], labels: Sequence[str]) -> tuple[str, ...]:
    unknown = {str(name) for name in names} - set(labels)
    return tuple(sorted_names(unknown))
