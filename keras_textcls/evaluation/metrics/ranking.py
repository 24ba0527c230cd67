"""ROC AUC and average precision of each label, of the texts and of their resamples."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_textcls.evaluation.metrics.counts import divide
from keras_textcls.evaluation.metrics.scores import Scores


def known_rows(scores: Scores, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the known targets and the scores of one label.

    Args:
        scores: `Scores`.
        label: int, a column of the scores.

    Returns:
        A tuple of a bool array, whether a text has the label, and a float array of
        its scores, both of the texts for which the label is known.
    """
    actual, values = scores.is_actual(label), scores.y_score[:, label]
    known = actual >= 0
    return (actual[known] == 1, values[known]) if not known.all() else (actual == 1, values)


def roc_auc(scores: Scores) -> np.ndarray:
    """Return the area under the ROC curve of each label against the rest.

    Args:
        scores: `Scores`.

    Returns:
        A float array of shape `(num_classes,)`; `nan` for a label that all texts
        or no text has.
    """
    areas_by_label = np.full(scores.y_score.shape[1], np.nan)
    for label in range(len(areas_by_label)):
        actual, values = known_rows(scores, label)
        if 0 < actual.sum() < len(actual):
            areas_by_label[label] = roc_auc_score(actual, values)
    return areas_by_label


def average_precision(scores: Scores) -> np.ndarray:
    """Return the average precision of each label against the rest.

    Args:
        scores: `Scores`.

    Returns:
        A float array of shape `(num_classes,)`; `nan` for a label that no text
        has.
    """
    precisions = np.full(scores.y_score.shape[1], np.nan)
    for label in range(len(precisions)):
        actual, values = known_rows(scores, label)
        if actual.any():
            precisions[label] = average_precision_score(actual, values)
    return precisions


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """Texts sorted by their scores for one label, once for all resamples.

    Args:
        order: int array, rows from the highest score to the lowest.
        actual: float array, 1 for texts of that order that have the label.
        ends: int array, where runs of equal scores end.
    """

    order: np.ndarray
    actual: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, scores: Scores, label: int) -> Ranking:
        """Sort the texts for which the label is known.

        Args:
            scores: `Scores`.
            label: int, a column of the scores.

        Returns:
            A `Ranking`.
        """
        known = np.flatnonzero(scores.is_actual(label) >= 0)
        if not (scores.is_actual(label) == 1).any():
            # Of thousands of labels most have no text in a test set, and no area is defined.
            known = known[:0]
        values = scores.y_score[known, label]
        order = np.argsort(-values, kind="stable")
        is_end = np.append(values[order][1:] != values[order][:-1], True)[: len(values)]
        actual = (scores.is_actual(label)[known][order] == 1).astype(np.float64)
        return cls(known[order], actual, np.flatnonzero(is_end))

    def areas(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ROC AUC and average precision of weighted texts.

        Args:
            weights: float array of shape `(num_resamples, num_texts)`, how often
                each text occurs in a resample.

        Returns:
            A tuple of two float arrays of shape `(num_resamples,)`, `nan` where
            undefined.
        """
        if not len(self.order):
            nothing = np.full(len(weights), np.nan)
            return nothing, nothing
        drawn = weights[:, self.order]
        true = np.cumsum(drawn * self.actual, axis=1)[:, self.ends]
        all_drawn = np.cumsum(drawn, axis=1)[:, self.ends]
        false = all_drawn - true
        positives, negatives = true[:, -1], false[:, -1]
        # Trapezes: false positives that a run of equal scores adds, times the mean height.
        first = np.zeros((len(weights), 1))
        heights = true + np.concatenate([first, true[:, :-1]], axis=1)
        widths = np.diff(false, axis=1, prepend=first)
        auc = divide((heights * widths).sum(axis=1) / 2, positives * negatives)
        gains = np.diff(true, axis=1, prepend=first)
        precision = np.nan_to_num(divide(true, all_drawn))
        return auc, divide((gains * precision).sum(axis=1), positives)
