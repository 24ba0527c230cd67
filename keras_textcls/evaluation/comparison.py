"""`Comparison`: compares many models on one dataset, or one model on many datasets."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.evaluation.metrics.metrics import LOSSES
from keras_textcls.evaluation.metrics.significance import (
    PairedDifference,
    is_right,
    mcnemar,
    paired_difference,
)
from keras_textcls.evaluation.report.label_table import TOTAL
from keras_textcls.evaluation.report.plots import ComparisonPlots
from keras_textcls.evaluation.report.report import Report
from keras_textcls.evaluation.report.reports_of import reports_of
from keras_textcls.utils.atomic import is_free, replace_directory
from keras_textcls.utils.paths import read_path
from keras_textcls.utils.result_table import ResultTable

_SINGLE = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc", "log_loss",
           "expected_calibration_error")  # fmt: skip
_MULTI = ("subset_accuracy", "micro_f1", "macro_f1", "macro_roc_auc", "hamming_loss", "log_loss")
_FILES = ("concepts_summary.csv", "total_summary.csv", "leaderboard.csv", "pairs.csv")
_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """A text for which models predict different labels.

    Args:
        row: int, row of the text in the dataset.
        text: string, or `None` if the texts are unknown.
        actual: string, or tuple of strings for multi-label.
        answers: dict from the name of a model to its prediction.
        scores: dict from the name of a model to its highest probability.
    """

    row: int
    text: str | None
    actual: Any
    answers: dict[str, Any]
    scores: dict[str, float]


class Comparison:
    """Several reports, compared. `compare` creates it.

    Args:
        reports: sequence of two or more `Report`s, of different names.

    Raises:
        ArgumentError: there are fewer than two reports, or two have the same name.

    Example:
    >>> y_true = ["ham", "spam", "spam", "ham"]
    >>> reports = [
    ...     Report.from_predictions(y_true, scores, ["ham", "spam"], name=name)
    ...     for name, scores in {"a": [0.1, 0.8, 0.9, 0.3], "b": [0.6, 0.8, 0.4, 0.3]}.items()
    ... ]
    >>> comparison = Comparison(reports)
    >>> comparison.leaderboard().column("model")
    ['a', 'b']
    >>> [text.row for text in comparison.disagreements()]
    [0, 2]
    """

    def __init__(self, reports: Sequence[Report]) -> None:
        self._reports = tuple(reports)
        if len(self._reports) < 2:
            raise ArgumentError(
                f"A comparison needs at least two reports. Received: {len(self._reports)}."
            )
        names = [report.name for report in self._reports]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ArgumentError(
                f"Two reports of a comparison are named {shorten(twice)}. Give each its own: "
                "evaluate(..., name=...)."
            )

    @property
    def reports(self) -> dict[str, Report]:
        """The reports, by name."""
        return {report.name: report for report in self._reports}

    @functools.cached_property
    def is_ranked(self) -> bool:
        """Whether all reports are on the same texts with the same actual labels."""
        return len({report.fingerprint for report in self._reports}) == 1

    def at_threshold(self, threshold: Any) -> Comparison:
        """Return the comparison of the same predictions at other thresholds.

        Args:
            threshold: as for `Report.at_threshold`.

        Returns:
            A `Comparison`.
        """
        return Comparison([report.at_threshold(threshold) for report in self._reports])

    # === Tables ===

    def summary(self, threshold: Any = None) -> ResultTable:
        """Return the totals of each report.

        Args:
            threshold: as for `Report.at_threshold`. Defaults to `None`, that of
                each report.

        Returns:
            A `ResultTable` with a row for each report: number of texts, sums of
            counts, means weighted by support, and macro averages.
        """
        rows = []
        macro = ("macro_precision", "macro_recall", "macro_f1", "macro_roc_auc", "roc_auc_std")
        for report in self._at(threshold):
            table = report.per_label()
            total = dict(zip(table.columns, table.rows[-1], strict=True))
            rows.append(
                (
                    report.name,
                    len(report),
                    *(total[n] for n in _TOTALS),
                    *map(report.__getitem__, macro),
                )
            )
        return ResultTable(("model", "texts", *_TOTALS, *macro), tuple(rows))

    def per_label(self, threshold: Any = None) -> ResultTable:
        """Return counts and metrics of each label in each report.

        Args:
            threshold: as for `Report.at_threshold`. Defaults to `None`, that of
                each report.

        Returns:
            A `ResultTable` with a row for each label and report.
        """
        tables = {report.name: report.per_label() for report in self._at(threshold)}
        names = dict.fromkeys(row[0] for table in tables.values() for row in table.rows)
        rows = []
        for label in names:
            for name, table in tables.items():
                rows += [(label, name, *row[1:]) for row in table.rows if row[0] == label != TOTAL]
        columns = next(iter(tables.values())).columns
        return ResultTable((columns[0], "model", *columns[1:]), tuple(rows))

    def leaderboard(self, metric: str | None = None) -> ResultTable:
        """Return the reports sorted by a metric, the best first, with intervals.

        Args:
            metric: string, name of a metric. Defaults to `None`: accuracy, or for
                multi-label micro F1.

        Returns:
            A `ResultTable` of rank, model, the metric with its 95 % interval, the
            difference from the first model with the interval of the paired
            bootstrap, and further metrics.

        Raises:
            ArgumentError: the reports are on different texts.
        """
        self._check_ranked()
        metric = metric or self._main_metric()
        sign = 1 if metric in LOSSES else -1
        ordered = sorted(self._reports, key=lambda r: _last_if_nan(sign * r[metric]))
        others = [name for name in self._metrics() if name != metric]
        rows = []
        for rank, report in enumerate(ordered, 1):
            one = report.metrics[metric]
            gap = paired_difference(report, ordered[0], metric)
            behind = "" if rank == 1 else f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
            interval = f"[{one.low:.4f}, {one.high:.4f}]"
            rows.append(
                (rank, report.name, one.value, interval, behind, *map(report.__getitem__, others))
            )
        columns = ("rank", "model", metric, "95 % interval", "to the first", *others)
        return ResultTable(columns, tuple(rows))

    def pairs(self, metric: str | None = None) -> ResultTable:
        """Return the difference of each pair of models, with tests of significance.

        With many pairs, some differences are significant by chance alone: with ten
        models there are 45 pairs, of which about two.

        Args:
            metric: string. Defaults to `None`: accuracy, or for multi-label
                micro F1.

        Returns:
            A `ResultTable` of both names, the difference of the metric with the 95 %
            interval of the paired bootstrap, the numbers of texts that only one of the
            models predicts correctly, and the p-value of McNemar's test.

        Raises:
            ArgumentError: the reports are on different texts.
        """
        self._check_ranked()
        metric = metric or self._main_metric()
        rows = []
        for first, second in itertools.combinations(self._reports, 2):
            gap, test = paired_difference(first, second, metric), mcnemar(first, second)
            counts = (test.only_first, test.only_second, test.p_value)
            rows.append((first.name, second.name, gap.difference, gap.low, gap.high, *counts))
        columns = ("first", "second", f"difference of {metric}", "low", "high",
                   "only first right", "only second right", "p (McNemar)")  # fmt: skip
        return ResultTable(columns, tuple(rows))

    def difference(self, first: str, second: str, metric: str | None = None) -> PairedDifference:
        """Return the difference of a metric between two models.

        Args:
            first: string, name of a model.
            second: string, name of another.
            metric: string. Defaults to `None`: accuracy, or for multi-label
                micro F1.

        Returns:
            A `PairedDifference`.

        Raises:
            ArgumentError: the reports are on different texts, or a name is
                unknown.
        """
        self._check_ranked()
        one, other = self._report(first), self._report(second)
        return paired_difference(one, other, metric or self._main_metric())

    def disagreements(self, limit: int | None = 20) -> list[Disagreement]:
        """Return the texts for which the models predict different labels.

        Texts that some of the models predict correctly come first.

        Args:
            limit: int, maximum number of texts, or `None` for all. Defaults to `20`.

        Returns:
            A list of `Disagreement`.

        Raises:
            ArgumentError: the reports are on different texts.
        """
        self._check_ranked()
        answers = [_answers(report) for report in self._reports]
        differs = np.array([len(set(row)) > 1 for row in zip(*answers, strict=True)])
        right = np.sum([is_right(report) for report in self._reports], axis=0)
        disputed = (right > 0) & (right < len(self._reports))
        sure = np.max([report.y_score.max(axis=1) for report in self._reports], axis=0)
        rows = np.flatnonzero(differs)
        rows = rows[np.lexsort((-sure[rows], ~disputed[rows]))][:limit]
        if not len(rows):
            return []
        first = self._reports[0]
        texts, actual = first.texts, first.take(rows).actual_names()
        return [
            Disagreement(
                row=int(row),
                text=None if texts is None else texts[row],
                actual=actual[i],
                answers={r.name: a[row] for r, a in zip(self._reports, answers, strict=True)},
                scores={r.name: float(r.y_score[row].max()) for r in self._reports},
            )
            for i, row in enumerate(rows)
        ]

    # === Plots and files ===

    @property
    def plot(self) -> ComparisonPlots:
        """Pictures: `comparison.plot.roc()`, `.pr()`, `.confusion()`, `ComparisonPlots`."""
        return ComparisonPlots(self.reports)

    def save_all(self, directory: str | os.PathLike[str], threshold: Any = None) -> Path:
        """Write all tables as CSV files, and plots.

        The files are `concepts_summary.csv` (labels), `total_summary.csv`, `roc.png`,
        `pr.png` and `confusion.png`; if the reports are on the same texts, also
        `leaderboard.csv` and `pairs.csv`.

        Args:
            directory: string or path; it is replaced if `save_all` wrote it.
            threshold: as for `Report.at_threshold`. Defaults to `None`, that of
                each report.

        Returns:
            The `Path` of the directory.

        Raises:
            ArgumentError: the directory holds other files.
            MissingDependencyError: matplotlib is not installed.
        """
        target = read_path(directory, "directory")
        if not is_free(target) and not (target / _FILES[1]).is_file():
            raise ArgumentError(
                f"`directory` holds other files and is not replaced. Received: {target}. Choose "
                "another, or empty it."
            )
        shown = Comparison(self._at(threshold))
        tables = [shown.per_label(), shown.summary()]
        tables += [shown.leaderboard(), shown.pairs()] if self.is_ranked else []
        with replace_directory(target, keep=lambda name: False) as draft:
            for name, table in zip(_FILES, tables, strict=False):
                table.to_csv(draft / name)
            shown.plot.save(draft)
        return target

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(report.name for report in self._reports)}>"

    def __str__(self) -> str:
        if self.is_ranked:
            return f"{self.leaderboard()}\n\n{self.pairs()}"
        return f"{self.summary()}\n\nNot ranked: {self._difference_of_texts()}"

    def _repr_html_(self) -> str:
        if self.is_ranked:
            return f"<div>{self.leaderboard()._repr_html_()}{self.pairs()._repr_html_()}</div>"
        return self.summary()._repr_html_()

    # === Inside ===

    def _at(self, threshold: Any) -> Sequence[Report]:
        if threshold is None:
            return self._reports
        return [report.at_threshold(threshold) for report in self._reports]

    def _report(self, name: str) -> Report:
        if name not in self.reports:
            raise ArgumentError(
                f"There is no report named {shorten(name)}. Choose one of "
                f"{', '.join(self.reports)}."
            )
        return self.reports[name]

    def _metrics(self) -> Sequence[str]:
        return _MULTI if any(report.multi_label for report in self._reports) else _SINGLE

    def _main_metric(self) -> str:
        return "micro_f1" if any(report.multi_label for report in self._reports) else "accuracy"

    def _check_ranked(self) -> None:
        if not self.is_ranked:
            raise ArgumentError(
                f"These reports cannot be ranked: {self._difference_of_texts()} Evaluate the "
                "models on one dataset, or look at summary() and per_label()."
            )

    def _difference_of_texts(self) -> str:
        first = self._reports[0]
        other = next(r for r in self._reports if r.fingerprint != first.fingerprint)
        sizes = " and ".join(
            f"{shorten(r.name)} on {len(r):,} texts (fingerprint {r.fingerprint[:12]})"
            for r in (first, other)
        )
        return f"they are on different texts or actual labels, {sizes}."


_TOTALS = ("support", "predicted", "tp", "fn", "fp", "precision", "recall", "f1")


def _last_if_nan(value: float) -> tuple[bool, float]:
    return (bool(np.isnan(value)), value)


def _answers(report: Report) -> list[Any]:
    names: Any = report.labels
    if report.multi_label:
        return [tuple(names[i] for i in np.flatnonzero(row)) for row in report.y_pred]
    return [None if i < 0 else names[i] for i in report.y_pred.tolist()]


def compare(
    models: Iterable[Any] | Mapping[str, Any], datasets: Any = None, **options: Any
) -> Comparison:
    """Compare many models on one dataset, or one model on many datasets.

    Args:
        models: list of models, or dict from name to model: each a `Report`, the
            directory of a saved report, or, with `datasets`, what `evaluate`
            takes: a classifier, a `Run`, the name or path of a preset.
        datasets: one dataset for all models, or a list of datasets (or a dict
            from name to dataset) for one model, as in `evaluate`. Defaults to
            `None`, which requires that all models are reports.
        **options: further arguments of `evaluate`.

    Returns:
        A `Comparison`.

    Raises:
        ArgumentError: there are many models and many datasets, or fewer than two
            reports.
    """
    return Comparison(reports_of(models, datasets, options))
