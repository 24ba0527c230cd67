"""Plots of reports and comparisons, with matplotlib. Each method returns its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_textcls.errors import ArgumentError, MissingDependencyError, shorten
from keras_textcls.evaluation.metrics.matrices import LabelMatrix
from keras_textcls.evaluation.report.label_table import TOTAL
from keras_textcls.evaluation.report.report_numbers import ReportNumbers
from keras_textcls.utils.text_display import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The palette of Okabe and Ito, which is safe for colour-blind readers; black is the mean.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A00")
_STYLES = ("-", "--", "-.", ":")
_FEW, _ANNOTATED, _LONGEST_NAME = 7, 20, 24
_DPI = 150
_DARK = 0.55


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            'Pictures need matplotlib: pip install "keras-textcls[plots]"'
        ) from error
    return plt


def _new_axes(ax: Axes | None, size: tuple[float, float] = (5.5, 4.5)) -> Axes:
    if ax is not None:
        return ax
    return _pyplot().subplots(figsize=size, layout="constrained")[1]


def _short(name: str) -> str:
    # A dollar sign would start a formula.
    shown = printable(name).replace("$", r"\$")
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "\u2026"


class ReportPlots:
    """The plots of a report, as `report.plot`.

    Args:
        report: `Report`.
    """

    def __init__(self, report: ReportNumbers) -> None:
        self._report = report

    def roc(self, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
        """Draw the ROC curves of labels and their mean.

        Args:
            labels: list of labels in the legend. Defaults to `None`: all, or, if
                there are more than 7, those with the smallest area; the others are
                drawn in grey.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = _new_axes(ax)
        self._curves(ax, labels, "roc_auc", self._report.roc_curve)
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle=":")
        ax.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
        return ax

    def pr(self, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
        """Draw the precision-recall curves of labels and their mean.

        Args:
            labels: as for `roc`. Defaults to `None`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = _new_axes(ax)
        curve = self._report.precision_recall_curve
        self._curves(ax, labels, "average_precision", curve, drawstyle="steps-post")
        ax.set(xlabel="recall", ylabel="precision", title="Precision and recall")
        return ax

    def confusion(self, kind: str = "share", ax: Axes | None = None) -> Axes:
        """Draw the confusion matrix.

        Args:
            kind: string, `"count"`, `"share"` or `"mean_probability"`. Defaults
                to `"share"`, of the texts of a row.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones, whose size
                depends on the number of labels.

        Returns:
            The axes.
        """
        matrix = self._report.confusion_matrix(kind)
        ax = draw_matrix(matrix, ax)
        titles = {
            "count": "texts",
            "share": "share of each row",
            "mean_probability": "mean probability",
        }
        ax.set(xlabel="predicted", ylabel="actual", title=f"Confusion: {titles[kind]}")
        return ax

    def co_occurrence(self, ax: Axes | None = None) -> Axes:
        """Draw how often labels occur together.

        Args:
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = draw_matrix(self._report.co_occurrence(), ax)
        ax.set(title="Texts with both labels")
        return ax

    def calibration(self, bins: int = 15, ax: Axes | None = None) -> Axes:
        """Draw the reliability diagram: accuracy over the predicted probability.

        Args:
            bins: int, of equal width. Defaults to `15`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = _new_axes(ax)
        diagram = self._report.reliability(bins)
        filled = diagram.count > 0
        width = diagram.edges[1] - diagram.edges[0]
        share = diagram.count / diagram.count.sum()
        ax.bar(
            diagram.edges[:-1], share, width, align="edge", color="0.85", label="share of answers"
        )
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle=":")
        confidence, accuracy = diagram.mean_confidence[filled], diagram.accuracy[filled]
        ax.plot(confidence, accuracy, marker="o", color=COLOURS[0], label="right")
        title = f"Calibration, expected error {float(diagram.error):.3f}"
        ax.set(xlabel="probability", ylabel="share", title=title, xlim=(0, 1), ylim=(0, 1.02))
        ax.legend(loc="upper left", fontsize="small")
        return ax

    def threshold(self, label: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw precision, recall and F1 over the threshold.

        Args:
            label: string, or `None` for the macro mean of the whole report at
                each threshold. Defaults to `None`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = _new_axes(ax)
        names = ("precision", "recall", "f1")
        if label is None:
            x = np.linspace(0, 1, 51)
            reports = [self._report.at_threshold(value) for value in x]
            curves: dict[str, Any] = {
                n: [r.label_means[f"macro_{n}"] for r in reports] for n in names
            }
            title = "Macro means over the threshold"
        else:
            curve = self._report.threshold_curve(label)
            x, curves = curve["threshold"], {n: curve[n] for n in names[:2]}
            curves["f1"] = _f1(curve)
            title = f"{_short(label)} over the threshold"
        for i, name in enumerate(names):
            text = name.replace("f1", "F1")
            ax.plot(x, curves[name], label=text, color=COLOURS[i], linestyle=_STYLES[i])
        ax.set(xlabel="threshold", title=title, xlim=(0, 1), ylim=(0, 1.02))
        ax.legend(fontsize="small")
        return ax

    def histogram(self, label: str, bins: int = 20, ax: Axes | None = None) -> Axes:
        """Draw histograms of the scores of a label, for texts with the label and without.

        Args:
            label: string.
            bins: int, of equal width. Defaults to `20`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = _new_axes(ax)
        edges, with_label, without = self._report.histogram(label, bins)
        ax.stairs(with_label, edges, fill=True, alpha=0.6, color=COLOURS[0], label=_short(label))
        ax.stairs(without, edges, color=COLOURS[1], linewidth=1.5, label="other texts")
        ax.set(xlabel=f"probability of {_short(label)}", ylabel="texts", xlim=(0, 1))
        ax.legend(fontsize="small")
        return ax

    def labels(self, metric: str = "f1", ax: Axes | None = None) -> Axes:
        """Draw a metric of each label, the best at the top, with the number of texts.

        Args:
            metric: string, a column of `per_label`. Defaults to `"f1"`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        table = self._report.per_label()
        if metric not in table.columns[1:]:
            raise ArgumentError(
                f"`metric` must be one of {', '.join(table.columns[1:])}. Received: "
                f"metric={shorten(metric)}."
            )
        rows = [row for row in table if row["label"] != TOTAL]
        rows.sort(key=lambda row: -1 if np.isnan(row[metric]) else row[metric])
        ax = _new_axes(ax, (5.5, max(2.0, 0.22 * len(rows) + 1)))
        places = np.arange(len(rows))
        ax.barh(places, [np.nan_to_num(row[metric]) for row in rows], color=COLOURS[0])
        names = [f"{_short(row['label'])} ({row['support']:,})" for row in rows]
        ax.set_yticks(places, names, fontsize=8)
        ax.set(
            xlabel=metric.replace("_", " "), title="Labels (texts)", ylim=(-0.6, len(rows) - 0.4)
        )
        return ax

    def _curves(
        self, ax: Axes, labels: Sequence[str] | None, area: str, curve: Any, **style: Any
    ) -> None:
        table = self._report.per_label()
        areas = dict(zip(table.column("label"), table.column(area), strict=True))
        known = [n for n in self._report.labels if not np.isnan(areas[n])]
        if labels is None:
            labels = sorted(known, key=lambda n: areas[n])[:_FEW] if len(known) > _FEW else known
        for name in known if len(known) > _FEW else ():
            if name not in labels:
                one = curve(name)
                ax.plot(one.x, one.y, color="0.8", linewidth=0.6, zorder=1, **style)
        for i, name in enumerate(labels):
            one = curve(name)
            colour, line = COLOURS[i % len(COLOURS)], _STYLES[i // len(COLOURS) % len(_STYLES)]
            text = f"{_short(name)} {areas.get(name, np.nan):.3f}"
            ax.plot(one.x, one.y, color=colour, linestyle=line, linewidth=1.4, label=text, **style)
        mean = curve()
        if len(mean.x):
            text = f"mean of {len(known)} {areas[TOTAL]:.3f}"
            ax.plot(mean.x, mean.y, color="black", linewidth=2, label=text)
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        ax.legend(fontsize="small")


def _f1(curve: dict[str, np.ndarray]) -> np.ndarray:
    hits, wrong = curve["tp"], curve["fp"] + curve["fn"]
    return np.divide(2 * hits, 2 * hits + wrong, out=np.zeros(len(hits)), where=hits + wrong > 0)


def draw_matrix(matrix: LabelMatrix, ax: Axes | None = None) -> Axes:
    """Draw a matrix between labels, with its numbers if there are few.

    Args:
        matrix: `LabelMatrix`.
        ax: matplotlib axes to draw on. Defaults to `None`, new ones.

    Returns:
        The axes.
    """
    rows, columns = matrix.values.shape
    scale = 0.42 if rows <= _ANNOTATED else 0.17
    ax = _new_axes(ax, (max(4.0, scale * columns + 2.2), max(3.2, scale * rows + 1.6)))
    is_count = np.issubdtype(matrix.values.dtype, np.integer)
    top = None if is_count else 1.0
    picture = ax.imshow(matrix.values, cmap="Blues", vmin=0, vmax=top, interpolation="nearest")
    size = 9 if rows <= _ANNOTATED else 6
    ax.set_xticks(np.arange(columns), map(_short, matrix.columns), rotation=90, fontsize=size)
    ax.set_yticks(np.arange(rows), map(_short, matrix.rows), fontsize=size)
    if rows <= _ANNOTATED:
        highest = np.nanmax(matrix.values) if is_count else 1.0
        for (i, j), value in np.ndenumerate(matrix.values):
            text = f"{value:,}" if is_count else "" if np.isnan(value) else f"{value:.2f}"
            colour = "white" if value > _DARK * highest else "black"
            ax.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    else:
        ax.figure.colorbar(picture, ax=ax, shrink=0.6)
    return ax


def draw_learning_curve(
    sizes: Sequence[int], values: np.ndarray, metric: str, ax: Axes | None = None
) -> Axes:
    """Draw a metric over the number of training texts.

    Args:
        sizes: sequence of ints.
        values: float array of shape `(num_sizes, repeats)`.
        metric: string, name of the metric.
        ax: matplotlib axes to draw on. Defaults to `None`, new ones.

    Returns:
        The axes.
    """
    ax = _new_axes(ax)
    mean, spread = values.mean(axis=1), values.std(axis=1)
    ax.fill_between(sizes, mean - spread, mean + spread, color=COLOURS[0], alpha=0.2, linewidth=0)
    ax.plot(sizes, mean, marker="o", color=COLOURS[0])
    ax.set(xlabel="training texts", ylabel=metric.replace("_", " "), title="Learning curve")
    return ax


class ComparisonPlots:
    """The plots of a comparison, as `comparison.plot`.

    Args:
        reports: dict from name to `Report`.
    """

    def __init__(self, reports: Mapping[str, ReportNumbers]) -> None:
        self._reports = reports

    def roc(self, label: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the ROC curves of all reports in one plot.

        Args:
            label: string, or `None` for the mean over labels. Defaults to
                `None`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = self._overlay("roc_curve", "ROC", label, ax)
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle=":")
        ax.set(xlabel="false positive rate", ylabel="true positive rate")
        return ax

    def pr(self, label: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the precision-recall curves of all reports in one plot.

        Args:
            label: string, or `None` for the mean over labels. Defaults to
                `None`.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        ax = self._overlay("precision_recall_curve", "Precision and recall", label, ax)
        ax.set(xlabel="recall", ylabel="precision")
        return ax

    def confusion(self, kind: str = "share") -> list[Axes]:
        """Draw the confusion matrices side by side.

        Args:
            kind: string, as for `ReportPlots.confusion`. Defaults to `"share"`.

        Returns:
            A list of axes, one for each report.
        """
        widest = max(len(report.labels) for report in self._reports.values())
        side = max(4.0, (0.42 if widest <= _ANNOTATED else 0.17) * widest + 2.2)
        size = (side * len(self._reports), side)
        grid = _pyplot().subplots(
            1, len(self._reports), figsize=size, layout="constrained", squeeze=False
        )[1]
        for ax, (name, report) in zip(grid[0], self._reports.items(), strict=True):
            ReportPlots(report).confusion(kind, ax).set_title(_short(name))
        return list(grid[0])

    def save(self, directory: Path) -> None:
        """Write `roc.png`, `pr.png` and `confusion.png`.

        Args:
            directory: `Path`.
        """
        plt = _pyplot()
        pictures = {"roc": self.roc, "pr": self.pr, "confusion": lambda: self.confusion()[0]}
        for name, draw in pictures.items():
            figure: Any = draw().figure
            figure.savefig(directory / f"{name}.png", dpi=_DPI)
            plt.close(figure)

    def _overlay(self, method: str, title: str, label: str | None, ax: Axes | None) -> Axes:
        ax = _new_axes(ax)
        for i, (name, report) in enumerate(self._reports.items()):
            curve = getattr(report, method)(label)
            colour, line = COLOURS[i % len(COLOURS)], _STYLES[i % len(_STYLES)]
            ax.plot(curve.x, curve.y, label=_short(name), color=colour, linestyle=line)
        which = "mean over labels" if label is None else _short(label)
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), title=f"{title}: {which}")
        ax.legend(fontsize="small")
        return ax
