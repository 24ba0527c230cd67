"""Finds texts whose label is probably wrong, by confident learning.

A text is suspected if the probability of another label is at least the mean probability of
that label over the texts that have it, and if the given label is not the most probable one.
Northcutt, Jiang and Chuang, [Confident learning: estimating uncertainty in dataset labels](
https://doi.org/10.1613/jair.1.12125), JAIR 2021. The scores must be of texts that the model
was not trained on, such as those of `cross_validate`. The method is implemented here because
cleanlab, the library of its authors, is under the AGPL, whose terms also apply to services.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.evaluation.metrics.scores import Scores


@dataclasses.dataclass(frozen=True)
class SuspectedLabelError:
    """A text whose label is probably wrong.

    Args:
        row: int, row of the text among the evaluated texts.
        text: string, or `None` if the texts are unknown.
        given: string, the label in the data; for multi-label, the label in
            question.
        suggested: string or `None`, the label that the model suggests. For
            multi-label: the same as `given` if the label should be added, `None`
            if it should be removed.
        score: float, probability of the label as given; lower is more suspicious.
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
        A list of tuples of the row, the given label, the suggested label (for
        multi-label: the same label to add it, `None` to remove it) and the
        probability of the label as given, the lowest first.
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
    """Texts off the diagonal of the confident joint, and their column."""
    classes = values.shape[1]
    # A label that no text has cannot be confidently suggested.
    usual = np.array(
        [values[given == j, j].mean() if (given == j).any() else np.inf for j in range(classes)]
    )
    confident = values >= usual - 1e-6
    best = np.where(confident, values, -1.0).argmax(axis=1)
    # If the given label is the most probable one, no other label is suggested.
    disagrees = (best != given) & (values.argmax(axis=1) != given)
    rows = np.flatnonzero(confident.any(axis=1) & disagrees)
    return list(zip(rows.tolist(), best[rows].tolist(), strict=True))
