"""Labels and weights: from what the user passes to what a loss reads.

Names or indices become arrays, and class weights become one number a class. A
label for which it is not known whether a text has it is `UNKNOWN` in the targets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError, shorten
from keras_textcls.inputs.class_targets import (
    ClassNumbers,
    missing_label,
    plain_label,
    read_classes,
)
from keras_textcls.inputs.columns import to_list
from keras_textcls.inputs.frames import target_rows
from keras_textcls.labels import UNKNOWN, LabelSet


def read_targets(
    y: Any, labels: LabelSet, multi_label: bool, num_texts: int, name: str = "y"
) -> np.ndarray:
    """Turn label names or class indices into training targets.

    Args:
        y: class indices in `[0, num_classes)`, names or one-hot rows, as
            `read_classes` takes them; for multi-label, lists
            of names, or a matrix of 1 (there), 0 (not there) and NaN or -1
            (unknown); or a data frame of zeros and ones whose columns bear
            the names of the labels. In place of a list of names, which says that no other
            label is there, a text may have a dict `{name: 1 or 0}`, which says
            nothing of the labels that it does not name.
        labels: `LabelSet` of the model.
        multi_label: bool.
        num_texts: int, number of texts that `y` belongs to.
        name: string, what error messages call it. Defaults to `"y"`.

    Returns:
        An int32 array of shape `(num_texts,)`, or for multi-label a float32
        array of shape `(num_texts, num_classes)` of 1, 0 and -1 (`UNKNOWN`).

    Raises:
        InvalidDataError: lengths differ, an index is out of range, or `y` is
            multi-label for a single-label model or the reverse.
        UnknownLabelError: a name is not among the labels.
    """
    y = target_rows(y, labels, name)
    values = to_list(y)
    if values is None:
        raise InvalidDataError(
            f"`{name}` must be a list or array of labels. Received {shorten(y)} of type "
            f"{type(y).__name__}."
        )
    if len(values) != num_texts:
        raise InvalidDataError(
            f"`x` and `{name}` must have the same length. Received {num_texts} texts and "
            f"{len(values)} labels."
        )
    missing = next((i for i, value in enumerate(values) if value is None), None)
    if missing is not None:
        raise missing_label(name, missing)
    return (_read_multi_label if multi_label else read_classes)(values, labels, name)


def _read_multi_label(values: list[Any], labels: LabelSet, name: str) -> np.ndarray:
    values = [_with_text(plain_label(value)) for value in values]
    for i, value in enumerate(values):
        if not isinstance(value, (list, tuple, set, frozenset, Mapping)):
            raise InvalidDataError(
                f"{name}[{i}]={shorten(value)} is a single label, but this classifier is "
                "multi-label. Pass a list of names or a dict {name: 1 or 0} for each text, or a "
                f"0/1 matrix of shape (num_texts, {len(labels)}). If each text has one label, "
                "create the classifier without multi_label=True."
            )
    has_names = any(
        isinstance(row, Mapping) or any(isinstance(v, str) for v in row) for row in values
    )
    if has_names or not any(len(row) for row in values):
        classes = ClassNumbers(labels)
        return labels.encode_multi(
            [_with_names(row, classes, f"{name}[{i}]") for i, row in enumerate(values)], name
        )
    return _read_matrix(values, labels, name)


def _with_text(row: Any) -> Any:
    """A row of names, as strings where TensorFlow has bytes."""
    is_row = isinstance(row, (list, tuple, set, frozenset))
    if not is_row or not any(isinstance(cell, bytes) for cell in row):
        return row
    return [plain_label(cell) for cell in row]


def _with_names(row: Any, classes: ClassNumbers, where: str) -> Any:
    """A row of which no key of a dict is a number, as the columns of a data frame may be."""
    if not isinstance(row, Mapping) or all(isinstance(key, str) for key in row):
        return row
    indices = {key: classes.index(plain_label(key), where) for key in row}
    return {classes.labels[indices[key]]: plain_label(cell) for key, cell in row.items()}


def _read_matrix(values: list[Any], labels: LabelSet, name: str) -> np.ndarray:
    matrix = _to_floats(values)
    if matrix is not None and matrix.shape == (len(values), len(labels)):
        is_unknown = np.isnan(matrix) | (matrix == UNKNOWN)
        is_good = (is_unknown | (matrix == 0) | (matrix == 1)).all(axis=1)
    else:
        # Row by row, so that the error message can name the row.
        rows = [_to_floats(row) for row in values]
        is_good = np.array([r is not None and r.shape == (len(labels),) for r in rows])
    if matrix is None or not is_good.all():
        i = int(np.argmin(is_good))
        raise InvalidDataError(
            f"{name}[{i}]={shorten(values[i])} is not a row of {len(labels)} zeros and ones, one a "
            "label. Pass a 0/1 matrix, with NaN or -1 where a label is unknown, or a list of label "
            "names or a dict {name: 1 or 0} for each text."
        )
    return np.where(is_unknown, UNKNOWN, matrix).astype("float32")


def _to_floats(values: Any) -> np.ndarray | None:
    """An array of numbers, NaN for `None`; or `None` if they are not numbers or ragged."""
    try:
        return np.asarray(values, dtype="float64")
    except (TypeError, ValueError):
        return None


def refuse_unknown(targets: np.ndarray, culprit: str | None, name: str = "y") -> None:
    """Refuse unknown labels where a loss or a metric would count them.

    Args:
        targets: as `read_targets` returns them.
        culprit: string, which loss or metric would count them and what to do
            about it, or `None` if none does.
        name: string, what error messages call the targets. Defaults to `"y"`.

    Raises:
        ArgumentError: there is a culprit, and a label is unknown.
    """
    if culprit is None or targets.ndim == 1:
        return
    rows = np.flatnonzero((targets == UNKNOWN).any(axis=1))
    if rows.size:
        raise ArgumentError(f"{name}[{rows[0]}] leaves labels unknown, {culprit}")


def names_in(y: Any) -> LabelSet | None:
    """Return the label names that occur in `y`, or `None` if it holds no names.

    Args:
        y: labels of any kind.

    Returns:
        A `LabelSet` in sorted order, or `None`.
    """
    values = to_list(target_rows(y, ()))
    if not values:
        return None
    kinds = (list, tuple, set, frozenset, Mapping)
    rows = [v if isinstance(v, kinds) else [v] for v in values]
    names = [name for row in rows for name in row]
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return LabelSet.from_data(names)


def read_sample_weight(sample_weight: Any, num_texts: int) -> np.ndarray | None:
    """Check the weights of the texts.

    Args:
        sample_weight: numbers, one a text, or `None`.
        num_texts: int.

    Returns:
        A float32 array of shape `(num_texts,)`, or `None`.

    Raises:
        InvalidDataError: the length differs, or a weight is negative or not
            finite.
    """
    if sample_weight is None:
        return None
    weights = to_list(sample_weight)
    try:
        with np.errstate(over="ignore"):
            values = np.asarray(weights, dtype="float32")
    except (TypeError, ValueError):
        values = np.asarray([_as_float(weight) for weight in weights or ()], dtype="float32")
    if values.shape != (num_texts,):
        raise InvalidDataError(
            f"`sample_weight` must hold one number for each of the {num_texts} texts. Received "
            + (f"{shorten(sample_weight)}." if weights is None else f"shape {values.shape}.")
        )
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        weight = shorten((weights or values)[bad[0]])
        raise InvalidDataError(
            f"sample_weight[{bad[0]}]={weight} is not a finite number of at least 0."
        )
    return values


def _as_float(value: Any) -> float:
    """A number, or NaN for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def class_weights(class_weight: Any, labels: LabelSet, y: np.ndarray) -> np.ndarray:
    """Turn a `class_weight` argument into one number a class.

    Args:
        class_weight: `"balanced"`, which weighs each class by
            `num_texts / (num_classes * count)` as scikit-learn does, or a
            mapping from class index or label name to a finite number of at least
            0; classes that it lacks weigh 1.
        labels: `LabelSet`.
        y: int array of targets.

    Returns:
        A float array of shape `(num_classes,)`.

    Raises:
        ArgumentError: it is neither, a weight is no such number, or the model
            is multi-label.
        UnknownLabelError: a name is not among the labels.
    """
    if y.ndim > 1:
        raise ArgumentError(
            "`class_weight` is for classifiers with one label a text. Received "
            f"class_weight={shorten(class_weight)} for a multi-label classifier; use "
            "`sample_weight`."
        )
    weights = np.ones(len(labels))
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(y, minlength=len(labels))
        present = counts > 0
        weights[present] = len(y) / (present.sum() * counts[present])
        return weights
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(
            '`class_weight` must be "balanced", None or a dict from label to weight. Received: '
            f"class_weight={shorten(class_weight)}."
        )
    classes = ClassNumbers(labels)
    given: dict[int, Any] = {}
    for label, weight in class_weight.items():
        try:
            index = classes.index(plain_label(label), "a key of `class_weight`")
        except UnknownLabelError:
            raise
        except InvalidDataError as error:
            raise ArgumentError(
                f"`class_weight` names the class {shorten(label)}, but {error}"
            ) from None
        if index in given:
            raise ArgumentError(
                f"`class_weight` has two weights of one class, for {given[index]!r} and {label!r}."
            )
        given[index] = label
        weights[index] = _weight_of_class(weight, label)
    return weights


def _weight_of_class(weight: Any, label: Any) -> float:
    value = _as_float(weight)
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentError(
            f"class_weight[{label!r}]={shorten(weight)} is not a finite number of at least 0."
        )
    return value
