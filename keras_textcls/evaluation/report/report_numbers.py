"""`ReportNumbers`: the data of an evaluation, and all metrics that are computed from them.

The file holds one class; more than half of it is documentation, and its methods call the
modules of `metrics`. `Report` adds output and files; plots, pages and comparisons read the
metrics from here.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Self

import numpy as np
import pyarrow as pa

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.evaluation.metrics import (
    counts,
    curves,
    fingerprints,
    label_errors,
    matrices,
    metrics,
    reliability,
    resampling,
)
from keras_textcls.evaluation.metrics.counts import Counts
from keras_textcls.evaluation.metrics.label_errors import SuspectedLabelError
from keras_textcls.evaluation.metrics.matrices import LabelMatrix
from keras_textcls.evaluation.metrics.metrics import LabelAreas, Metric
from keras_textcls.evaluation.metrics.scores import Scores
from keras_textcls.evaluation.metrics.thresholds import TunedThresholds, tune
from keras_textcls.evaluation.report import examples
from keras_textcls.evaluation.report.examples import JudgedText
from keras_textcls.evaluation.report.label_table import label_table
from keras_textcls.evaluation.report.report_info import ReportInfo
from keras_textcls.labels import LabelSet
from keras_textcls.predictions.calibration import BINS
from keras_textcls.predictions.decisions import decide, read_thresholds
from keras_textcls.utils.result_table import ResultTable

_MOST_TOP = 5


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ReportNumbers:
    """The data and the metrics of a report, without output and files.

    Args:
        scores: `Scores`, actual labels and probabilities.
        table: `pyarrow.Table` of texts, ids and further columns, or `None`.
        info: `ReportInfo`: model, data, time and package versions.
        threshold_values: float array of shape `(num_classes,)`, or `None`: 0.5
            for multi-label, otherwise no threshold.
        top_k: int or `None`, for `top_K_accuracy`.
        seed: int, random seed of the bootstrap.
    """

    scores: Scores
    table: pa.Table | None
    info: ReportInfo
    threshold_values: np.ndarray | None
    top_k: int | None
    seed: int

    @classmethod
    def from_scores(
        cls,
        scores: Scores,
        table: pa.Table | None,
        info: ReportInfo,
        thresholds: Any = None,
        top_k: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Create a report from encoded labels and scores.

        Args:
            scores: `Scores`.
            table: `pyarrow.Table` of texts and metadata, or `None`.
            info: `ReportInfo`.
            thresholds: as for `at_threshold`. Defaults to `None`.
            top_k: int or `None`, as for `from_predictions`. Defaults to `None`.
            seed: int, random seed of the bootstrap. Defaults to `0`.

        Returns:
            A `Report`.
        """
        values = read_thresholds(thresholds, scores.labels)
        return cls(scores, table, info, values, read_top_k(top_k, scores), read_seed(seed))

    # === Data ===

    @property
    def labels(self) -> LabelSet:
        """The labels of the model, a `LabelSet`."""
        return self.scores.labels

    @property
    def extra_labels(self) -> tuple[str, ...]:
        """Labels of the data that the model does not have and so never predicts correctly."""
        return self.scores.extra_labels

    @property
    def multi_label(self) -> bool:
        """Whether a text may have any number of labels."""
        return self.scores.multi_label

    @property
    def y_true(self) -> np.ndarray:
        """Actual labels: `(num_texts,)` ints, or for multi-label a matrix of 1, 0 and -1."""
        return _read_only(self.scores.y_true)

    @property
    def y_score(self) -> np.ndarray:
        """Probabilities, of shape `(num_texts, num_classes)`."""
        return _read_only(self.scores.y_score)

    @property
    def y_pred(self) -> np.ndarray:
        """Decisions: `(num_texts,)` ints, -1 for no prediction; for multi-label a bool matrix."""
        return _read_only(self.predicted)

    @property
    def texts(self) -> list[str] | None:
        """The texts, or `None` if they are unknown."""
        has = self.table is not None and "text" in self.table.schema.names
        return self.table.column("text").to_pylist() if has and self.table is not None else None

    @property
    def name(self) -> str:
        """The name of the model in comparisons."""
        return self.info.name or "model"

    @property
    def thresholds(self) -> dict[str, float] | None:
        """The threshold of each label; `None`: 0.5 for multi-label, otherwise no threshold."""
        if self.threshold_values is None:
            return None
        return dict(zip(self.labels, self.threshold_values.tolist(), strict=True))

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of the texts and their actual labels: equal for reports that can be ranked."""
        return fingerprints.fingerprint(self.scores, self.table)

    def __len__(self) -> int:
        return len(self.scores)

    # === Numbers ===

    @functools.cached_property
    def predicted(self) -> np.ndarray:
        """Decisions at the thresholds; `y_pred` is a read-only view of them."""
        return decide(self.scores.y_score, self.multi_label, self.threshold_values)

    @functools.cached_property
    def counts(self) -> Counts:
        """Counts of actual, predicted and correct labels, `Counts`."""
        return counts.count(self.scores, self.predicted)

    @functools.cached_property
    def areas(self) -> LabelAreas:
        """Areas under the curves of each label, `LabelAreas`."""
        return metrics.label_areas(self.scores)

    @functools.cached_property
    def values(self) -> dict[str, float]:
        """All metrics without intervals: a dict from name to float."""
        return metrics.point_values(
            self.scores, self.predicted, self.counts, self.areas, self.top_k
        )

    def __getitem__(self, metric: str) -> float:
        if metric not in self.values:
            raise ArgumentError(
                f"There is no metric {shorten(metric)} for this report. Choose one of "
                f"{', '.join(self.values)}."
            )
        return self.values[metric]

    @functools.cached_property
    def metrics(self) -> dict[str, Metric]:
        """All metrics with 95 % bootstrap intervals: a dict from name to `Metric`."""
        said = metrics.reasons(self.scores, self.counts, self.areas, self.values)
        by_name = {}
        for name, value in self.values.items():
            low, high = self.resamples.interval(name, value)
            by_name[name] = Metric(name, value, low, high, said.get(name))
        return by_name

    @functools.cached_property
    def resamples(self) -> resampling.Resamples:
        """The metrics of 1,000 bootstrap resamples; areas may be computed for fewer."""
        return resampling.resample(self.scores, self.predicted, self.top_k, self.seed)

    @property
    def label_means(self) -> dict[str, float]:
        """Macro, micro and weighted precision, recall and F1: a dict, quick to compute."""
        return {name: float(value) for name, value in counts.averaged(self.counts).items()}

    def summary(self) -> ResultTable:
        """Return all metrics as a table.

        Returns:
            A `ResultTable` of metric, value, low, high and note.
        """
        rows = ((m.name, m.value, m.low, m.high, m.reason or "") for m in self.metrics.values())
        return ResultTable(("metric", "value", "low", "high", "note"), tuple(rows))

    def per_label(self) -> ResultTable:
        """Return counts and metrics of each label, with totals.

        Returns:
            A `ResultTable` of label, support, predicted, tp, fn, fp, tn, precision,
            recall, f1, roc_auc and average_precision. A metric is `nan` if it is
            undefined, for example precision if nothing is predicted. The last row
            holds the sums of the counts, the means of precision, recall and F1
            weighted by support, and the unweighted means of the areas.
        """
        return label_table(self.scores.all_labels, self.counts, self.areas)

    def at_threshold(self, threshold: Any) -> Self:
        """Return the report of the same predictions at other thresholds.

        Args:
            threshold: float in `[0, 1]`, a list with one for each label, a dict from
                label to float, or `TunedThresholds`; as in `TextClassifier.classify`.
                A single-label text whose most probable label is below its threshold
                has no prediction. `None` for the default.

        Returns:
            A `Report`.

        Raises:
            ArgumentError: a threshold is invalid, or the thresholds were tuned on
                texts of this report, so that its metrics would be too optimistic.
        """
        if isinstance(threshold, TunedThresholds):
            self._refuse_own(threshold)
        values = read_thresholds(threshold, self.labels)
        return dataclasses.replace(self, threshold_values=values)

    def tune_thresholds(self, objective: str = "f1", floor: float | None = None) -> TunedThresholds:
        """Choose thresholds on the texts of this report, which must be validation data.

        Args:
            objective: string, for each label: `"f1"`, the highest F1;
                `"precision"`, the highest recall with at least `floor` of
                precision; `"recall"`, the highest precision with at least
                `floor` of recall. Defaults to `"f1"`.
            floor: float in `(0, 1]`, or `None` for `"f1"`. Defaults to `None`.

        Returns:
            `TunedThresholds`: assign them to `TextClassifier.thresholds`, or pass them
            to `at_threshold` of a report on other texts.

        Raises:
            ArgumentError: the objective is unknown, or the floor does not fit it.
        """
        values, table, notes = tune(self.scores, objective, floor)
        digests = fingerprints.text_digests(self.table)
        return TunedThresholds(values, table, notes, self.fingerprint, digests)

    # === Matrices and curves ===

    def confusion_matrix(self, kind: str = "count") -> LabelMatrix:
        """Return the confusion matrix: rows are actual, columns are predicted labels.

        Single-label: texts without a prediction count in the column `(none)`.
        Multi-label: a text counts in the cell of each pair of an actual and a predicted
        label, so labels that correctly occur together also count off the diagonal.

        Args:
            kind: string, `"count"` of texts, `"share"` of the texts of a row,
                or `"mean_probability"` of a label over the texts of a row.
                Defaults to `"count"`.

        Returns:
            A `LabelMatrix`.
        """
        if kind not in matrices.KINDS:
            raise ArgumentError(
                f"`kind` must be one of {', '.join(map(repr, matrices.KINDS))}. Received: "
                f"kind={shorten(kind)}."
            )
        return matrices.confusion(self.scores, self.predicted, kind)

    def co_occurrence(self, predicted: bool = False) -> LabelMatrix:
        """Count the texts that have both labels; on the diagonal, those that have the label.

        Args:
            predicted: bool, count predicted labels instead of actual ones.
                Defaults to `False`.

        Returns:
            A `LabelMatrix`.
        """
        return matrices.co_occurrence(self.scores, self.predicted if predicted else None)

    def label_counts(self) -> dict[str, int]:
        """Count the texts of each label.

        Returns:
            A dict from label to the number of texts.
        """
        return dict(zip(self.scores.all_labels, self.counts.support.tolist(), strict=True))

    def roc_curve(self, label: str | None = None) -> curves.Curve:
        """Return the ROC curve of a label, at every score where its slope changes.

        Args:
            label: string, or `None` for the mean over labels at 101 false
                positive rates. Defaults to `None`.

        Returns:
            A `Curve` of false positive rate, true positive rate and threshold.
        """
        if label is None:
            return curves.macro_roc(self.scores)
        return curves.roc(self.scores, self._own_label(label))

    def precision_recall_curve(self, label: str | None = None) -> curves.Curve:
        """Return the precision-recall curve of a label, at every score where its slope changes.

        Args:
            label: string, or `None` for the mean over labels at 101 recalls.
                Defaults to `None`.

        Returns:
            A `Curve` of recall, precision and threshold.
        """
        if label is None:
            return curves.macro_precision_recall(self.scores)
        return curves.precision_recall(self.scores, self._own_label(label))

    def threshold_curve(self, label: str) -> dict[str, np.ndarray]:
        """Return counts and metrics of one label at the thresholds 0, 0.01, ..., 1.

        The label is predicted if its score reaches the threshold; other labels are
        ignored.

        Args:
            label: string.

        Returns:
            A dict of arrays of 101 values: `threshold`, `tp`, `fp`, `fn`, `tn`,
            `precision`, `recall` and `false_positive_rate`.
        """
        return curves.at_grid(self.scores, self._own_label(label))

    def reliability(self, bins: int = BINS) -> reliability.Reliability:
        """Return the reliability diagram: accuracy by predicted probability.

        Args:
            bins: int, of equal width. Defaults to `15`.

        Returns:
            `Reliability`; its `error` is the expected calibration error.
        """
        return reliability.reliability(self.scores, _read_number("bins", bins))

    def histogram(self, label: str, bins: int = 20) -> tuple[np.ndarray, ...]:
        """Compute histograms of the scores of a label, for texts with the label and without.

        Args:
            label: string.
            bins: int, of equal width. Defaults to `20`.

        Returns:
            A tuple of the edges, the counts of texts with the label and those
            of texts without.
        """
        bins = _read_number("bins", bins)
        return curves.histogram(self.scores, self._own_label(label), bins)

    # === Texts ===

    def examples(
        self, actual: str | None = None, predicted: str | None = None, limit: int | None = 20
    ) -> list[JudgedText]:
        """Return the texts of a cell of the confusion matrix, the most confident first.

        Args:
            actual: string, an actual label, or `None` for any. Defaults to
                `None`.
            predicted: string, a predicted label, `"(none)"` for no prediction, or
                `None` for any. Defaults to `None`.
            limit: int, maximum number of texts, or `None` for all. Defaults to `20`.

        Returns:
            A list of `JudgedText`.
        """
        rows_and_confidence = examples.rows_of_cell(self.scores, self.predicted, actual, predicted)
        return self._judged(rows_and_confidence, limit)

    def errors(self, limit: int | None = 20) -> list[JudgedText]:
        """Return the texts with wrong predictions, the most confident first.

        Args:
            limit: int, maximum number of texts, or `None` for all. Defaults to `20`.

        Returns:
            A list of `JudgedText`.
        """
        return self._judged(examples.rows_of_errors(self.scores, self.predicted), limit)

    def suspected_label_errors(self, limit: int | None = None) -> list[SuspectedLabelError]:
        """Return texts whose label is probably wrong, by confident learning.

        The predictions should be of texts that the model was not trained on, such as
        those of `cross_validate` ([Northcutt et al., 2021](
        https://doi.org/10.1613/jair.1.12125)).

        Args:
            limit: int, maximum number of texts, or `None` for all. Defaults to `None`.

        Returns:
            A list of `SuspectedLabelError`, the least probable labels first.
        """
        suspects = label_errors.suspects(self.scores)[: _read_limit(limit)]
        texts = self.texts
        return [
            SuspectedLabelError(
                row=row,
                text=None if texts is None else texts[row],
                given=self.labels[given],
                suggested=None if suggested is None else self.labels[suggested],
                score=score,
            )
            for row, given, suggested, score in suspects
        ]

    def slices(self, by: str = "length", bins: int = 4) -> ResultTable:
        """Return the metrics of slices of the texts.

        Args:
            by: string, `"length"` of the texts, or the name of a column of
                metadata. Defaults to `"length"`.
            bins: int, number of slices for `"length"`, with about equally many texts.
                Defaults to `4`.

        Returns:
            A `ResultTable` of slice, texts and the main metrics.
        """
        first = "subset_accuracy" if self.multi_label else "accuracy"
        names = (first, "macro_f1", "macro_roc_auc", "log_loss")
        rows = []
        for title, which in examples.slice_rows(self.table, by, _read_number("bins", bins)):
            part = self.take(which)
            rows.append((title, len(part), *(part[name] for name in names)))
        return ResultTable((by, "texts", *names), tuple(rows))

    def take(self, rows: Any) -> Self:
        """Return the report of some of the texts.

        Args:
            rows: int or bool array.

        Returns:
            A `Report`.

        Raises:
            ArgumentError: a row does not exist, or `rows` is empty.
        """
        try:
            # Arrow accepts neither negative nor bool rows.
            rows = np.arange(len(self))[np.asarray(rows)]
        except IndexError as error:
            raise ArgumentError(
                f"`rows` must be ints from 0 to {len(self) - 1}, or {len(self)} bools. Received: "
                f"rows={shorten(rows)}: {error}."
            ) from None
        if rows.ndim != 1 or not len(rows):
            raise ArgumentError(
                f"`rows` must name at least one text. Received: rows={shorten(rows)}."
            )
        table = None if self.table is None else self.table.take(pa.array(rows))
        return dataclasses.replace(self, scores=self.scores.take(rows), table=table)

    def actual_names(self) -> list[Any]:
        """Return the actual labels of the texts as names.

        Returns:
            A list of strings; for multi-label, of tuples of strings.
        """
        return self.scores.name_rows()

    def renamed(self, name: str) -> Self:
        """Return the report with another name.

        Args:
            name: string, name of the model in comparisons.

        Returns:
            A `Report`.
        """
        return dataclasses.replace(self, info=dataclasses.replace(self.info, name=name))

    # === Inside ===

    def _own_label(self, name: str) -> int:
        examples.check_label_known(self.scores, name)
        return self.labels.index(name)

    def _judged(
        self, rows_and_confidence: tuple[np.ndarray, np.ndarray], limit: int | None
    ) -> list[JudgedText]:
        rows, confidence = rows_and_confidence
        limit = _read_limit(limit)
        return examples.judged_texts(
            self.scores, self.predicted, self.table, rows[:limit], confidence[:limit]
        )

    def _refuse_own(self, tuned: TunedThresholds) -> None:
        shared = tuned.digests & fingerprints.text_digests(self.table)
        if not shared and tuned.fingerprint != self.fingerprint:
            return
        which = f"{len(shared):,} of the texts" if shared else "the texts"
        raise ArgumentError(
            f"The thresholds were tuned on {which} of this report, so what they reach here says "
            "nothing about other texts. Tune them on a report of validation data."
            + ("" if shared else " Where these are other texts, make both reports with `texts`.")
        )


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _read_number(name: str, value: Any, least: int = 1) -> int:
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value < least:
        raise ArgumentError(
            f"`{name}` must be an integer of at least {least}. Received: {name}={shorten(value)}."
        )
    return int(value)


def _read_limit(limit: Any) -> int | None:
    return None if limit is None else _read_number("limit", limit, 0)


def read_seed(seed: Any) -> int:
    """Check the seed of the bootstrap."""
    return _read_number("seed", seed, 0)


def read_top_k(top_k: int | None, scores: Scores) -> int | None:
    """Check `top_k`; the default is half of the labels, at most 5, or none for three or fewer."""
    classes = len(scores.labels)
    if top_k is None:
        usual = min(_MOST_TOP, classes // 2)
        return None if scores.multi_label or usual < 2 else usual
    is_int = isinstance(top_k, (int, np.integer)) and not isinstance(top_k, bool)
    if scores.multi_label or not is_int or not 1 <= top_k <= classes:
        raise ArgumentError(
            f"`top_k` must be an integer of at least 1 and at most {classes}, of labels that "
            f"exclude each other. Received: top_k={shorten(top_k)}."
        )
    return int(top_k)
