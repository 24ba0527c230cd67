"""Checks for texts that are short, long, addresses, or in several scripts and languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from keras_textcls.data.checks.findings import EXAMPLES, Finding
from keras_textcls.data.checks.scripts import count_languages, count_scripts
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.data.rows.invalid_rows import excerpt
from keras_textcls.data.statistics import dataset_statistics

_SAMPLE = 20_000
_LANGUAGE_SAMPLE = 1_000
# Smaller shares of another script or language are ignored.
_OTHER_SCRIPT = 0.01
_OTHER_LANGUAGE = 0.05
_TRUNCATED = 0.05
_ADDRESS = re.compile(r"https?://\S+$")


def check_short(texts: Sequence[str]) -> list[Finding]:
    """Check for texts of a single word."""
    rows = [i for i, text in enumerate(texts) if len(text) < 40 and len(text.split()) < 2]
    if not rows:
        return []
    return [
        Finding(
            "one word",
            "note",
            len(rows),
            f"{len(rows):,} texts are a single word",
            "See whether they mean what their label says.",
            tuple(excerpt(texts[i]) for i in rows[:EXAMPLES]),
            tuple(rows),
        )
    ]


def check_addresses(texts: Sequence[str]) -> list[Finding]:
    """Check for texts that are web addresses."""
    rows = [i for i, text in enumerate(texts) if _ADDRESS.match(text.strip())]
    if not rows:
        return []
    return [
        Finding(
            "addresses",
            "warning" if len(rows) > len(texts) / 2 else "note",
            len(rows),
            f"{len(rows):,} texts are web addresses and nothing else",
            'If the texts are stored at these addresses, read the file with cells="url".',
            tuple(excerpt(texts[i]) for i in rows[:EXAMPLES]),
            tuple(rows),
        )
    ]


def _sampled(texts: Sequence[str], count: int) -> list[str]:
    step = max(1, len(texts) // count)
    return list(texts[::step][:count])


def _mixture(counts: dict[str, int], least: float) -> list[str]:
    total = sum(counts.values())
    shares = {name: count / total for name, count in counts.items()}
    kept = [f"{name} {100 * share:.1f} %" for name, share in shares.items() if share >= least]
    return kept if len(kept) > 1 else []


def check_scripts(texts: Sequence[str]) -> list[Finding]:
    """Check for several scripts."""
    counts = count_scripts(_sampled(texts, _SAMPLE))
    mixture = _mixture(counts, _OTHER_SCRIPT)
    if not mixture:
        return []
    return [
        Finding(
            "mixed scripts",
            "note",
            len(mixture),
            f"the texts are in several scripts: {', '.join(mixture)}",
            "Take a preset that knows them all; one that is made for English reads the others as "
            "unknown tokens.",
        )
    ]


def check_languages(texts: Sequence[str]) -> tuple[list[Finding], tuple[str, ...]]:
    """Check for several languages; also returns what could not be checked."""
    counts = count_languages(_sampled(texts, _LANGUAGE_SAMPLE))
    if counts is None:
        return [], ("languages (pip install 'keras-textcls[languages]')",)
    mixture = _mixture(counts, _OTHER_LANGUAGE)
    if not mixture:
        return [], ()
    finding = Finding(
        "mixed languages",
        "note",
        len(mixture),
        f"the texts look like several languages: {', '.join(mixture)}",
        "Take a preset that knows them all, and look at the scores of each language.",
    )
    return [finding], ()


def check_truncation(dataset: LabelledTable, preset: Any) -> list[Finding]:
    """Check for texts that a preset would truncate."""
    if preset is None:
        return []
    stats = dataset_statistics(dataset, preset)
    if stats.truncated is None or not stats.truncated > _TRUNCATED:
        return []
    count = round(stats.truncated * len(dataset))
    return [
        Finding(
            "truncation",
            "warning",
            count,
            f"{100 * stats.truncated:.1f} % of the texts are longer than the preset's "
            f"sequence_length={stats.sequence_length} and would be cut",
            "Set classifier.sequence_length to more, if the preset has positions for it.",
        )
    ]
