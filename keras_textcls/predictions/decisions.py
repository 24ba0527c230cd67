"""Decisions: which labels a model gives to a text, by thresholds on probabilities.

The functions take plain arrays; `classify` and reports both use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from keras_textcls.errors import ArgumentError, UnknownLabelError, shorten
from keras_textcls.labels import LabelSet

NO_ANSWER = -1
MULTI_LABEL_THRESHOLD = 0.5


def default_thresholds(num_classes: int, multi_label: bool) -> np.ndarray:
    """Return the thresholds of a model that has none of its own.

    Args:
        num_classes: int.
        multi_label: bool.

    Returns:
        A float array of shape `(num_classes,)`: 0.5 for multi-label, else 0,
        which every probability reaches.
    """
    return np.full(num_classes, MULTI_LABEL_THRESHOLD if multi_label else 0.0)


def decide(
    probabilities: np.ndarray, multi_label: bool, thresholds: np.ndarray | None = None
) -> np.ndarray:
    """Decide which labels texts get.

    Args:
        probabilities: float array of shape `(num_texts, num_classes)`.
        multi_label: bool, whether a text may have any number of labels.
        thresholds: float array of shape `(num_classes,)`, the probability that
            a label must reach, or `None`: 0.5 for multi-label, none otherwise.
            Defaults to `None`.

    Returns:
        Single-label: an int32 array of shape `(num_texts,)`, the most probable
        label, or -1 (`NO_ANSWER`) where it stays below its threshold.
        Multi-label: a bool array of shape `(num_texts, num_classes)`.

    Example:
    >>> decide(np.array([[0.6, 0.4], [0.5, 0.5]]), False, np.array([0.6, 0.0]))
    array([ 0, -1], dtype=int32)
    """
    if thresholds is None:
        thresholds = default_thresholds(probabilities.shape[1], multi_label)
    if multi_label:
        return probabilities >= thresholds
    best = probabilities.argmax(axis=1).astype(np.int32)
    reached = probabilities[np.arange(len(best)), best] >= thresholds[best]
    return np.where(reached, best, np.int32(NO_ANSWER))


def read_thresholds(threshold: object, labels: LabelSet) -> np.ndarray | None:
    """Turn a threshold, one for all or one a label, into an array.

    Args:
        threshold: float in `[0, 1]`, a sequence of those, one a label, a dict
            from label name to float, or `None`.
        labels: `LabelSet`. Labels that a dict lacks have threshold 0.5.

    Returns:
        A float array of shape `(num_classes,)`, or `None` for `None`.

    Raises:
        ArgumentError: a value is not in `[0, 1]`, or the number of values is
            not that of the labels.
    """
    if threshold is None:
        return None
    values = np.full(len(labels), 0.5)
    try:
        if isinstance(threshold, Mapping):
            for name, value in threshold.items():
                values[labels.index(name)] = value
        else:
            given = np.asarray(threshold, dtype=float)
            values = np.full(len(labels), given) if given.ndim == 0 else given
    except UnknownLabelError:
        raise
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)  # Refused below.
    if values.shape != (len(labels),) or not ((values >= 0) & (values <= 1)).all():
        raise ArgumentError(
            f"`threshold` must be a number in [0, 1], or {len(labels)} of them, one a label. "
            f"Received: threshold={shorten(threshold)}."
        )
    return values


def select_labels(
    probabilities: np.ndarray, thresholds: np.ndarray, labels: LabelSet, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, LabelSet]:
    """Leave out all labels but some.

    Args:
        probabilities: float array of shape `(num_texts, num_classes)`.
        thresholds: float array of shape `(num_classes,)`.
        labels: `LabelSet`.
        names: sequence of strings, the labels that stay.

    Returns:
        A tuple of the same three with the labels of `names`, in their order.

    Raises:
        UnknownLabelError: a name is not among the labels.
    """
    chosen = labels.encode(names, "select_labels")
    return probabilities[:, chosen], thresholds[chosen], LabelSet(names)
