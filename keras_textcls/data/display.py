"""Shows a dataset in a terminal and in a notebook."""

from __future__ import annotations

import html
from typing import Any

from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.utils.text_display import one_line

_ROWS = 5
_WIDTH = 60
_LABELS = 6


def _facts(dataset: LabelledTable) -> list[str]:
    labels = dataset.labels
    if labels is None:
        named = "no labels"
    else:
        shown = ", ".join(labels[:_LABELS])
        more = len(labels) - _LABELS
        named = f"{len(labels)} labels ({shown}{f' and {more} more' if more > 0 else ''})"
        named += ", any number a text" if dataset.multi_label else ""
    facts = [f"{len(dataset):,} texts", named]
    if dataset.invalid_rows:
        facts.append(f"{len(dataset.invalid_rows):,} rows could not be used")
    return facts


def _rows(dataset: LabelledTable) -> list[tuple[str, str]]:
    rows = []
    for example in dataset[:_ROWS]:
        text = example.text
        if example.text_pair is not None:
            text = f"{text} | {example.text_pair}"
        rows.append((_label(example.label), _cut(text)))
    return rows


def _label(label: Any) -> str:
    if label is None:
        return "?"
    return _cut(label if isinstance(label, str) else ", ".join(label) or "none", 24)


def _cut(text: str, width: int = _WIDTH) -> str:
    return one_line(text[: 8 * width], width)


def as_text(dataset: LabelledTable) -> str:
    """Describe a dataset in a few lines.

    Args:
        dataset: `LabelledTable`.

    Returns:
        A string: counts, label names and the first rows.
    """
    rows = _rows(dataset)
    width = max((len(label) for label, _ in rows), default=0)
    lines = [f"TextDataset: {', '.join(_facts(dataset))}"]
    lines += [f"  {label.ljust(width)}  {text}" for label, text in rows]
    more = len(dataset) - len(rows)
    return "\n".join([*lines, f"  and {more:,} more"] if more > 0 else lines)


def as_html(dataset: LabelledTable) -> str:
    """Describe a dataset as a table for a notebook.

    Args:
        dataset: `LabelledTable`.

    Returns:
        A string of HTML, in which the data are escaped.
    """
    cell = '<td style="text-align:left">'
    body = "".join(
        f"<tr>{cell}{html.escape(label)}</td>{cell}{html.escape(text)}</td></tr>"
        for label, text in _rows(dataset)
    )
    more = len(dataset) - _ROWS
    after = f"<p>and {more:,} more</p>" if more > 0 else ""
    head = '<th style="text-align:left">label</th><th style="text-align:left">text</th>'
    return (
        f"<div><p><b>TextDataset</b>: {html.escape(', '.join(_facts(dataset)))}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{after}</div>"
    )
