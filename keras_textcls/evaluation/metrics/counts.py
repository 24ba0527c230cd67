"""Metrics that are computed from counts of true, predicted and correct labels.

The formulas accept any leading axes, so that a bootstrap evaluates a thousand resamples in
one call. The tests compare them with scikit-learn's functions, which take labels and not
counts.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.evaluation.metrics.scores import Scores

AVERAGES = ("macro", "micro", "weighted")


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """Counts of actual and predicted labels.

    Args:
        hits: array of shape `(..., num_labels)`, true positives: texts that have
            the label and for which it is predicted.
        predicted: array of the same shape, texts for which the label is
            predicted.
        support: array of the same shape, texts that have the label.
        total: array of shape `(...)`, or `(..., num_labels)`: texts for which the
            label is known.
    """

    hits: np.ndarray
    predicted: np.ndarray
    support: np.ndarray
    total: np.ndarray

    def precision(self) -> np.ndarray:
        """Return hits over predicted texts, `nan` where none is predicted."""
        return divide(self.hits, self.predicted)

    def recall(self) -> np.ndarray:
        """Return hits over texts with the label, `nan` where there are none."""
        return divide(self.hits, self.support)

    def f1(self) -> np.ndarray:
        """Return the harmonic mean, `nan` where the label neither occurs nor is predicted."""
        return divide(2 * self.hits, self.predicted + self.support)


def divide(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Divide, with `nan` where the divisor is 0.

    Args:
        one: array.
        other: array of the same shape.

    Returns:
        A float array.
    """
    quotients = np.full(np.broadcast(one, other).shape, np.nan)
    return np.divide(one, other, out=quotients, where=np.asarray(other) != 0)


def count(scores: Scores, predicted: np.ndarray) -> Counts:
    """Count labels.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.

    Returns:
        `Counts` over the model's labels, followed by labels that only the data have.
    """
    size = len(scores.all_labels)
    if not scores.multi_label:
        actual = scores.y_true
        answered = predicted[predicted >= 0]
        return Counts(
            hits=np.bincount(actual[actual == predicted], minlength=size),
            predicted=np.bincount(answered, minlength=size),
            support=np.bincount(actual, minlength=size),
            total=np.full(size, len(actual)),
        )
    given = pad(predicted, size)
    known, there = scores.y_true >= 0, scores.y_true == 1
    return Counts(
        hits=(given & there).sum(axis=0),
        predicted=(given & known).sum(axis=0),
        support=there.sum(axis=0),
        total=known.sum(axis=0),
    )


def pad(predicted: np.ndarray, size: int) -> np.ndarray:
    """Add columns for the labels that the model does not have and never predicts.

    Args:
        predicted: bool array of shape `(num_texts, num_classes)`.
        size: int, number of columns of the result.

    Returns:
        A bool array of shape `(num_texts, size)`.
    """
    missing = size - predicted.shape[1]
    return np.pad(predicted, ((0, 0), (0, missing))) if missing else predicted


def averaged(counts: Counts) -> dict[str, np.ndarray]:
    """Average precision, recall and F1 over labels.

    The macro mean and the mean weighted by support include the labels that occur or are
    predicted. If a label is never predicted, its precision is undefined and counts as 0:
    this is a failure of the model, not a perfect score. The recall of a label that is
    predicted and never occurs counts as 0 too. This is `zero_division=0` of scikit-learn.

    Args:
        counts: `Counts`.

    Returns:
        A dict from names such as `macro_f1` to arrays of shape `(...)`; `nan`
        where no label occurs or is predicted.
    """
    seen = (counts.support > 0) | (counts.predicted > 0)
    averages = {}
    fields = (counts.hits, counts.predicted, counts.support, counts.total)
    totals = Counts(*(np.sum(field, axis=-1) for field in fields))
    for name in ("precision", "recall", "f1"):
        values = np.nan_to_num(getattr(counts, name)())
        averages[f"macro_{name}"] = divide((values * seen).sum(axis=-1), seen.sum(axis=-1))
        averages[f"micro_{name}"] = getattr(totals, name)()
        weighted = (values * counts.support).sum(axis=-1)
        averages[f"weighted_{name}"] = divide(weighted, counts.support.sum(axis=-1))
    return averages


def agreement(counts: Counts) -> dict[str, np.ndarray]:
    """Compute measures of agreement beyond chance, for single-label texts.

    Args:
        counts: `Counts`; `total` of shape `(..., num_labels)`. Texts without a
            prediction are part of the support only.

    Returns:
        A dict of `balanced_accuracy` (mean recall of the labels that occur),
        `matthews_correlation` ([Gorodkin, 2004](
        https://doi.org/10.1016/j.compbiolchem.2004.09.006)) and `cohen_kappa`
        ([Cohen, 1960](https://doi.org/10.1177/001316446002000104)), arrays of
        shape `(...)`, `nan` where undefined.
    """
    occurs = counts.support > 0
    recall = np.nan_to_num(counts.recall())
    texts = counts.support.sum(axis=-1).astype(np.float64)
    unanswered = texts - counts.predicted.sum(axis=-1)
    right = counts.hits.sum(axis=-1)
    together = (counts.predicted.astype(np.float64) * counts.support).sum(axis=-1)
    # "No prediction" counts as one more label that is predicted and never occurs.
    spread_predicted = texts**2 - (counts.predicted.astype(np.float64) ** 2).sum(axis=-1)
    spread_predicted = spread_predicted - unanswered**2
    spread_actual = texts**2 - (counts.support.astype(np.float64) ** 2).sum(axis=-1)
    return {
        "balanced_accuracy": divide((recall * occurs).sum(axis=-1), occurs.sum(axis=-1)),
        "matthews_correlation": divide(
            right * texts - together, np.sqrt(spread_predicted * spread_actual)
        ),
        "cohen_kappa": divide(right * texts - together, texts**2 - together),
    }
