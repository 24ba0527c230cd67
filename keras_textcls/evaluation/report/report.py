"""`Report`: the result of one evaluation, with plots, an HTML page and files."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_textcls.evaluation.html.page import write_page
from keras_textcls.evaluation.metrics.scores import read_scores
from keras_textcls.evaluation.report.display import as_html, as_text
from keras_textcls.evaluation.report.plots import ReportPlots
from keras_textcls.evaluation.report.report_files import load_report, save_report
from keras_textcls.evaluation.report.report_info import ReportInfo
from keras_textcls.evaluation.report.report_numbers import ReportNumbers
from keras_textcls.evaluation.report.text_table import text_table
from keras_textcls.utils.paths import read_path


class Report(ReportNumbers):
    """The result of an evaluation of a model on labelled texts.

    A report is created by `evaluate`, by `from_predictions` from the output of any model,
    by `cross_validate` from out-of-fold predictions, or by `load`. It holds the actual
    labels, the probabilities and, if they are known, the texts; all metrics are computed
    from these when they are accessed. A report is immutable: `at_threshold` and `take`
    return another report.

    A metric that is undefined is `nan`, and a reason is given. It is never replaced by 0 or
    1.

    Example:
    >>> report = Report.from_predictions(
    ...     y_true=["ham", "spam", "spam", "ham"],
    ...     y_score=[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]],
    ...     labels=["ham", "spam"],
    ...     texts=["see you at six", "win a prize", "call now", "lunch?"],
    ... )
    >>> report["accuracy"]
    0.75
    >>> print(report.confusion_matrix())
    actual  ham  spam
    ham       2     0
    spam      1     1
    >>> [text.text for text in report.errors()]
    ['call now']
    """

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_score: Any,
        labels: Any,
        *,
        multi_label: bool | None = None,
        texts: Any = None,
        metadata: Mapping[str, Any] | None = None,
        thresholds: Any = None,
        name: str | None = None,
        top_k: int | None = None,
        seed: int = 0,
        info: ReportInfo | None = None,
    ) -> Report:
        """Create a report from stored predictions of any model.

        Args:
            y_true: actual labels. Single-label: ints in `[0, num_classes)`, or
                names. Multi-label: lists of names, or a matrix of shape
                `(num_texts, num_classes)` of 1, 0 and, if unknown, -1. Names that are
                not in `labels` count as labels that the model does not have.
            y_score: array-like of shape `(num_texts, num_classes)`,
                probabilities; for two mutually exclusive labels also
                `(num_texts,)`, the probabilities of the second.
            labels: list of names, the columns of `y_score`.
            multi_label: bool or `None`. Defaults to `None`, determined from the
                form of `y_true`.
            texts: list of strings, or a tuple of two lists for text pairs.
                Defaults to `None`, unknown.
            metadata: dict from the name of a column to a list with a value for
                each text, for `slices`; the column `id` is shown with texts.
                Defaults to `None`.
            thresholds: as for `at_threshold`. Defaults to `None`.
            name: string, name of the model in comparisons. Defaults to `None`,
                the name in `info`.
            top_k: int, for `top_K_accuracy`. Defaults to `None`: half the
                labels, at most 5.
            seed: int, random seed of the bootstrap. Defaults to `0`.
            info: `ReportInfo`. Defaults to `None`, with the current time.

        Returns:
            A `Report`.

        Raises:
            ArgumentError: the arguments do not fit together.
            InvalidDataError: there are no texts, a score is not a probability, or
                an actual label or a text is missing.
        """
        scores = read_scores(y_true, y_score, labels, multi_label)
        table = text_table(texts, metadata, len(scores))
        if info is None:
            info = ReportInfo.now(name=name)
        elif name is not None:
            info = dataclasses.replace(info, name=name)
        return cls.from_scores(scores, table, info, thresholds, top_k, seed)

    # === Plots and files ===

    @property
    def plot(self) -> ReportPlots:
        """The plots of the report, `ReportPlots`: `report.plot.roc()`, `.confusion()`, ..."""
        return ReportPlots(self)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report as one self-contained HTML page.

        Args:
            path: string or path of the file; an existing file is replaced.

        Returns:
            The `Path` of the page.
        """
        return write_page(self, read_path(path, "path"))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Save the report: `report.json` and `predictions.arrow`.

        Args:
            directory: string or path. A report that was saved there is replaced
                atomically.
        """
        save_report(self, read_path(directory, "directory"))

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Report:
        """Load a saved report.

        Args:
            directory: string or path.

        Returns:
            A `Report`.

        Raises:
            InvalidDataError: the directory is not a saved report, or is broken.
        """
        return load_report(read_path(directory, "directory"), cls)

    def __str__(self) -> str:
        return as_text(self)

    def __repr__(self) -> str:
        first = next(iter(self.values))
        return f"<Report {self.name}: {len(self):,} texts, {first} {self.values[first]:.4f}>"

    def _repr_html_(self) -> str:
        return as_html(self)
