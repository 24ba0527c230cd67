"""Calibration error and the bins behind it: does a probability of 0.8 come true 8 times in 10?"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.evaluation.metrics.counts import divide
from keras_textcls.evaluation.metrics.scores import Scores
from keras_textcls.predictions.calibration import BINS, bin_of


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Answers in bins of equal width of their probability.

    Args:
        edges: float array of shape `(num_bins + 1,)`.
        count: float array of shape `(..., num_bins)`, answers in each bin.
        confidence: float array of the same shape, sum of their probabilities.
        right: float array of the same shape, how many of them are right.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    right: np.ndarray

    @property
    def mean_confidence(self) -> np.ndarray:
        """Mean probability of each bin, `nan` where it is empty."""
        return divide(self.confidence, self.count)

    @property
    def accuracy(self) -> np.ndarray:
        """Share of right answers of each bin, `nan` where it is empty."""
        return divide(self.right, self.count)

    @property
    def error(self) -> np.ndarray:
        """Expected calibration error: mean distance of the two, weighted by answers."""
        gaps = np.abs(self.confidence - self.right).sum(axis=-1)
        return divide(gaps, self.count.sum(axis=-1))


def answers(scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the answers whose probability is judged.

    Single-label: the most probable label of each text ([Guo et al., 2017](
    https://arxiv.org/abs/1706.04599)). Multi-label: every known pair of a text
    and a label; the probability is that the label is there.

    Args:
        scores: `Scores`.

    Returns:
        A tuple of an int array, the row of each answer, a float array, its
        probability, and a bool array, whether it is right.
    """
    if not scores.multi_label:
        best = scores.y_score.argmax(axis=1)
        rows = np.arange(len(best))
        return rows, scores.y_score[rows, best], best == scores.y_true
    own = scores.y_true[:, : scores.y_score.shape[1]]
    rows, columns = np.nonzero(own >= 0)
    return rows, scores.y_score[rows, columns], own[rows, columns] == 1


def reliability(scores: Scores, bins: int = BINS) -> Reliability:
    """Sort answers into bins of their probability.

    Args:
        scores: `Scores`.
        bins: int, number of bins of equal width. Defaults to `15`.

    Returns:
        `Reliability`.
    """
    _, place, columns = _places(scores, bins)
    return Reliability(
        _edges(bins), *(np.bincount(place, column, minlength=bins) for column in columns)
    )


def by_text(scores: Scores, bins: int = BINS) -> list[np.ndarray]:
    """Sort the answers of each text into bins, for sums over weighted texts.

    Args:
        scores: `Scores`.
        bins: int, number of bins of equal width. Defaults to `15`.

    Returns:
        A list of three float arrays of shape `(num_texts, num_bins)`, as the
        last three arguments of `Reliability`.
    """
    rows, place, columns = _places(scores, bins)
    cells, size = rows * bins + place, len(scores) * bins
    return [np.bincount(cells, c, minlength=size).reshape(-1, bins) for c in columns]


def weighted(tables: list[np.ndarray], weights: np.ndarray) -> Reliability:
    """Sum up the bins of weighted texts.

    Args:
        tables: as `by_text` returns them.
        weights: float array of shape `(num_resamples, num_texts)`.

    Returns:
        `Reliability` with an axis of resamples in front.
    """
    return Reliability(_edges(tables[0].shape[1]), *(weights @ table for table in tables))


def _edges(bins: int) -> np.ndarray:
    return np.linspace(0, 1, bins + 1)


def _places(scores: Scores, bins: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Rows of the answers, their bins, and what is summed up."""
    rows, probability, right = answers(scores)
    return rows, bin_of(probability, bins), [np.ones(len(rows)), probability, right]
