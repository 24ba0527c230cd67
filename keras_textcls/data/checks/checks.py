"""Runs every check of a dataset and returns one report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_textcls.data.checks.findings import LEVELS, CheckReport, Finding
from keras_textcls.data.checks.label_checks import (
    check_label_counts,
    check_label_names,
    check_order,
)
from keras_textcls.data.checks.near_duplicates import equal_digests, near_duplicates
from keras_textcls.data.checks.repetition_checks import check_duplicates, check_leakage
from keras_textcls.data.checks.text_checks import (
    check_addresses,
    check_languages,
    check_scripts,
    check_short,
    check_truncation,
)
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.errors import ArgumentError, shorten


def check_dataset(
    dataset: LabelledTable, against: LabelledTable | None = None, preset: Any = None
) -> CheckReport:
    """Run every check; see `TextDataset.check`."""
    if against is not None and not isinstance(against, LabelledTable):
        raise ArgumentError(f"`against` must be a TextDataset. Received {shorten(against)}.")
    # Text pairs are compared as a whole, since many pairs share one of their texts.
    texts = _whole_texts(dataset)
    everything = texts if against is None else [*texts, *_whole_texts(against)]
    clusters = near_duplicates(everything)
    digests = dataset.digests()
    checks: list[Callable[[], list[Finding]]] = [
        lambda: check_leakage(dataset, against, everything, digests, clusters),
        lambda: check_duplicates(dataset, texts, equal_digests(digests), clusters),
        lambda: check_label_counts(dataset),
        lambda: check_label_names(dataset, against),
        lambda: check_order(dataset),
        lambda: check_short(texts),
        lambda: check_addresses(texts),
        lambda: check_scripts(texts),
        lambda: check_truncation(dataset, preset),
    ]
    findings = [finding for check in checks for finding in check()]
    languages, not_checked = check_languages(texts)
    findings += languages
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    return CheckReport(tuple(findings), len(texts), not_checked)


def _whole_texts(dataset: LabelledTable) -> list[str]:
    pairs = dataset.text_pairs
    if pairs is None:
        return dataset.texts
    return [f"{first} | {second}" for first, second in zip(dataset.texts, pairs, strict=True)]
