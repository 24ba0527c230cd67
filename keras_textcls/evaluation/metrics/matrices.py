"""Confusion matrices and co-occurrence matrices of labels."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.errors import UnknownLabelError, did_you_mean, shorten
from keras_textcls.evaluation.metrics.counts import divide, pad
from keras_textcls.evaluation.metrics.scores import CHUNK, Scores
from keras_textcls.predictions.decisions import NO_ANSWER
from keras_textcls.utils.result_table import ResultTable

UNANSWERED = "(none)"
KINDS = ("count", "share", "mean_probability")


@dataclasses.dataclass(frozen=True, eq=False)
class LabelMatrix:
    """A matrix between labels.

    Args:
        rows: tuple of strings, names of the rows: actual labels.
        columns: tuple of strings, names of the columns: predicted labels.
        values: array of shape `(len(rows), len(columns))`.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray

    def __getitem__(self, cell: tuple[str, str]) -> float:
        """Return a cell by the names of its row and column."""
        row, column = cell
        for name, names, what in ((row, self.rows, "row"), (column, self.columns, "column")):
            if name not in names:
                raise UnknownLabelError(
                    f"There is no {what} {shorten(name)}.{did_you_mean(str(name), names)} The "
                    f"{what}s are: {shorten(names)}."
                )
        return self.values[self.rows.index(row), self.columns.index(column)].item()

    def table(self) -> ResultTable:
        """Return the matrix as a table, with the names of the rows in front.

        Returns:
            A `ResultTable`.
        """
        lines = zip(self.rows, self.values.tolist(), strict=True)
        return ResultTable(("actual", *self.columns), tuple((name, *row) for name, row in lines))

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def confusion(scores: Scores, predicted: np.ndarray, kind: str) -> LabelMatrix:
    """Compute a confusion matrix.

    Single-label: each text counts in one cell. Texts without a prediction count in the
    column `(none)`; labels that the model does not have are additional rows.
    Multi-label: a text counts in the cell of each pair of an actual and a predicted label,
    so labels that correctly occur together also count off the diagonal. Texts without an
    actual, or a predicted, label count in the row, or the column, `(none)`. A text with
    unknown labels is not a text without a label.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.
        kind: string, `"count"` of texts, `"share"` of the texts of a row, or
            `"mean_probability"` of a label over the texts of a row.

    Returns:
        A `LabelMatrix`.
    """
    if kind == "mean_probability":
        return _mean_probability(scores)
    count = _count_multi_label if scores.multi_label else _count_single_label
    matrix = count(scores, predicted)
    if kind == "count":
        return matrix
    sums = _texts_of_rows(scores, matrix)
    return dataclasses.replace(matrix, values=divide(matrix.values, sums[:, None]))


def _texts_of_rows(scores: Scores, matrix: LabelMatrix) -> np.ndarray:
    if not scores.multi_label:
        return matrix.values.sum(axis=1)
    sums = [*(scores.y_true == 1).sum(axis=0), without_label(scores).sum()]
    return np.asarray(sums[: len(matrix.rows)])


def _count_single_label(scores: Scores, predicted: np.ndarray) -> LabelMatrix:
    rows, columns = scores.all_labels, tuple(scores.labels)
    width = len(columns) + 1
    answers = np.where(predicted == NO_ANSWER, len(columns), predicted)
    cells = scores.y_true.astype(np.int64) * width + answers
    values = np.bincount(cells, minlength=len(rows) * width).reshape(len(rows), width)
    if not values[:, -1].any():
        return LabelMatrix(rows, columns, values[:, :-1])
    return LabelMatrix(rows, (*columns, UNANSWERED), values)


def _count_multi_label(scores: Scores, predicted: np.ndarray) -> LabelMatrix:
    rows, columns = scores.all_labels, tuple(scores.labels)
    there = scores.y_true == 1
    actual = np.column_stack([there, without_label(scores)]).astype(np.float64)
    given = np.column_stack([predicted, ~predicted.any(axis=1)]).astype(np.float64)
    values = (actual.T @ given).astype(np.int64)
    keep_row, keep_column = values[-1].any(), values[:, -1].any()
    return LabelMatrix(
        (*rows, UNANSWERED) if keep_row else rows,
        (*columns, UNANSWERED) if keep_column else columns,
        values[: None if keep_row else -1, : None if keep_column else -1],
    )


def without_label(scores: Scores) -> np.ndarray:
    """Return which texts of multi-label data are known to have no label.

    Args:
        scores: `Scores`.

    Returns:
        A bool array of shape `(num_texts,)`.
    """
    return (scores.y_true == 0).all(axis=1)


def _mean_probability(scores: Scores) -> LabelMatrix:
    rows = scores.all_labels
    sums, number = np.zeros((len(rows), scores.y_score.shape[1])), np.zeros(len(rows))
    for start in range(0, len(scores), CHUNK):
        part = scores.take(slice(start, start + CHUNK))
        there = np.stack([part.is_actual(i) == 1 for i in range(len(rows))]).astype(np.float64)
        sums += there @ part.y_score.astype(np.float64)
        number += there.sum(axis=1)
    return LabelMatrix(rows, tuple(scores.labels), divide(sums, number[:, None]))


def co_occurrence(scores: Scores, predicted: np.ndarray | None) -> LabelMatrix:
    """Count the texts that have both labels; on the diagonal, those that have the label.

    Args:
        scores: `Scores`.
        predicted: decisions, to count predicted labels, or `None` to count
            actual ones.

    Returns:
        A `LabelMatrix`.
    """
    names = scores.all_labels
    if scores.multi_label:
        there = scores.y_true == 1 if predicted is None else pad(predicted, len(names))
    else:
        indices = scores.y_true if predicted is None else predicted
        there = indices[:, None] == np.arange(len(names))
    table = there.astype(np.float64)
    return LabelMatrix(names, names, (table.T @ table).astype(np.int64))
