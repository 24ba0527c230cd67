"""The texts of a page with their scores: all texts or a sample, in full or truncated."""

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

# The page shows scores in thousandths; every second value of the grid is a rounding limit.
FINE_GRID = np.arange(2001) / 2000
TOP = 5
_MOST_TEXTS = 20_000
_MOST_SCORES = 900_000
_FEWEST = 200
_ERRORS = 100
_SHORTEST = 40
# Control characters, lone surrogates, bidirectional controls and noncharacters.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""Replace characters that cannot be displayed, or that change how others are displayed.

    Args:
        text: string.

    Returns:
        A string that can be encoded as UTF-8.

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
        A tuple of int arrays: the sorted rows of the page, and the rows of the
        most confident errors, which are always on the page.
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
    """Describe the texts of the page: labels, ranks and scores, without the strings.

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
    """The thresholds of the report, or the default thresholds (0 for single-label)."""
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
    """Ranks of the scores in each column, and the ranks of the thresholds.

    Ranks sort texts in the same order as their scores and take two bytes each. They compare
    exactly with thresholds whose rank is on the page.
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
    """Return the texts themselves, truncated if they do not fit.

    Args:
        report: `Report`.
        budget: int, approximate maximum size as JSON, in bytes.

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
    """Return how many characters of each text fit, or `None` if all texts fit."""
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
    r"""Write JSON that is safe inside of HTML.

    Args:
        value: any value of JSON.

    Returns:
        A string.

    Example:
    >>> to_json("</script>")
    '"\\u003c/script>"'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
