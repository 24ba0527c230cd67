"""Finds the texts of a confusion cell, the errors and the slices of a report."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa

from keras_textcls.errors import ArgumentError, UnknownLabelError, shorten
from keras_textcls.evaluation.metrics.counts import pad
from keras_textcls.evaluation.metrics.matrices import UNANSWERED, without_label
from keras_textcls.evaluation.metrics.scores import Scores
from keras_textcls.predictions.decisions import NO_ANSWER

TEXT_COLUMNS = ("text", "text_pair", "id")


@dataclasses.dataclass(frozen=True)
class JudgedText:
    """A text with its actual and its predicted labels.

    Args:
        row: int, row of the text among the evaluated texts.
        text: string, or `None` if the texts are unknown.
        text_pair: string or `None`, the second text of a pair.
        id: string or `None`.
        actual: string, or tuple of strings for multi-label.
        predicted: string, or `None` for no prediction; for multi-label a tuple
            of strings.
        score: float, the probability by which texts are sorted.
        probabilities: dict from label to probability, most probable first.
        metadata: dict of further columns.
    """

    row: int
    text: str | None
    text_pair: str | None
    id: str | None
    actual: str | tuple[str, ...]
    predicted: str | tuple[str, ...] | None
    score: float
    probabilities: dict[str, float]
    metadata: dict[str, Any]


def label_index(scores: Scores, name: str) -> int:
    """Return the index of a label among the labels of the model and the data.

    Args:
        scores: `Scores`.
        name: string, a label of the model or of the data.

    Returns:
        An int, index into `scores.all_labels`.

    Raises:
        UnknownLabelError: neither the model nor the data have the label.
    """
    if name in scores.extra_labels:
        return len(scores.labels) + scores.extra_labels.index(name)
    return scores.labels.index(name)


def rows_of_cell(
    scores: Scores, predicted: np.ndarray, actual: str | None, given: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the texts of a cell of the confusion matrix, most confident first.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.
        actual: string or `None` for any, an actual label.
        given: string or `None` for any, a predicted label, or `"(none)"`.

    Returns:
        A tuple of an int array of rows and a float array of the scores by which
        they are sorted: the probability of the predicted label, or the highest.
    """
    wanted = np.ones(len(scores), bool)
    if actual is not None:
        wanted &= _has(scores, actual)
    confidence = scores.y_score.max(axis=1)
    if given == UNANSWERED and given not in scores.labels:
        wanted &= predicted == NO_ANSWER if predicted.ndim == 1 else ~predicted.any(axis=1)
    elif given is not None:
        place = scores.labels.index(given)
        wanted &= predicted == place if predicted.ndim == 1 else predicted[:, place]
        confidence = scores.y_score[:, place]
    rows = np.flatnonzero(wanted)
    order = np.argsort(-confidence[rows], kind="stable")
    return rows[order], confidence[rows[order]]


def _has(scores: Scores, actual: str) -> np.ndarray:
    if actual == UNANSWERED and scores.multi_label and actual not in scores.all_labels:
        return without_label(scores)
    return scores.is_actual(label_index(scores, actual)) == 1


