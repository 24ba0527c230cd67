"""Paired tests of whether one model is significantly better than another on the same texts."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy.stats import binomtest, chi2

from keras_textcls.evaluation.metrics.resampling import percentile_interval
from keras_textcls.evaluation.report.report_numbers import ReportNumbers

# The exact test is used if fewer texts than this are predicted correctly by one model only.
_FEW = 25


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """The difference of a metric between two models on the same texts.

    Args:
        metric: string, name of the metric.
        first: string, name of the first model.
        second: string, name of the second model.
        difference: float, metric of the first model minus that of the second.
        low: float, lower end of the 95 % interval of the paired bootstrap.
        high: float, upper end of the interval.
    """

    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


@dataclasses.dataclass(frozen=True)
class McNemar:
    """The result of McNemar's test of two models on the same texts.

    Args:
        only_first: int, number of texts that only the first model predicts
            correctly.
        only_second: int, number of texts that only the second model predicts
            correctly.
        statistic: float; for the exact test, the smaller of the two numbers.
        p_value: float, probability of a difference at least this large if both
            models were equally accurate.
        exact: bool, whether the exact binomial test was used, for fewer than 25
            texts.
    """

    only_first: int
    only_second: int
    statistic: float
    p_value: float
    exact: bool


def paired_difference(first: ReportNumbers, second: ReportNumbers, metric: str) -> PairedDifference:
    """Compare a metric of two reports on the same texts.

    Both models are evaluated on the same bootstrap resamples, so texts that are difficult
    for both models do not widen the interval ([Efron and Tibshirani, 1993](
    https://doi.org/10.1201/9780429246593), chapter 16).

    Args:
        first: `Report`.
        second: `Report` on the same texts, with the same seed.
        metric: string, name of a metric.

    Returns:
        A `PairedDifference`.
    """
    value = first[metric] - second[metric]
    one, other = (report.resamples.deviations(metric) for report in (first, second))
    number = min(len(one), len(other))
    low, high = percentile_interval(one[:number] - other[:number], value)
    return PairedDifference(metric, first.name, second.name, value, low, high)


def mcnemar(first: ReportNumbers, second: ReportNumbers) -> McNemar:
    """Test whether two models predict equally many texts correctly.

    If fewer than 25 texts are predicted correctly by one model only, this is the exact
    binomial test; otherwise it is the chi-squared test with continuity correction
    ([McNemar, 1947](https://doi.org/10.1007/BF02295996)).

    Args:
        first: `Report`.
        second: `Report` on the same texts.

    Returns:
        A `McNemar`; `statistic` and `p_value` are `nan` if no text is predicted
        correctly by one model only.
    """
    one, other = is_right(first), is_right(second)
    counts = int((one & ~other).sum()), int((other & ~one).sum())
    total = sum(counts)
    if not total:
        return McNemar(*counts, statistic=math.nan, p_value=math.nan, exact=True)
    if total < _FEW:
        p_value = float(binomtest(min(counts), total, 0.5).pvalue)
        return McNemar(*counts, statistic=float(min(counts)), p_value=p_value, exact=True)
    statistic = (abs(counts[0] - counts[1]) - 1) ** 2 / total
    return McNemar(*counts, statistic=statistic, p_value=float(chi2.sf(statistic, 1)), exact=False)


def is_right(report: ReportNumbers) -> np.ndarray:
    """Return which texts are predicted correctly; for multi-label, in all known labels.

    Args:
        report: `Report`.

    Returns:
        A bool array of shape `(num_texts,)`.
    """
    if not report.multi_label:
        return report.y_pred == report.y_true
    classes = len(report.labels)
    known = report.y_true >= 0
    own = (report.y_pred == (report.y_true[:, :classes] == 1)) | ~known[:, :classes]
    return own.all(axis=1) & ~(report.y_true[:, classes:] == 1).any(axis=1)
