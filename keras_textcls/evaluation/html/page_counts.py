"""Exact counts at the thresholds 0, 0.01, ..., 1, for the slider of the page.

For the slider, only the level of a score matters: the number of thresholds that it reaches,
0 to 101. So the page needs only counts of levels, whose size does not depend on the number
of texts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_textcls.evaluation.metrics import counts, metrics
from keras_textcls.evaluation.metrics.counts import Counts
from keras_textcls.evaluation.metrics.curves import GRID
from keras_textcls.evaluation.metrics.matrices import without_label
from keras_textcls.evaluation.metrics.scores import CHUNK, Scores

LEVELS = len(GRID) + 1


@dataclasses.dataclass(frozen=True, eq=False)
class GridCounts:
    """Counts at the 101 thresholds.

    Args:
        cells: int array, sorted: `(row * (num_classes + 1) + column) * 102 +
            level`. Rows are the labels, followed by a row for texts without a
            label; columns are the model's labels and, for multi-label, the
            highest score of a text. For single-label, a text counts only for its
            most probable label.
        numbers: int array of the same shape, number of texts of each cell and
            level. For multi-label, level 1 is left out: it is the row total minus
            the other levels.
        row_totals: int array of shape `(num_labels + 1,)`, texts of each row.
        labels: `Counts` with an axis of thresholds in front.
        values: dict from the name of a metric to a float array of 101 values.
    """

    cells: np.ndarray
    numbers: np.ndarray
    row_totals: np.ndarray
    labels: Counts
    values: dict[str, np.ndarray]


def levels_of(values: np.ndarray) -> np.ndarray:
    """Return how many of the 101 thresholds each score reaches.

    Args:
        values: float array.

    Returns:
        A uint8 array of the same shape, 0 to 101.
    """
    # Compared in double precision, as `decide` compares.
    return np.searchsorted(GRID, values.astype(np.float64), side="right").astype(np.uint8)


def count_at_grid(scores: Scores) -> GridCounts:
    """Compute all counts and metrics that depend on the threshold, at 101 thresholds.

    Args:
        scores: `Scores`.

    Returns:
        `GridCounts`.
    """
    return _multi_label(scores) if scores.multi_label else _single_label(scores)


def _chunks(scores: Scores) -> Iterator[Scores]:
    for start in range(0, len(scores), CHUNK):
        yield scores.take(slice(start, start + CHUNK))


def _single_label(scores: Scores) -> GridCounts:
    size, columns = len(scores.all_labels), len(scores.labels)
    best = scores.y_score.argmax(axis=1)
    level = levels_of(scores.y_score[np.arange(len(best)), best]).astype(np.int64)
    keys = (scores.y_true.astype(np.int64) * (columns + 1) + best) * LEVELS + level
    cells, numbers = np.unique(keys, return_counts=True)
    right = best == scores.y_true
    support = np.bincount(scores.y_true, minlength=size)
    labels = Counts(
        hits=_reached(best[right], level[right], size),
        predicted=_reached(best, level, size),
        support=np.tile(support, (len(GRID), 1)),
        total=np.full((len(GRID), size), len(scores)),
    )
    accuracy = labels.hits.sum(axis=1) / len(scores)
    values = {"accuracy": accuracy} | metrics.from_counts(labels, False)
    return GridCounts(cells, numbers, np.append(support, 0), labels, values)


def _reached(label: np.ndarray, level: np.ndarray, size: int) -> np.ndarray:
    """Count the texts of each label that reach each threshold, of shape `(101, size)`."""
    table = np.bincount(label * LEVELS + level, minlength=size * LEVELS).reshape(size, LEVELS)
    return _above(table).T


def _above(table: np.ndarray) -> np.ndarray:
    """For each threshold, sum the levels that reach it: those above its index on the grid."""
    return table[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]


def _multi_label(scores: Scores) -> GridCounts:
    size, columns = len(scores.all_labels), len(scores.labels)
    cell_counts: dict[int, int] = {}
    with_label, without = (np.zeros((columns, LEVELS), np.int64) for _ in range(2))
    for part in _chunks(scores):
        level = levels_of(part.y_score)
        _add_cells(cell_counts, part, np.column_stack([level, level.max(axis=1)]))
        own = part.y_true[:, :columns]
        with_label += _by_level(level, own == 1)
        without += _by_level(level, own == 0)
    hits, wrong = (
        np.pad(_above(t).T, ((0, 0), (0, size - columns))) for t in (with_label, without)
    )
    support = (scores.y_true == 1).sum(axis=0)
    known = (scores.y_true >= 0).sum(axis=0)
    rows = (np.tile(row, (len(GRID), 1)) for row in (support, known))
    labels = Counts(hits, hits + wrong, *rows)
    cells = np.fromiter(sorted(cell_counts), np.int64, len(cell_counts))
    numbers = np.fromiter(
        (cell_counts[cell] for cell in cells.tolist()), np.int64, len(cell_counts)
    )
    none = int(without_label(scores).sum())
    values = _values_by_text(scores) | metrics.from_counts(labels, True)
    return GridCounts(cells, numbers, np.append(support, none), labels, values)


def _by_level(level: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Count the wanted scores of each column by level."""
    size = level.shape[1]
    keys = np.arange(size) * LEVELS + level
    return np.bincount(keys[wanted], minlength=size * LEVELS).reshape(size, LEVELS)