def rows_of_errors(scores: Scores, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the texts with wrong predictions, the most confident first.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.

    Returns:
        A tuple of an int array of rows and a float array of confidences.
        Single-label: the highest probability. Multi-label: the probability of the
        most confident wrong decision.
    """
    if predicted.ndim == 1:
        confidence = scores.y_score.max(axis=1)
        rows = np.flatnonzero(predicted != scores.y_true)
    else:
        size = scores.y_true.shape[1]
        wrong = (pad(predicted, size) != (scores.y_true == 1)) & (scores.y_true >= 0)
        given = np.pad(scores.y_score, ((0, 0), (0, size - scores.y_score.shape[1])))
        sure = np.where(pad(predicted, size), given, 1 - given)
        confidence = np.where(wrong, sure, 0).max(axis=1)
        rows = np.flatnonzero(wrong.any(axis=1))
    order = np.argsort(-confidence[rows], kind="stable")
    return rows[order], confidence[rows[order]]


def judged_texts(
    scores: Scores,
    predicted: np.ndarray,
    table: pa.Table | None,
    rows: np.ndarray,
    confidence: np.ndarray,
) -> list[JudgedText]:
    """Describe rows as `JudgedText`s.

    Args:
        scores: `Scores`.
        predicted: decisions, as `decide` returns them.
        table: `pyarrow.Table` of the texts, or `None`.
        rows: int array.
        confidence: float array of the same shape.

    Returns:
        A list of `JudgedText`.
    """
    records = [{}] * len(rows) if table is None else table.take(pa.array(rows)).to_pylist()
    actual = scores.take(rows).name_rows()
    judged = []
    for i, (row, record) in enumerate(zip(rows.tolist(), records, strict=True)):
        values = scores.y_score[row]
        order = np.argsort(-values, kind="stable")
        judged.append(
            JudgedText(
                row=row,
                text=record.get("text"),
                text_pair=record.get("text_pair"),
                id=record.get("id"),
                actual=actual[i],
                predicted=_name(scores, predicted[row]),
                score=float(confidence[i]),
                probabilities={scores.labels[j]: float(values[j]) for j in order.tolist()},
                metadata={k: v for k, v in record.items() if k not in TEXT_COLUMNS},
            )
        )
    return judged


def _name(scores: Scores, decision: Any) -> str | tuple[str, ...] | None:
    if np.ndim(decision):
        return tuple(scores.labels[i] for i in np.flatnonzero(decision))
    return None if decision == NO_ANSWER else scores.labels[int(decision)]


def slice_rows(table: pa.Table | None, by: str, bins: int) -> list[tuple[str, np.ndarray]]:
    """Split texts into slices.

    Args:
        table: `pyarrow.Table` of the texts, or `None`.
        by: string, `"length"` in characters or the name of a column.
        bins: int, number of slices by length, with about equally many texts.

    Returns:
        A list of tuples of the name of a slice and an int array of its rows.

    Raises:
        ArgumentError: there is no such column.
    """
    names = [] if table is None else table.schema.names
    known = ["length"] * ("text" in names) + [n for n in names if n not in TEXT_COLUMNS]
    if table is None or by not in (*known, *names):
        shown = f"one of {', '.join(map(repr, known))}" if known else "a column"
        raise ArgumentError(
            f"`by` must be {shown}. Received: by={shorten(by)}. Reports know the columns that "
            "they are given as `texts` and `metadata`."
        )
    if by == "length" and "text" in names:
        return _lengths(table, bins)
    values = ["(missing)" if v is None else str(v) for v in table.column(by).to_pylist()]
    rows_by_value: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        rows_by_value.setdefault(value, []).append(row)
    return [(value, np.asarray(rows_by_value[value])) for value in sorted(rows_by_value)]


def _lengths(table: pa.Table, bins: int) -> list[tuple[str, np.ndarray]]:
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.utf8_length(table.column("text")), 0).to_numpy()
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, bins + 1), method="higher"))
    slices = []
    for i, low in enumerate(edges[:-1] if len(edges) > 1 else edges):
        is_last = i >= len(edges) - 2
        high = edges[-1] if is_last else edges[i + 1] - 1
        rows = np.flatnonzero((lengths >= low) & (lengths <= high))
        slices.append((f"{low:,} to {high:,} characters", rows))
    return slices


def check_label_known(scores: Scores, name: str) -> None:
    """Refuse a name that is not a label of the model.

    Args:
        scores: `Scores`.
        name: string.

    Raises:
        UnknownLabelError: the model does not have the label.
    """
    if name in scores.extra_labels:
        raise UnknownLabelError(
            f"The model has no label {shorten(name)}, which only the data have: it has no scores."
        )
    scores.labels.index(name)
