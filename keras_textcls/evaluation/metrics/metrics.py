"""The main metrics of an evaluation, and the reasons why some are undefined."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_textcls.errors import shorten
from keras_textcls.evaluation.metrics import counts, per_text, ranking, reliability
from keras_textcls.evaluation.metrics.counts import Counts
from keras_textcls.evaluation.metrics.scores import Scores

# Metrics for which lower is better.
LOSSES = frozenset(
    ["log_loss", "brier_score", "expected_calibration_error", "hamming_loss", "coverage_error"]
)
_MOST_NAMES = 5
_NO_ANSWER = "no label is predicted"


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric of a report.

    Args:
        name: string.
        value: float, `nan` if undefined.
        low: float, lower end of the 95 % bootstrap interval.
        high: float, upper end of the interval.
        reason: string or `None`, why the metric is undefined, or which labels it
            leaves out.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    reason: str | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        interval = "" if math.isnan(self.low) else f" [{self.low:.4f}, {self.high:.4f}]"
        return f"{self.name} {self.value:.4f}{interval}{f' ({self.reason})' * bool(self.reason)}"


@dataclasses.dataclass(frozen=True, eq=False)
class LabelAreas:
    """Areas under the curves of each label.

    Args:
        roc_auc: float array of shape `(..., num_classes)`.
        average_precision: float array of the same shape.
    """

    roc_auc: np.ndarray
    average_precision: np.ndarray

    def averaged(self) -> dict[str, np.ndarray]:
        """Average over the labels whose area is defined.

        Returns:
            A dict of `macro_roc_auc`, `roc_auc_std` (over labels) and
            `macro_average_precision`.
        """
        mean, spread = _mean_and_std(self.roc_auc)
        return {
            "macro_roc_auc": mean,
            "roc_auc_std": spread,
            "macro_average_precision": _mean_and_std(self.average_precision)[0],
        }


def _mean_and_std(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(values)
    number = known.sum(axis=-1)
    filled = np.where(known, values, 0.0)
    mean = counts.divide(filled.sum(axis=-1), number)
    gaps = np.where(known, values - np.nan_to_num(mean)[..., None], 0.0)
    return mean, np.sqrt(counts.divide((gaps**2).sum(axis=-1), number))


def label_areas(scores: Scores) -> LabelAreas:
    """Compute the areas under the curves of each label.

    Args:
        scores: `Scores`.

    Returns:
        `LabelAreas`.
    """
    return LabelAreas(ranking.roc_auc(scores), ranking.average_precision(scores))


def from_counts(label_counts: Counts, multi_label: bool) -> dict[str, np.ndarray]:
    """Compute the metrics that depend on counts only.

    Args:
        label_counts: `Counts`.
        multi_label: bool.

    Returns:
        A dict from name to an array of the leading axes.
    """
    return counts.averaged(label_counts) | ({} if multi_label else counts.agreement(label_counts))


def point_values(
    scores: Scores,
    predicted: np.ndarray,
    label_counts: Counts,
    areas: LabelAreas,
    top_k: int | None,
) -> dict[str, float]:
    """Compute all metrics.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.
        label_counts: `Counts` of the decisions.
        areas: `LabelAreas`.
        top_k: int or `None`, for `top_K_accuracy`.

    Returns:
        A dict from name to value.
    """
    texts = per_text.per_text_values(scores, predicted, top_k)
    values: dict[str, Any] = {name: _mean(column) for name, column in texts.items()}
    values |= from_counts(label_counts, scores.multi_label) | areas.averaged()
    values["expected_calibration_error"] = reliability.reliability(scores).error
    # A label that the model does not have has no probability, so the loss is not finite.
    if lacking(scores).any():
        values["log_loss"] = math.nan
    return {name: float(values[name]) for name in sorted(values, key=_place)}


def lacking(scores: Scores) -> np.ndarray:
    """Return which single-label texts have a label that the model does not have.

    Args:
        scores: `Scores`.

    Returns:
        A bool array of shape `(num_texts,)`, all `False` for multi-label.
    """
    if scores.multi_label:
        return np.zeros(len(scores), bool)
    return scores.y_true >= len(scores.labels)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


_ORDER = (
    "accuracy subset_accuracy top balanced_accuracy macro_f1 macro_precision macro_recall micro_f1 "
    "micro_precision micro_recall weighted_f1 weighted_precision weighted_recall macro_roc_auc "
    "roc_auc_std macro_average_precision matthews_correlation cohen_kappa hamming_loss "
    "label_ranking_average_precision coverage_error log_loss brier_score "
    "expected_calibration_error"
).split()


def _place(name: str) -> int:
    return _ORDER.index("top" if name.startswith("top_") else name)


def reasons(
    scores: Scores, label_counts: Counts, areas: LabelAreas, values: dict[str, float]
) -> dict[str, str]:
    """Return the reasons why metrics are undefined, or which labels they leave out.

    Args:
        scores: `Scores`.
        label_counts: `Counts`.
        areas: `LabelAreas`.
        values: dict from name to value, as `point_values` returns them.

    Returns:
        A dict from the name of a metric to a reason.
    """
    names = np.asarray(scores.all_labels, object)
    classes = len(scores.labels)
    said: dict[str, str] = {}
    for name in ("accuracy", "subset_accuracy"):
        if values.get(name) in (0.0, 1.0):
            # The rule of three (Hanley and Lippman-Hand, 1983): all resamples are equal here.
            said[name] = (
                f"no resample differs, yet up to {100 * min(1, 3 / len(scores)):.2g} % of new "
                f"texts may turn out otherwise after {len(scores):,} like this"
            )
    never = names[(label_counts.predicted == 0) & (label_counts.support > 0)]
    if len(never):
        said["macro_precision"] = f"{list_names(never)} never predicted: counted as 0"
    absent = names[(label_counts.support == 0) & (label_counts.predicted == 0)]
    if len(absent):
        said["macro_f1"] = f"left out, neither in the data nor predicted: {list_names(absent)}"
    only_predicted = names[(label_counts.support == 0) & (label_counts.predicted > 0)]
    if len(only_predicted):
        said["macro_recall"] = (
            f"predicted but not in the data, counted as 0: {list_names(only_predicted)}"
        )
    without = names[:classes][np.isnan(areas.roc_auc)]
    if len(without):
        said["macro_roc_auc"] = said["roc_auc_std"] = (
            f"undefined for {list_names(without)}, which all texts have, or none: left out"
        )
    without = names[:classes][np.isnan(areas.average_precision)]
    if len(without):
        said["macro_average_precision"] = (
            f"undefined for {list_names(without)}, in no text: left out"
        )
    undefined = [name for name, value in values.items() if math.isnan(value)]
    why = _why_multi_label if scores.multi_label else _why_single_label
    return said | {
        name: reason for name in undefined if (reason := why(name, scores, label_counts))
    }


def _why_single_label(name: str, scores: Scores, label_counts: Counts) -> str | None:
    if name == "log_loss":
        extra = list_names(scores.all_labels[i] for i in np.unique(scores.y_true[lacking(scores)]))
        return f"the model has no probability for {extra}, which the data have"
    if name in ("matthews_correlation", "cohen_kappa"):
        if (label_counts.support > 0).sum() < 2:
            return "all texts have the same label"
        return "all answers are the same label" if label_counts.predicted.any() else _NO_ANSWER
    return _NO_ANSWER if name == "micro_precision" else None


def _why_multi_label(name: str, scores: Scores, label_counts: Counts) -> str | None:
    if not label_counts.total.any():
        return "no text is known to have a label or not to have it"
    if name in ("log_loss", "brier_score", "expected_calibration_error"):
        return "of no label of the model is it known which texts have it"
    if name == "subset_accuracy":
        return "of no text are all labels known"
    if name in ("label_ranking_average_precision", "coverage_error"):
        return "of no text are all labels known and labels of the model"
    if name == "micro_precision":
        return _NO_ANSWER
    if name.startswith(("micro_", "macro_", "weighted_")) and not label_counts.support.any():
        return "no text has a label"
    return None


def bounds(name: str) -> tuple[float, float]:
    """Return the range of a metric.

    Args:
        name: string, the metric.

    Returns:
        A tuple of two floats.
    """
    if name in ("log_loss", "coverage_error"):
        return 0.0, math.inf
    if name == "brier_score":
        return 0.0, 2.0
    return (-1.0 if name in ("matthews_correlation", "cohen_kappa") else 0.0), 1.0


def list_names(names: Iterable[str]) -> str:
    """Join the first of some names, for use in a sentence.

    Args:
        names: iterable of strings.

    Returns:
        A string.
    """
    listed = [shorten(str(name)) for name in names]
    more = len(listed) - _MOST_NAMES
    return ", ".join(listed[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
