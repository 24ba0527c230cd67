"""The headline numbers of an evaluation, and why one of them is undefined."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from keras_textcls.errors import shorten
from keras_textcls.evaluation import counts, per_text, ranking, reliability
from keras_textcls.evaluation.counts import Counts
from keras_textcls.evaluation.scores import Scores

# Metrics of which less is better.
LOSSES = frozenset(
    ["log_loss", "brier_score", "expected_calibration_error", "hamming_loss", "coverage_error"]
)
_MOST_NAMES = 5


@dataclasses.dataclass(frozen=True)
class Metric:
    """One headline number.

    Args:
        name: string.
        value: float, `nan` where undefined.
        low: float, lower end of the 95 % bootstrap interval.
        high: float, upper end.
        reason: string or `None`, why the number is undefined, or what it leaves
            out.
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
        """Average over the labels that have an area.

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


def from_counts(found: Counts, multi_label: bool) -> dict[str, np.ndarray]:
    """Compute the metrics that follow from counts.

    Args:
        found: `Counts`.
        multi_label: bool.

    Returns:
        A dict from name to an array of the leading axes.
    """
    return counts.averaged(found) | ({} if multi_label else counts.agreement(found))


def point_values(
    scores: Scores, predicted: np.ndarray, found: Counts, areas: LabelAreas, top_k: int | None
) -> dict[str, float]:
    """Compute all metrics.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decisions.decide` returns them.
        found: `Counts` of them.
        areas: `LabelAreas`.
        top_k: int or `None`, for `top_K_accuracy`.

    Returns:
        A dict from name to value.
    """
    texts = per_text.per_text_values(scores, predicted, top_k)
    values: dict[str, Any] = {name: _mean(column) for name, column in texts.items()}
    values |= from_counts(found, scores.multi_label) | areas.averaged()
    values["expected_calibration_error"] = reliability.reliability(scores).error
    # The likeliest texts have no probability for a label that the model lacks: no finite loss.
    if scores.extra_labels and not scores.multi_label:
        values["log_loss"] = math.nan
    return {name: float(values[name]) for name in sorted(values, key=_place)}


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


def reasons(scores: Scores, found: Counts, areas: LabelAreas) -> dict[str, str]:
    """Say why metrics are undefined, or what they leave out.

    Args:
        scores: `Scores`.
        found: `Counts`.
        areas: `LabelAreas`.

    Returns:
        A dict from the name of a metric to a reason.
    """
    names = np.asarray(scores.all_labels, object)
    classes = len(scores.labels)
    said: dict[str, str] = {}
    never = names[(found.predicted == 0) & (found.support > 0)]
    if len(never):
        said["macro_precision"] = f"{_list(never)} never predicted: counted as 0"
    absent = names[(found.support == 0) & (found.predicted == 0)]
    if len(absent):
        said["macro_f1"] = f"left out, neither in the data nor predicted: {_list(absent)}"
    only_predicted = names[(found.support == 0) & (found.predicted > 0)]
    if len(only_predicted):
        said["macro_recall"] = (
            f"predicted but not in the data, counted as 0: {_list(only_predicted)}"
        )
    without = names[:classes][np.isnan(areas.roc_auc)]
    if len(without):
        said["macro_roc_auc"] = said["roc_auc_std"] = (
            f"undefined for {_list(without)}, which all texts have, or none: left out"
        )
    without = names[:classes][np.isnan(areas.average_precision)]
    if len(without):
        said["macro_average_precision"] = f"undefined for {_list(without)}, in no text: left out"
    said |= _reasons_of_single_labels(scores, found) if not scores.multi_label else {}
    return said


def _reasons_of_single_labels(scores: Scores, found: Counts) -> dict[str, str]:
    said: dict[str, str] = {}
    if (found.support > 0).sum() < 2:
        one = "all texts have the same label"
        said["matthews_correlation"] = said["cohen_kappa"] = one
    elif (found.predicted > 0).sum() < 2 and found.predicted.sum() == len(scores):
        said["matthews_correlation"] = "all answers are the same label"
    if scores.extra_labels:
        said["log_loss"] = (
            f"the model has no probability for {_list(scores.extra_labels)}, which the data have"
        )
    return said


def _list(names: object) -> str:
    listed = [shorten(str(name)) for name in list(names)]  # type: ignore[call-overload]
    more = len(listed) - _MOST_NAMES
    return ", ".join(listed[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
