"""The table of labels: counts and metrics of each, and totals as Clarifai's portal shows them."""

from __future__ import annotations

import numpy as np

from keras_textcls.evaluation.metrics.counts import Counts, averaged
from keras_textcls.evaluation.metrics.metrics import LabelAreas
from keras_textcls.utils.result_table import ResultTable

COLUMNS = (
    "label", "support", "predicted", "tp", "fn", "fp", "tn",
    "precision", "recall", "f1", "roc_auc", "average_precision",
)  # fmt: skip
TOTAL = "(all labels)"


def label_table(names: tuple[str, ...], counts: Counts, areas: LabelAreas) -> ResultTable:
    """Return the counts and metrics of labels as a table.

    Args:
        names: tuple of strings.
        counts: `Counts` of those labels.
        areas: `LabelAreas` of the model's labels, which come first; the other
            labels have none.

    Returns:
        A `ResultTable` with a row for each label and one of totals: sums of
        counts, means weighted by support of precision, recall and F1, and plain
        means of the areas that are defined.
    """
    missing = np.full(len(names) - len(areas.roc_auc), np.nan)
    auc = np.concatenate([areas.roc_auc, missing])
    precision = np.concatenate([areas.average_precision, missing])
    numbers = np.stack([counts.support, counts.predicted, *_four(counts)], axis=1).astype(int)
    shares = [counts.precision(), counts.recall(), counts.f1(), auc, precision]
    table = np.stack(shares, axis=1).astype(float)
    rows = [(name, *numbers[i].tolist(), *table[i].tolist()) for i, name in enumerate(names)]
    means = averaged(counts)
    totals = [float(means[f"weighted_{name}"]) for name in ("precision", "recall", "f1")]
    plain = areas.averaged()
    totals += [float(plain["macro_roc_auc"]), float(plain["macro_average_precision"])]
    rows.append((TOTAL, *numbers.sum(axis=0).tolist(), *totals))
    return ResultTable(COLUMNS, tuple(rows))


def _four(counts: Counts) -> list[np.ndarray]:
    """True positives, false negatives, false positives, true negatives."""
    missed, wrong = counts.support - counts.hits, counts.predicted - counts.hits
    return [counts.hits, missed, wrong, counts.total - counts.hits - missed - wrong]
