"""Which labels a model gives to a text, at thresholds; as `TextClassifier.classify` decides."""

from __future__ import annotations

import numpy as np

from keras_textcls.evaluation.metrics.scores import Scores

NO_ANSWER = -1
MULTI_LABEL_THRESHOLD = 0.5


def decide(scores: Scores, thresholds: np.ndarray | None = None) -> np.ndarray:
    """Decide on labels.

    Args:
        scores: `Scores`.
        thresholds: float array of shape `(num_classes,)`, the probability that
            a label must reach, or `None`: 0.5 for multi-label, none otherwise.

    Returns:
        Single-label: an int32 array of shape `(num_texts,)`, the most probable
        label, or -1, no answer, where it stays below its threshold.
        Multi-label: a bool array of shape `(num_texts, num_classes)`.
    """
    if scores.multi_label:
        if thresholds is None:
            return scores.y_score >= MULTI_LABEL_THRESHOLD
        return scores.y_score >= thresholds
    best = scores.y_score.argmax(axis=1).astype(np.int32)
    if thresholds is not None:
        reached = scores.y_score[np.arange(len(best)), best] >= thresholds[best]
        best = np.where(reached, best, np.int32(NO_ANSWER))
    return best
