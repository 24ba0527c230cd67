"""Texts whose label is probably wrong: confident learning.

A text is suspected where the model, on average right about a label, is at least
as sure of another label than it is on average of the texts that have that one,
and the label that the data give is not the one that it finds most probable.
Northcutt, Jiang and Chuang, [Confident learning: estimating uncertainty in
dataset labels](https://doi.org/10.1613/jair.1.12125), JAIR 2021. The scores
must be of texts that the model has not trained on: those of `cross_validate`.
Written by hand because the library of its authors, cleanlab, is under the
AGPL, which would bind whoever uses it in a service.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.evaluation.metrics.scores import Scores


@dataclasses.dataclass(frozen=True)
class SuspectedLabelError:
    """A text whose label is probably wrong.

    Args:
        row: int, its place among the evaluated texts.
        text: string or `None` where the texts are not known.
        given: string, the label that the data give, or, for multi-label, the
            label in question.
        suggested: string or `None`, the label that the model is sure of. For
            multi-label: the same as `given` where it should be added, `None`
            where it should be taken away.
        score: float, probability of the label as given: the lower, the worse.
    """

    row: int
    text: str | None
    given: str
    suggested: str | None
    score: float


def suspects(scores: Scores) -> list[tuple[int, int, int | None, float]]:
    """Find texts whose label is probably wrong.

    Args:
        scores: `Scores`.

    Returns:
        A list of tuples of a row, the label given, the label suggested (for
        multi-label: the same to add it, `None` to take it away) and the
        probability of what is given, the lowest first.
    """
    if not scores.multi_label:
        rows = np.flatnonzero(scores.y_true < len(scores.labels))
        given, values = scores.y_true[rows], scores.y_score[rows].astype(np.float64)
        suspected: list[tuple[int, int, int | None, float]] = [
            (int(rows[i]), int(given[i]), j, float(values[i, given[i]]))
            for i, j in _off_diagonal(given, values)
        ]
    else:
        suspected = [one for label in range(len(scores.labels)) for one in _of_label(scores, label)]
    return sorted(suspected, key=lambda one: (one[3], one[0]))


def _of_label(scores: Scores, label: int) -> list[tuple[int, int, int | None, float]]:
    rows = np.flatnonzero(scores.is_actual(label) >= 0)
    given = (scores.is_actual(label)[rows] == 1).astype(int)
    yes = scores.y_score[rows, label].astype(np.float64)
    values = np.stack([1 - yes, yes], axis=1)
    return [
        (int(rows[i]), label, label if j else None, float(values[i, given[i]]))
        for i, j in _off_diagonal(given, values)
    ]


def _off_diagonal(given: np.ndarray, values: np.ndarray) -> list[tuple[int, int]]:
    """Texts outside the diagonal of the confident joint, and the column they stand in."""
    classes = values.shape[1]
    # A label that no text has cannot be confidently suggested.
    usual = np.array(
        [values[given == j, j].mean() if (given == j).any() else np.inf for j in range(classes)]
    )
    confident = values >= usual - 1e-6
    best = np.where(confident, values, -1.0).argmax(axis=1)
    # Where the model agrees with the data after all, a less probable label is no suggestion.
    disagrees = (best != given) & (values.argmax(axis=1) != given)
    rows = np.flatnonzero(confident.any(axis=1) & disagrees)
    return list(zip(rows.tolist(), best[rows].tolist(), strict=True))
