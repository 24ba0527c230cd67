"""Tunes the thresholds of labels on validation data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.evaluation.metrics.counts import divide
from keras_textcls.evaluation.metrics.scores import Scores
from keras_textcls.predictions.decisions import MULTI_LABEL_THRESHOLD
from keras_textcls.utils.result_table import ResultTable

OBJECTIVES = ("f1", "precision", "recall")


@dataclasses.dataclass(frozen=True, eq=False)
class TunedThresholds(Mapping[str, float]):
    """The probability threshold of each label, tuned on the texts of a report.

    A mapping from label to threshold: assign it to `TextClassifier.thresholds`,
    or pass it to `classify` or to `Report.at_threshold` of a report on other
    texts.

    Args:
        values_by_label: dict from label to threshold.
        table: `ResultTable` of the precision, recall and F1 of each label on
            these texts.
        notes: tuple of strings, labels that could not be tuned.
        fingerprint: string, fingerprint of the texts that were used for tuning.
        digests: frozen set of bytes, hashes of those texts.
    """

    values_by_label: dict[str, float]
    table: ResultTable
    notes: tuple[str, ...]
    fingerprint: str
    digests: frozenset[bytes] = dataclasses.field(repr=False)

    def __getitem__(self, label: str) -> float:
        return self.values_by_label[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_label)

    def __len__(self) -> int:
        return len(self.values_by_label)

    def __str__(self) -> str:
        return "\n".join([str(self.table), *self.notes])

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


@dataclasses.dataclass(frozen=True, eq=False)
class _Candidates:
    """Precision, recall and F1 at each possible threshold of a label, the highest first."""

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


def tune(
    scores: Scores, objective: str, floor: float | None
) -> tuple[dict[str, float], ResultTable, tuple[str, ...]]:
    """Choose the threshold of each label.

    Args:
        scores: `Scores`.
        objective: string, `"f1"` for the highest F1; `"precision"` for the
            highest recall with at least `floor` of precision; `"recall"` for
            the highest precision with at least `floor` of recall.
        floor: float in `(0, 1]`, or `None` for `"f1"`.

    Returns:
        A tuple of a dict from label to threshold, a `ResultTable` of precision,
        recall and F1 at these thresholds, and notes.

    Raises:
        ArgumentError: the objective is unknown, or the floor does not fit it.
    """
    _check(objective, floor)
    values: dict[str, float] = {}
    rows: list[tuple[Any, ...]] = []
    notes: list[str] = []
    for i, name in enumerate(scores.labels):
        candidates = _candidates(scores, i)
        best = _choose(candidates, objective, floor or 0.0)
        if best is None:
            values[name] = _fallback(scores, candidates, objective)
            notes.append(_note(name, candidates, objective, floor, values[name]))
            rows.append((name, values[name], np.nan, np.nan, np.nan))
            continue
        values[name] = float(candidates.thresholds[best])
        reached = (float(x[best]) for x in (candidates.precision, candidates.recall, candidates.f1))
        rows.append((name, values[name], *reached))
    table = ResultTable(("label", "threshold", "precision", "recall", "f1"), tuple(rows))
    return values, table, tuple(notes)


def _check(objective: str, floor: float | None) -> None:
    if objective not in OBJECTIVES:
        raise ArgumentError(
            f"`objective` must be one of {', '.join(map(repr, OBJECTIVES))}. Received: "
            f"objective={shorten(objective)}."
        )
    if objective == "f1":
        fits = floor is None
    else:
        fits = isinstance(floor, (int, float)) and not isinstance(floor, bool) and 0 < floor <= 1
    if not fits:
        needed = "None for 'f1'" if objective == "f1" else f"in (0, 1] for {objective!r}"
        raise ArgumentError(f"`floor` must be {needed}. Received: floor={shorten(floor)}.")


def _candidates(scores: Scores, label: int) -> _Candidates:
    """The thresholds between two successive scores of texts that may get the label."""
    known = scores.is_actual(label) >= 0
    actual = scores.is_actual(label)[known] == 1
    values = scores.y_score[known, label].astype(np.float64)
    support = actual.sum()
    if not scores.multi_label:
        first = scores.y_score.argmax(axis=1) == label
        values, actual = values[first], actual[first]
    order = np.argsort(-values, kind="stable")
    values, actual = values[order], actual[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True)[: len(values)])
    hits, given = np.cumsum(actual)[ends], np.arange(1, len(values) + 1)[ends]
    lower = np.append(values[ends][1:], 0.0)[: len(ends)]
    # The middle to the next lower score, so that no score equals the threshold.
    middle = (values[ends] + lower) / 2
    # The middle of two adjacent floats is one of them.
    middle = np.where(middle > lower, middle, values[ends])
    return _Candidates(
        middle, divide(hits, given), divide(hits, support), divide(2 * hits, given + support)
    )


def _choose(candidates: _Candidates, objective: str, floor: float) -> int | None:
    if not _is_tunable(candidates):
        return None
    if objective == "f1":
        return int(np.argmax(candidates.f1)) if candidates.f1.max() > 0 else None
    held, raised = (
        (candidates.precision, candidates.recall)
        if objective == "precision"
        else (candidates.recall, candidates.precision)
    )
    fits = np.flatnonzero(held >= floor - 1e-12)
    if not len(fits):
        return None
    best = raised[fits].max()
    # Of equally good candidates, the one with the higher value of the objective.
    equals = fits[raised[fits] == best]
    return int(equals[np.argmax(held[equals])])


def _is_tunable(candidates: _Candidates) -> bool:
    return bool(len(candidates.thresholds)) and not np.isnan(candidates.recall).any()


def _fallback(scores: Scores, candidates: _Candidates, objective: str) -> float:
    """The default threshold if no tuning is possible; otherwise the closest to the floor."""
    if not _is_tunable(candidates):
        return MULTI_LABEL_THRESHOLD if scores.multi_label else 0.0
    return 1.0 if objective == "precision" else 0.0


def _note(
    name: str, candidates: _Candidates, objective: str, floor: float | None, value: float
) -> str:
    shown = shorten(name)
    if not _is_tunable(candidates):
        return (
            f"{shown}: no text has the label, or none would be given it; not tuned, left at "
            f"{value:g}"
        )
    if objective == "f1":
        return f"{shown}: no threshold finds a text of it; not tuned, left at {value:g}"
    reached = candidates.precision if objective == "precision" else candidates.recall
    return f"{shown}: no threshold reaches {objective} {floor:g}; the best is {reached.max():.3f}"
