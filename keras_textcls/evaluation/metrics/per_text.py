"""Metrics that are means over texts: a value for each text, `nan` if it is undefined."""

from __future__ import annotations

import numpy as np

from keras_textcls.evaluation.metrics import counts
from keras_textcls.evaluation.metrics.scores import CHUNK, Scores


def per_text_values(
    scores: Scores, predicted: np.ndarray, top_k: int | None
) -> dict[str, np.ndarray]:
    """Compute the metrics of single texts.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.
        top_k: int or `None`, how many of the most probable labels count as a
            hit in `top_K_accuracy` (single-label); `None` leaves that out.

    Returns:
        A dict from the name of a metric to a float array of shape
        `(num_texts,)`. The metric is its mean over the values that are not
        `nan`. Single-label: `accuracy`, `top_K_accuracy`, `log_loss`,
        `brier_score`. Multi-label: `subset_accuracy`, `hamming_loss`,
        `log_loss`, `brier_score` over the known labels, and
        `label_ranking_average_precision` and `coverage_error` over texts of
        which all labels are known.
    """
    parts = [
        _values(scores.take(slice(start, start + CHUNK)), predicted[start : start + CHUNK], top_k)
        for start in range(0, len(scores), CHUNK)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _values(scores: Scores, predicted: np.ndarray, top_k: int | None) -> dict[str, np.ndarray]:
    if scores.multi_label:
        return _multi_label(scores, predicted) | _ranking(scores)
    return _single_label(scores, predicted, top_k)


def _single_label(
    scores: Scores, predicted: np.ndarray, top_k: int | None
) -> dict[str, np.ndarray]:
    """The metrics of scikit-learn; the Brier score of two labels is that of the second."""
    probabilities, actual = scores.y_score.astype(np.float64), scores.y_true
    classes = probabilities.shape[1]
    known = actual < classes
    own = np.zeros(len(actual))
    own[known] = probabilities[known, actual[known]]
    squares = (probabilities**2).sum(axis=1) - 2 * own + 1
    # Probabilities are normalized, since their sum may differ from 1 by rounding.
    share = np.clip(own / probabilities.sum(axis=1), _smallest(scores), 1)
    columns = {
        "accuracy": (predicted == actual).astype(np.float64),
        # A label that the model does not have has no probability.
        "log_loss": np.where(known, -np.log(share), np.nan),
        "brier_score": squares / 2 if classes == 2 else squares,
    }
    if top_k is not None:
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]
        columns[f"top_{top_k}_accuracy"] = (best == actual[:, None]).any(axis=1).astype(np.float64)
    return columns


def _multi_label(scores: Scores, predicted: np.ndarray) -> dict[str, np.ndarray]:
    columns = scores.y_score.shape[1]
    actual = scores.y_true
    known, there = actual >= 0, actual == 1
    wrong = (counts.pad(predicted, actual.shape[1]) != there) & known
    judged = known.sum(axis=1)
    smallest = _smallest(scores)
    probabilities = np.clip(scores.y_score.astype(np.float64), smallest, 1 - smallest)
    own_known, own_there = known[:, :columns], there[:, :columns]
    losses = -np.log(np.where(own_there, probabilities, 1 - probabilities))
    squares = (scores.y_score.astype(np.float64) - own_there) ** 2
    own_judged = own_known.sum(axis=1)
    return {
        "subset_accuracy": np.where(known.all(axis=1), ~wrong.any(axis=1), np.nan),
        "hamming_loss": counts.divide(wrong.sum(axis=1), judged),
        "log_loss": counts.divide((losses * own_known).sum(axis=1), own_judged),
        "brier_score": counts.divide((squares * own_known).sum(axis=1), own_judged),
    }


def _smallest(scores: Scores) -> float:
    """The smallest probability in logarithms, as in scikit-learn."""
    return float(np.finfo(scores.y_score.dtype).eps)


def _ranking(scores: Scores) -> dict[str, np.ndarray]:
    """Ranking metrics of the actual labels of each text.

    Labels of equal score share the worse rank, as in scikit-learn
    (`label_ranking_average_precision_score`, `coverage_error`, which loop over
    texts). Tsoumakas et al., [Mining multi-label data](
    https://doi.org/10.1007/978-0-387-09823-4_34), 2010.
    """
    columns = scores.y_score.shape[1]
    ranked = (scores.y_true >= 0).all(axis=1) & ~(scores.y_true[:, columns:] == 1).any(axis=1)
    precision, coverage = np.full(len(scores), np.nan), np.full(len(scores), np.nan)
    rows = np.flatnonzero(ranked)
    step = max(1, (1 << 22) // columns**2)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        there = scores.y_true[part, :columns] == 1
        values = scores.y_score[part]
        # reaches[t, i, j]: label j of text t scores at least as high as label i.
        reaches = values[:, None, :] >= values[:, :, None]
        rank = reaches.sum(axis=2)
        right = (reaches & there[:, None, :]).sum(axis=2)
        number = there.sum(axis=1)
        share = (there * right / rank).sum(axis=1)
        trivial = (number == 0) | (number == columns)
        precision[part] = np.where(trivial, 1.0, share / np.maximum(number, 1))
        coverage[part] = (rank * there).max(axis=1)
    return {"label_ranking_average_precision": precision, "coverage_error": coverage}
