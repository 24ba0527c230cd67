"""Shows a report in a terminal and in a notebook."""

from __future__ import annotations

import html
import math

from keras_textcls.evaluation.metrics.metrics import list_names
from keras_textcls.evaluation.report.report_numbers import ReportNumbers
from keras_textcls.utils.result_table import ResultTable
from keras_textcls.utils.text_display import printable

_LABELS = 12
_MAIN = (
    "accuracy", "subset_accuracy", "balanced_accuracy", "macro_f1", "macro_precision",
    "macro_recall", "micro_f1", "macro_roc_auc", "macro_average_precision", "matthews_correlation",
    "hamming_loss", "label_ranking_average_precision", "log_loss", "brier_score",
    "expected_calibration_error",
)  # fmt: skip


def headline(report: ReportNumbers) -> str:
    """Return a line with the model, the number of texts and the number of labels."""
    labels = f"{len(report.labels)} labels{', any number a text' if report.multi_label else ''}"
    return f"Report of {report.name} on {len(report):,} texts, {labels}"


def main_numbers(report: ReportNumbers) -> ResultTable:
    """Return the most important metrics, with intervals.

    Args:
        report: `Report`.

    Returns:
        A `ResultTable` of metric, value and 95 % interval.
    """
    rows = []
    for name in _MAIN:
        if name in report.metrics:
            one = report.metrics[name]
            known = not math.isnan(one.low)
            rows.append((name, one.value, f"{one.low:.3f} to {one.high:.3f}" if known else ""))
    return ResultTable(("metric", "value", "95 % interval"), tuple(rows))


def remarks(report: ReportNumbers) -> list[str]:
    """Return remarks that limit how far the metrics can be trusted.

    Args:
        report: `Report`.

    Returns:
        A list of strings.
    """
    notes = list(report.info.notes)
    if report.extra_labels:
        notes.append(
            "the model lacks labels of the data, and is never right about those: "
            + list_names(report.extra_labels)
        )
    said = {m.reason: m.name for m in reversed(report.metrics.values()) if m.reason}
    return notes + [f"{name}: {reason}" for reason, name in reversed(said.items())]


def worst_labels(report: ReportNumbers) -> ResultTable:
    """Return the rows of the label table with the lowest F1, or all if there are few."""
    table = report.per_label()
    *rows, total = table.rows
    place = table.columns.index("f1")
    if len(rows) > _LABELS:
        rows = sorted(rows, key=lambda row: (math.isnan(row[place]), row[place]))[:_LABELS]
    return ResultTable(table.columns, (*rows, total))


def as_text(report: ReportNumbers) -> str:
    """Describe a report in a few lines.

    Args:
        report: `Report`.

    Returns:
        A string.
    """
    said = [headline(report), *(f"! {remark}" for remark in remarks(report))]
    lines = [*map(printable, said), ""]
    lines += [str(main_numbers(report)), ""]
    labels = len(report.labels) + len(report.extra_labels)
    if labels > _LABELS:
        lines.append(f"The {_LABELS} labels with the lowest F1, of {labels}:")
    return "\n".join([*lines, str(worst_labels(report))])


def as_html(report: ReportNumbers) -> str:
    """Describe a report for a notebook.

    Args:
        report: `Report`.

    Returns:
        A string of HTML, in which the data are escaped.
    """
    said = "".join(f"<li>{html.escape(remark)}</li>" for remark in remarks(report))
    return (
        f"<div><p><b>{html.escape(headline(report))}</b></p>{f'<ul>{said}</ul>' if said else ''}"
        f"{main_numbers(report)._repr_html_()}{worst_labels(report)._repr_html_()}</div>"
    )
