"""The data of a page, as one dict for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_textcls.evaluation.html.page_counts import GridCounts, count_at_grid
from keras_textcls.evaluation.html.page_pack import pack
from keras_textcls.evaluation.html.page_texts import describe_texts, visible
from keras_textcls.evaluation.metrics.curves import Curve
from keras_textcls.evaluation.metrics.metrics import LOSSES
from keras_textcls.evaluation.report import display
from keras_textcls.evaluation.report.report_numbers import ReportNumbers

_POINTS = 80


def describe(report: ReportNumbers) -> dict[str, Any]:
    """Describe a report for the page, without the strings of its texts.

    Args:
        report: `Report`.

    Returns:
        A dict for JSON.
    """
    grid = count_at_grid(report.scores)
    return {
        "title": visible(f"Report of {report.name}"),
        "headline": visible(display.headline(report)),
        "total": len(report),
        "multi_label": report.multi_label,
        "labels": [visible(name) for name in report.scores.all_labels],
        "classes": len(report.labels),
        "remarks": [visible(remark) for remark in display.remarks(report)],
        "info": _info(report),
        "metrics": _metrics(report, grid),
        "main": [row[0] for row in display.main_numbers(report).rows],
        "own": _own(report),
        "grid": _grid(grid),
        "areas": {
            "roc_auc": _numbers(report.areas.roc_auc),
            "average_precision": _numbers(report.areas.average_precision),
        },
        "mean_probability": _mean_probability(report),
        "curves": _curves(report),
        "reliability": _reliability(report),
        "histograms": [
            [part.tolist() for part in report.histogram(label)[1:]] for label in report.labels
        ],
        "together": report.co_occurrence().values.tolist() if report.multi_label else None,
        "texts": describe_texts(report),
    }


def _numbers(values: Iterable[float], digits: int | None = None) -> list[float | None]:
    """Convert to floats of JSON; undefined numbers become null."""
    floats = (float(value) for value in values)
    return [
        (value if digits is None else round(value, digits)) if math.isfinite(value) else None
        for value in floats
    ]


def _info(report: ReportNumbers) -> list[list[str]]:
    info = report.info
    fields = {"Model": info.model, "Data": info.data, "Environment": info.environment}
    rows = [["Created (UTC)", info.created], ["Texts and labels (hash)", report.fingerprint]]
    for title, values in fields.items():
        rows += [[f"{title}: {key}", str(value)] for key, value in values.items()]
    return [[visible(key), visible(value)[:500]] for key, value in rows if value]


def _metrics(report: ReportNumbers, grid: GridCounts) -> list[dict[str, Any]]:
    entries = []
    for name, one in report.metrics.items():
        value, low, high = _numbers((one.value, one.low, one.high))
        at_grid = grid.values.get(name)
        entries.append(
            {
                "name": name,
                "value": value,
                "low": low,
                "high": high,
                "reason": visible(one.reason) if one.reason else None,
                "loss": name in LOSSES,
                "at": None if at_grid is None else _numbers(at_grid),
            }
        )
    return entries


def _own(report: ReportNumbers) -> dict[str, Any]:
    """The counts at the report's own thresholds."""
    thresholds = report.thresholds
    matrix = report.confusion_matrix()
    rows, columns = len(report.scores.all_labels) + 1, len(report.labels) + 1
    values = np.zeros((rows, columns), np.int64)
    # The matrix has no row or column for texts without a label if these are empty.
    values[: matrix.values.shape[0], : matrix.values.shape[1]] = matrix.values
    return {
        "thresholds": None if thresholds is None else list(thresholds.values()),
        "hits": report.counts.hits.tolist(),
        "predicted": report.counts.predicted.tolist(),
        "matrix": values.ravel().tolist(),
    }


def _grid(grid: GridCounts) -> dict[str, Any]:
    return {
        "support": grid.labels.support[0].tolist(),
        "known": grid.labels.total[0].tolist(),
        "row_totals": grid.row_totals.tolist(),
        "steps": pack(np.diff(grid.cells, prepend=0), "uint32"),
        "numbers": pack(grid.numbers, "uint32"),
        "hits": pack(grid.labels.hits, "uint32"),
        "predicted": pack(grid.labels.predicted, "uint32"),
    }


def _mean_probability(report: ReportNumbers) -> list[list[float | None]]:
    values = report.confusion_matrix("mean_probability").values
    return [_numbers(row, 5) for row in values]


def _curves(report: ReportNumbers) -> dict[str, Any]:
    return {
        "roc": [_points(report.roc_curve(label)) for label in report.labels],
        "precision_recall": [
            _points(report.precision_recall_curve(label)) for label in report.labels
        ],
        "macro_roc": _points(report.roc_curve()),
        "macro_precision_recall": _points(report.precision_recall_curve()),
    }


def _points(curve: Curve) -> list[list[float | None]]:
    """Reduce a curve to points at equal distances along it."""
    x, y, at = curve.x, curve.y, curve.thresholds
    if len(x) > _POINTS and at is not None:
        length = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
        chosen = np.searchsorted(length, np.linspace(0, length[-1], _POINTS)).clip(0, len(x) - 1)
        chosen = np.unique(np.append(chosen, [0, len(x) - 1]))
        x, y, at = x[chosen], y[chosen], at[chosen]
    return [_numbers(x, 4), _numbers(y, 4), [] if at is None else _numbers(at, 4)]


def _reliability(report: ReportNumbers) -> dict[str, Any]:
    diagram = report.reliability()
    return {
        "count": diagram.count.astype(int).tolist(),
        "confidence": _numbers(diagram.mean_confidence, 4),
        "accuracy": _numbers(diagram.accuracy, 4),
    }
