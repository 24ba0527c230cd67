"""Calibration error: whether predictions with a probability of 0.8 are correct in 80 % of cases."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.evaluation.metrics.counts import divide
from keras_textcls.evaluation.metrics.scores import Scores
from keras_textcls.predictions.calibration import BINS, bin_of


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Predictions in bins of equal width of their probability (a reliability diagram).

    Args:
        edges: float array of shape `(num_bins + 1,)`, edges of the bins.
        count: float array of shape `(..., num_bins)`, number of predictions in
            each bin.
        confidence: float array of the same shape, sum of their probabilities.
        right: float array of the same shape, number of correct predictions.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    right: np.ndarray

    @property
    def mean_confidence(self) -> np.ndarray:
        """Mean probability of each bin, `nan` if the bin is empty."""
        return divide(self.confidence, self.count)

    @property
    def accuracy(self) -> np.ndarray:
        """Share of correct predictions in each bin, `nan` if the bin is empty."""
        return divide(self.right, self.count)

    @property
    def error(self) -> np.ndarray:
        """Expected calibration error: mean of `|mean_confidence - accuracy|`, weighted by count."""
        gaps = np.abs(self.confidence - self.right).sum(axis=-1)
        return divide(gaps, self.count.sum(axis=-1))


def answers(scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the predictions whose calibration is measured.

    Single-label: the most probable label of each text ([Guo et al., 2017](
    https://arxiv.org/abs/1706.04599)). Multi-label: every pair of a text and a label that
    is known; the probability is that the text has the label.

    Args:
        scores: `Scores`.

    Returns:
        A tuple of an int array, the row of each prediction, a float array, its
        probability, and a bool array, whether it is correct.
    """
    if not scores.multi_label:
        best = scores.y_score.argmax(axis=1)
        rows = np.arange(len(best))
        return rows, scores.y_score[rows, best], best == scores.y_true
    own = scores.y_true[:, : scores.y_score.shape[1]]
    rows, columns = np.nonzero(own >= 0)
    return rows, scores.y_score[rows, columns], own[rows, columns] == 1


def reliability(scores: Scores, bins: int = BINS) -> Reliability:
    """Sort predictions into bins of their probability.

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
    """Sort the predictions of each text into bins, for sums over weighted texts.

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
    """The rows of the predictions, their bins, and the values to sum in each bin."""
    rows, probability, right = answers(scores)
    return rows, bin_of(probability, bins), [np.ones(len(rows)), probability, right]
