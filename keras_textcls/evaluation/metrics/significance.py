"""Is one model better than another, or was it luck? Paired tests on the same texts."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy.stats import binomtest, chi2

from keras_textcls.evaluation.metrics.resampling import percentile_interval
from keras_textcls.evaluation.report.report_numbers import ReportNumbers

# With fewer texts that only one model is right about the exact test is used.
_FEW = 25


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """How much a metric of one model differs from that of another, on the same texts.

    Args:
        metric: string.
        first: string, name of one model.
        second: string, name of the other.
        difference: float, of the first minus the second.
        low: float, lower end of the 95 % interval of paired bootstrap.
        high: float, upper end.
    """

    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclasses.dataclass(frozen=True)
class McNemar:
    """McNemar's test of two models that are right about different texts.

    Args:
        only_first: int, texts that only the first model is right about.
        only_second: int, texts that only the second is right about.
        statistic: float; of the exact test the smaller of both counts.
        p_value: float, probability of counts at least as far apart if both
            models were right about equally many texts.
        exact: bool, whether the binomial test was used, for fewer than 25 texts.
    """

    only_first: int
    only_second: int
    statistic: float
    p_value: float
    exact: bool


def paired_difference(first: ReportNumbers, second: ReportNumbers, metric: str) -> PairedDifference:
    """Compare a metric of two reports on the same texts.

    Both see the same bootstrap draws, so texts that are hard for both models do
    not blur the difference ([Efron and Tibshirani, 1993](
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
    """Test whether two models are right about equally many texts.

    The exact binomial test for fewer than 25 texts that only one of them is
    right about, else the chi-squared test with continuity correction
    ([McNemar, 1947](https://doi.org/10.1007/BF02295996)).

    Args:
        first: `Report`.
        second: `Report` on the same texts.

    Returns:
        A `McNemar`; `nan` where the models agree about all texts.
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
    """Return which texts are judged rightly, of several labels in all that are known.

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
