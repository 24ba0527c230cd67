"""The texts that a page holds: all of them or a sample, whole or cut, with their scores."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from keras_textcls.evaluation.html.page_pack import pack
from keras_textcls.evaluation.metrics.scores import Scores
from keras_textcls.evaluation.report import examples
from keras_textcls.evaluation.report.report_numbers import ReportNumbers
from keras_textcls.predictions.decisions import default_thresholds

# The page tells scores apart to the thousandth: every second place rounds up to one.
FINE_GRID = np.arange(2001) / 2000
TOP = 5
_MOST_TEXTS = 20_000
_MOST_SCORES = 900_000
_FEWEST = 200
_ERRORS = 100
_SHORTEST = 40
# Control characters, halves of surrogate pairs and overrides of the direction of writing.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""Replace characters that cannot be shown, or change what others show.

    Args:
        text: string.

    Returns:
        A string that UTF-8 can hold.

    Example:
    >>> visible("a\x00b")
    'a�b'
    """
    return _HIDDEN.sub("\ufffd", text)


def page_rows(report: ReportNumbers) -> tuple[np.ndarray, np.ndarray]:
    """Choose the texts that go into the page.

    Args:
        report: `Report`.

    Returns:
        A tuple of sorted int arrays: rows of the page, and the worst errors,
        which are always among them.
    """
    scores = report.scores
    errors = examples.rows_of_errors(scores, report.predicted)[0][:_ERRORS]
    most = min(_MOST_TEXTS, max(_FEWEST, _MOST_SCORES // len(scores.labels)))
    if not report.multi_label:
        most = _MOST_TEXTS
    if len(scores) <= most:
        return np.arange(len(scores)), errors
    chosen = np.random.default_rng(0).choice(len(scores), most, replace=False)
    return np.union1d(chosen, errors), errors


def describe_texts(report: ReportNumbers) -> dict[str, Any]:
    """Describe the texts of the page, but for their words.

    Args:
        report: `Report`.

    Returns:
        A dict for JSON.
    """
    rows, errors = page_rows(report)
    scores = report.scores.take(rows)
    entry: dict[str, Any] = {
        "number": len(rows),
        "rows": None if len(rows) == len(report) else rows.tolist(),
        "errors": np.searchsorted(rows, errors).tolist(),
    }
    if report.multi_label:
        entry["actual"] = [np.flatnonzero(row == 1).tolist() for row in scores.y_true]
        unknown = [np.flatnonzero(row < 0).tolist() for row in scores.y_true]
        entry["unknown"] = unknown if any(unknown) else None
        columns = np.column_stack([scores.y_score, scores.y_score.max(axis=1)])
    else:
        entry["actual"] = [[label] for label in scores.y_true.tolist()]
        entry["unknown"] = None
        columns = scores.y_score.max(axis=1, keepdims=True)
        entry |= _most_probable(scores)
    return entry | _ranks(columns, _own_thresholds(report))


def _own_thresholds(report: ReportNumbers) -> np.ndarray:
    """Thresholds of the labels; those of single-label texts stay 0 where there are none."""
    if report.threshold_values is not None:
        return report.threshold_values
    return default_thresholds(len(report.labels), report.multi_label)


def _most_probable(scores: Scores) -> dict[str, Any]:
    """The most probable labels of each text, and their probabilities in thousandths."""
    top = np.argsort(-scores.y_score, axis=1, kind="stable")[:, :TOP]
    values = np.take_along_axis(scores.y_score, top, axis=1).astype(np.float64)
    return {
        "top": pack(top, "uint16"),
        "top_values": pack(np.rint(values * 1000), "uint16"),
        "top_size": top.shape[1],
    }


def _ranks(columns: np.ndarray, own: np.ndarray) -> dict[str, Any]:
    """Ranks of the scores in each column, and the ranks that reach thresholds.

    Ranks sort texts as their scores do, in two bytes each, and compare exactly
    with the thresholds of which the page knows the rank.
    """
    ranks, fine, at_own = [], [], []
    for place, column in enumerate(columns.T):
        values, rank = np.unique(column, return_inverse=True)
        wide = values.astype(np.float64)
        ranks.append(rank.reshape(-1))
        fine.append(np.searchsorted(wide, FINE_GRID, side="left"))
        limits = own if len(columns.T) == 1 else own[place : place + 1]
        at_own += np.searchsorted(wide, limits, side="left").tolist()
    return {
        "columns": len(ranks),
        "ranks": pack(np.stack(ranks), "uint16"),
        "fine": pack(np.stack(fine), "uint16"),
        "own": at_own,
    }


def words(report: ReportNumbers, budget: int) -> dict[str, Any]:
    """Return the words of the texts, cut where they do not fit.

    Args:
        report: `Report`.
        budget: int, about how many bytes of JSON they may take.

    Returns:
        A dict for JSON.
    """
    rows = page_rows(report)[0]
    table = report.table
    defaults: dict[str, Any] = {"text": None, "text_pair": None, "id": None, "cut": None}
    if table is None:
        return defaults
    part = table.select([n for n in examples.TEXT_COLUMNS if n in table.schema.names]).take(rows)
    columns = {
        name: ["" if v is None else visible(str(v)) for v in part.column(name).to_pylist()]
        for name in part.schema.names
    }
    if "id" in columns:
        columns["id"] = [_cut(value, _SHORTEST) for value in columns["id"]]
        budget -= sum(_sizes(columns["id"]))
    texts = [name for name in columns if name != "id"]
    limit = _longest([value for name in texts for value in columns[name]], budget)
    if limit is not None:
        columns |= {name: [_cut(value, limit) for value in columns[name]] for name in texts}
    return defaults | columns | {"cut": limit}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _sizes(texts: list[str]) -> list[int]:
    return [len(to_json(text).encode()) + 1 for text in texts]


def _longest(texts: list[str], budget: int) -> int | None:
    """Return how many characters of each text fit, or `None` if all do."""
    sizes = np.asarray(_sizes(texts), np.float64)
    if sizes.sum() <= budget:
        return None
    lengths = np.maximum([len(text) for text in texts], 1)
    low, high = _SHORTEST, int(lengths.max())
    while low < high:
        middle = (low + high + 1) // 2
        fits = (sizes / lengths * np.minimum(lengths, middle)).sum() <= budget
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def to_json(value: Any) -> str:
    r"""Write JSON that no parser of HTML takes for anything else.

    Args:
        value: anything that JSON holds.

    Returns:
        A string.

    Example:
    >>> to_json("</script>")
    '"\\u003c/script>"'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