def _add_cells(cell_counts: dict[int, int], part: Scores, level: np.ndarray) -> None:
    there = part.y_true == 1
    there = np.column_stack([there, without_label(part)])
    everything = np.ones(level.shape, bool)
    for row in range(there.shape[1]):
        which = np.flatnonzero(there[:, row])
        table = _by_level(level[which], everything[: len(which)])
        table[:, 1] = 0
        places = np.flatnonzero(table)
        keys = (row * table.size + places).tolist()
        for key, number in zip(keys, table.ravel()[places].tolist(), strict=True):
            cell_counts[key] = cell_counts.get(key, 0) + number


def _values_by_text(scores: Scores) -> dict[str, np.ndarray]:
    """Subset accuracy and Hamming loss, which depend on all labels of a text."""
    right, texts = np.zeros(LEVELS + 1, np.int64), 0
    kept, wrong, judged_texts = np.zeros(LEVELS), np.zeros(LEVELS), 0
    missing = 0.0
    for part in _chunks(scores):
        columns = part.y_score.shape[1]
        level, known, there = levels_of(part.y_score), part.y_true >= 0, part.y_true == 1
        judged = known.sum(axis=1)
        weight = counts.divide(np.ones(len(judged)), judged)
        full = known.all(axis=1)
        judged_texts, texts = judged_texts + int((judged > 0).sum()), texts + int(full.sum())
        extra = there[:, columns:].sum(axis=1)
        missing += float(np.nansum(weight * extra))
        low, high = _range_of_right(level, there[:, :columns])
        low, high = (bound[full & (extra == 0) & (low < high)] for bound in (low, high))
        right += np.bincount(low, minlength=LEVELS + 1) - np.bincount(high, minlength=LEVELS + 1)
        weights = np.broadcast_to(weight[:, None], level.shape)
        for table, wanted in ((kept, there), (wrong, known & ~there)):
            own = wanted[:, :columns]
            table += np.bincount(level[own], weights[own], minlength=LEVELS)
    below = kept.sum() - _above(kept)
    subset = counts.divide(right.cumsum()[: len(GRID)].astype(float), np.full(len(GRID), texts))
    losses = counts.divide(missing + below + _above(wrong), np.full(len(GRID), judged_texts))
    return {"subset_accuracy": subset, "hamming_loss": losses}


def _range_of_right(level: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The range of thresholds (first, last + 1) at which all labels of a text are correct."""
    low = np.where(there, 0, level).max(axis=1).astype(np.int64)
    high = np.where(there, level, LEVELS - 1).min(axis=1).astype(np.int64)
    return low, high
