"""ROC and precision-recall curves, of labels and averaged, and histograms of scores."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from keras_textcls.evaluation.metrics.counts import divide
from keras_textcls.evaluation.metrics.ranking import known_rows
from keras_textcls.evaluation.metrics.scores import Scores

# The thresholds 0, 0.01, ..., 1, and the points at which curves are averaged.
GRID = np.arange(101) / 100


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A curve over thresholds.

    Args:
        x: float array: false positive rate (ROC), or recall.
        y: float array of the same shape: true positive rate (ROC), or
            precision; `nan` if undefined.
        thresholds: float array of the same shape, or `None` for an average over
            labels. The last point of a precision-recall curve, recall 0, has
            threshold infinity.
    """

    x: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray | None


def roc(scores: Scores, label: int) -> Curve:
    """Return the ROC curve of a label, at every score where its slope changes.

    Args:
        scores: `Scores`.
        label: int, a column of the scores.

    Returns:
        A `Curve`, empty for a label that all texts or no text has.
    """
    actual, values = known_rows(scores, label)
    if not 0 < actual.sum() < len(actual):
        return Curve(np.empty(0), np.empty(0), np.empty(0))
    return Curve(*roc_curve(actual, values))


def precision_recall(scores: Scores, label: int) -> Curve:
    """Return the precision-recall curve of a label, at every score where its slope changes.

    Args:
        scores: `Scores`.
        label: int, a column of the scores.

    Returns:
        A `Curve`, empty for a label that no text has.
    """
    actual, values = known_rows(scores, label)
    if not actual.any():
        return Curve(np.empty(0), np.empty(0), np.empty(0))
    precision, recall, thresholds = precision_recall_curve(actual, values, drop_intermediate=True)
    return Curve(recall, precision, np.append(thresholds, np.inf))


def at_grid(scores: Scores, label: int) -> dict[str, np.ndarray]:
    """Count a label at the thresholds 0, 0.01, ..., 1.

    The label is predicted if its score reaches the threshold; other labels are ignored.

    Args:
        scores: `Scores`.
        label: int, a column of the scores.

    Returns:
        A dict of arrays of 101 values: `threshold`, `tp`, `fp`, `fn`, `tn`,
        `precision` (`nan` if nothing is predicted), `recall` and
        `false_positive_rate`.
    """
    actual, values = known_rows(scores, label)
    grid = GRID
    hits = _reaching(values[actual], grid)
    wrong = _reaching(values[~actual], grid)
    positives, negatives = int(actual.sum()), int((~actual).sum())
    return {
        "threshold": grid,
        "tp": hits,
        "fp": wrong,
        "fn": positives - hits,
        "tn": negatives - wrong,
        "precision": divide(hits, hits + wrong),
        "recall": divide(hits, np.full(len(grid), positives)),
        "false_positive_rate": divide(wrong, np.full(len(grid), negatives)),
    }


def _reaching(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    ordered = np.sort(values.astype(np.float64))
    return len(ordered) - np.searchsorted(ordered, grid, side="left")


def macro_roc(scores: Scores) -> Curve:
    """Average the ROC curves of labels, at 101 false positive rates.

    Args:
        scores: `Scores`.

    Returns:
        A `Curve`, the mean over labels with a curve; empty if there are none.
    """
    curves = [roc(scores, i) for i in range(scores.y_score.shape[1])]
    # Of several points at one rate the highest, as in the step function.
    heights = [np.interp(GRID, c.x, c.y) for c in curves if len(c.x)]
    return _average(GRID, heights)


def macro_precision_recall(scores: Scores) -> Curve:
    """Average the precision-recall curves of labels, at 101 recalls.

    Args:
        scores: `Scores`.

    Returns:
        A `Curve`, the mean over labels with a curve; empty if there are none.
    """
    curves = [precision_recall(scores, i) for i in range(scores.y_score.shape[1])]
    # The best precision at this recall or a higher one. Linear interpolation would be too
    # optimistic: no threshold reaches it (Davis and Goadrich, 2006).
    heights = [
        np.array([c.y[:-1][c.x[:-1] >= point].max() for point in GRID]) for c in curves if len(c.x)
    ]
    return _average(GRID, heights)


def _average(points: np.ndarray, heights: list[np.ndarray]) -> Curve:
    if not heights:
        return Curve(np.empty(0), np.empty(0), None)
    return Curve(points, np.mean(heights, axis=0), None)


def histogram(scores: Scores, label: int, bins: int = 20) -> tuple[np.ndarray, ...]:
    """Compute histograms of the scores of a label, for texts with the label and without.

    Args:
        scores: `Scores`.
        label: int, a column of the scores.
        bins: int, of equal width. Defaults to `20`.

    Returns:
        A tuple of the edges, of shape `(bins + 1,)`, and two int arrays of shape
        `(bins,)`, counts of texts with the label and without.
    """
    actual, values = known_rows(scores, label)
    edges = np.linspace(0, 1, bins + 1)
    return edges, np.histogram(values[actual], edges)[0], np.histogram(values[~actual], edges)[0]
