"""Checks for labels that are rare, similar, joined or missing, and for rows sorted by label."""

from __future__ import annotations

import collections

import numpy as np

from keras_textcls.data.checks.findings import EXAMPLES, Finding
from keras_textcls.data.labelled_table import LabelledTable

# With fewer texts of a label, its scores are not reliable.
_FEW_TEXTS = 10
_IMBALANCE = 10
_SEPARATORS = "|,;/"


def check_label_counts(dataset: LabelledTable) -> list[Finding]:
    """Check for labels with few texts, imbalance, and texts without a label."""
    if dataset.labels is None:
        return []
    counts = dict.fromkeys(dataset.labels, 0) | dataset.label_counts()
    findings = []
    single = [name for name, count in counts.items() if count <= 1]
    few = [name for name, count in counts.items() if 1 < count < _FEW_TEXTS]
    if single:
        findings.append(
            Finding(
                "labels with one text",
                "error",
                len(single),
                f"{len(single):,} labels have one text or none",
                "A stratified split needs at least two texts of each label, and a model many more. "
                "Add texts, or merge labels with relabel().",
                tuple(f"{name}: {counts[name]}" for name in single[:EXAMPLES]),
            )
        )
    if few:
        findings.append(
            Finding(
                "labels with few texts",
                "warning",
                len(few),
                f"{len(few):,} labels have fewer than {_FEW_TEXTS} texts",
                "Scores of these labels hang on a few texts. Add some, or merge labels with "
                "relabel().",
                tuple(f"{name}: {counts[name]}" for name in few[:EXAMPLES]),
            )
        )
    return [*findings, *_check_imbalance(dataset, counts), *_check_unlabelled(dataset)]


def _check_imbalance(dataset: LabelledTable, counts: dict[str, int]) -> list[Finding]:
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if len(counts) < 2 or counts[largest] < _IMBALANCE * max(counts[smallest], 1):
        return []
    return [
        Finding(
            "imbalance",
            "warning",
            counts[largest],
            f"{largest!r} has {counts[largest]:,} texts, {smallest!r} {counts[smallest]:,}",
            "Accuracy will flatter a model that ignores the rare labels: look at macro F1"
            + ("." if dataset.multi_label else ', and try fit(..., class_weight="balanced").'),
        )
    ]


def _check_unlabelled(dataset: LabelledTable) -> list[Finding]:
    count, _ = dataset.count_without_labels()
    if not count:
        return []
    return [
        Finding(
            "unlabelled",
            "warning",
            count,
            f"{count:,} texts have no label",
            "fit() and evaluate() need one for every text: "
            "dataset.filter(lambda row: row.label is not None).",
        )
    ]


def check_label_names(dataset: LabelledTable) -> list[Finding]:
    """Check for labels that differ only in spelling, and for several labels in one cell."""
    names = list(dataset.labels or ())
    findings = []
    folded: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        folded[" ".join(name.casefold().replace("_", " ").replace("-", " ").split())].append(name)
    twins = [group for group in folded.values() if len(group) > 1]
    if twins:
        findings.append(
            Finding(
                "labels that look alike",
                "warning",
                sum(map(len, twins)),
                f"{len(twins):,} groups of labels differ in case, space or hyphens only",
                "They are separate classes now. Merge them: "
                f"dataset.relabel({{{twins[0][1]!r}: {twins[0][0]!r}}}).",
                tuple(" / ".join(map(repr, group)) for group in twins[:EXAMPLES]),
            )
        )
    known = set(names)
    for separator in _SEPARATORS if not dataset.multi_label else "":
        joined = [n for n in names if separator in n]
        whole = [n for n in joined if {p.strip() for p in n.split(separator)} <= known]
        if whole:
            findings.append(
                Finding(
                    "joined labels",
                    "warning",
                    len(whole),
                    f"{len(whole):,} labels look like several that are joined by {separator!r}",
                    f"Read the file with label_separator={separator!r} if a text may have several.",
                    tuple(map(repr, whole[:EXAMPLES])),
                )
            )
    return findings


def check_order(dataset: LabelledTable) -> list[Finding]:
    """Check for rows that are sorted by label: fewer changes of label than by chance."""
    if not dataset.has_column("labels") or len(dataset) < 4 * _FEW_TEXTS:
        return []
    names = ["\n".join(labels) for labels in dataset.label_lists()]
    _, code, counts = np.unique(names, return_inverse=True, return_counts=True)
    expected = (len(names) - 1) * (1 - float(((counts / len(names)) ** 2).sum()))
    changes = int((np.diff(code.reshape(-1)) != 0).sum())
    if expected < _FEW_TEXTS or changes > 0.2 * expected:
        return []
    return [
        Finding(
            "sorted by label",
            "warning",
            len(names),
            f"the label changes {changes:,} times from row to row, by chance it would "
            f"{expected:,.0f} times: the rows are sorted by label",
            "The first or last rows are no fair sample. fit() and split() mix the rows; other "
            "programs may not: sample() or shuffle before.",
        )
    ]
