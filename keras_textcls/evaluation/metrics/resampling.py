"""Bootstrap intervals: how much the metrics would vary with other texts of the same kind.

Each resample draws as many rows as there are, with replacement. The spread of a metric over
the resamples is its uncertainty ([Efron, 1979](https://doi.org/10.1214/aos/1176344552)); the
interval is the percentile interval. A resample is stored as weights, the number of times
each text is drawn, so that all metrics of all resamples are computed by a few matrix
products. With the same seed, two models are evaluated on the same resamples, so that their
differences are paired.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import scipy.sparse

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.evaluation.metrics import counts, metrics, per_text, reliability
from keras_textcls.evaluation.metrics.counts import Counts
from keras_textcls.evaluation.metrics.metrics import LabelAreas
from keras_textcls.evaluation.metrics.ranking import Ranking
from keras_textcls.evaluation.metrics.scores import Scores

RESAMPLES = 1000
LEVEL = 0.95
# With more texts, a sample of this size is used and the deviations are scaled: m-out-of-n
# bootstrap (Bickel, Gotze and van Zwet, 1997).
MOST_TEXTS = 50_000
# Maximum size of a block of weights, and of labels times texts times resamples for rankings:
# these take most of the time, so with hundreds of labels fewer resamples are ranked.
_BLOCK = 4_000_000
_MOST_RANKED = 200_000_000
_FEWEST = 100


@dataclasses.dataclass(frozen=True, eq=False)
class Resamples:
    """The metrics of all resamples.

    Args:
        values: dict from the name of a metric to a float array with a value for
            each resample.
        centre: dict from name to the value over all texts in the sample.
        scale: float, factor on deviations from `centre`.
    """

    values: dict[str, np.ndarray]
    centre: dict[str, float]
    scale: float

    def interval(self, name: str, value: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the interval of a metric.

        Args:
            name: string.
            value: float, the metric over all texts.
            level: float, share of the resamples in the interval. Defaults to `0.95`.

        Returns:
            A tuple of two floats, `nan` if the metric is undefined.
        """
        lowest, highest = metrics.bounds(name)
        low, high = percentile_interval(self.deviations(name), value, level)
        # Scaled deviations may exceed the range of the metric.
        low, high = np.clip([low, high], lowest, highest).tolist()
        return low, high

    def deviations(self, name: str) -> np.ndarray:
        """Return the deviation of each resample, scaled to the number of all texts."""
        return (self.values[name] - self.centre[name]) * self.scale


def percentile_interval(
    deviations: np.ndarray, value: float, level: float = LEVEL
) -> tuple[float, float]:
    """Return the interval that contains a share of the resamples.

    Args:
        deviations: float array, of resamples from `value`.
        value: float.
        level: float, that share. Defaults to `0.95`.

    Returns:
        A tuple of two floats; `nan` if no resample has a value.
    """
    if not 0 < level < 1:
        raise ArgumentError(f"`level` must be between 0 and 1. Received: level={shorten(level)}.")
    known = deviations[~np.isnan(deviations)]
    if not len(known) or np.isnan(value):
        return np.nan, np.nan
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(value + low), float(value + high)


def resample(scores: Scores, predicted: np.ndarray, top_k: int | None, seed: int = 0) -> Resamples:
    """Compute all metrics of resamples.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.
        top_k: int or `None`, for `top_K_accuracy`.
        seed: int, of the draws. Defaults to `0`.

    Returns:
        `Resamples`.
    """
    number = len(scores)
    if number > MOST_TEXTS:
        rows = np.random.default_rng(seed).choice(number, MOST_TEXTS, replace=False)
        scores, predicted = scores.take(rows), predicted[rows]
    drawn = _Drawn(scores, predicted, top_k)
    blocks = [
        drawn.metrics(weights, with_areas)
        for weights, with_areas in _weights(len(scores), scores.y_score.shape[1], seed)
    ]
    values = {name: np.concatenate([b[name] for b in blocks if name in b]) for name in blocks[0]}
    once = drawn.metrics(np.ones((1, len(scores))), with_areas=True)
    centre = {name: float(value[0]) for name, value in once.items()}
    return Resamples(values, centre, np.sqrt(len(scores) / number))


def _weights(texts: int, labels: int, seed: int) -> Iterator[tuple[np.ndarray, bool]]:
    """Blocks of weights, and whether rankings are computed of them."""
    generator = np.random.default_rng(seed)
    ranked = int(np.clip(_MOST_RANKED // (texts * labels), _FEWEST, RESAMPLES))
    size = max(1, min(RESAMPLES, _BLOCK // texts))
    done = 0
    while done < RESAMPLES:
        stop = min(done + size, ranked if done < ranked else RESAMPLES)
        draws = generator.integers(0, texts, (stop - done, texts))
        yield (
            np.stack([np.bincount(one, minlength=texts) for one in draws]).astype(np.float64),
            done < ranked,
        )
        done = stop


class _Drawn:
    """Arrays that the metrics of all resamples share, computed once."""

    def __init__(self, scores: Scores, predicted: np.ndarray, top_k: int | None) -> None:
        self.scores = scores
        self.texts = per_text.per_text_values(scores, predicted, top_k)
        self.lacking = metrics.lacking(scores)
        self.tables = _tables(scores, predicted)
        self.bins = reliability.by_text(scores)
        self.rankings = [Ranking.of(scores, i) for i in range(scores.y_score.shape[1])]

    def metrics(self, weights: np.ndarray, with_areas: bool) -> dict[str, np.ndarray]:
        """Return the metrics of each row of weights."""
        by_name = {}
        for name, column in self.texts.items():
            known = ~np.isnan(column)
            total = weights @ known.astype(np.float64)
            by_name[name] = counts.divide(weights @ np.where(known, column, 0.0), total)
        if self.lacking.any():
            by_name["log_loss"][weights @ self.lacking > 0] = np.nan
        summed = Counts(*((table.T @ weights.T).T for table in self.tables))
        by_name |= metrics.from_counts(summed, self.scores.multi_label)
        bins = reliability.weighted(self.bins, weights)
        by_name["expected_calibration_error"] = bins.error
        if with_areas:
            areas = [ranking.areas(weights) for ranking in self.rankings]
            auc, precision = (np.stack(column, axis=-1) for column in zip(*areas, strict=True))
            by_name |= LabelAreas(auc, precision).averaged()
        return by_name


def _tables(scores: Scores, predicted: np.ndarray) -> list[scipy.sparse.csr_array]:
    """The terms of hits, predicted, support and total for each text and label."""
    size, rows = len(scores.all_labels), np.arange(len(scores))
    if scores.multi_label:
        given = counts.pad(predicted, size)
        known, there = scores.y_true >= 0, scores.y_true == 1
        return [
            scipy.sparse.csr_array(table.astype(np.float64))
            for table in (given & there, given & known, there, known)
        ]

    def marks(mask: np.ndarray, columns: np.ndarray) -> scipy.sparse.csr_array:
        cells = (rows[mask], columns[mask])
        return scipy.sparse.csr_array((np.ones(mask.sum()), cells), (len(rows), size))

    actual = marks(rows >= 0, scores.y_true)
    return [
        marks(predicted == scores.y_true, scores.y_true),
        marks(predicted >= 0, predicted),
        actual,
        actual,
    ]
