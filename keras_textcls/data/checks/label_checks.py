"""Checks for labels that are rare, alike, joined or missing, and for rows sorted by label."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from keras_textcls.data.checks.findings import EXAMPLES, Finding
from keras_textcls.data.checks.near_duplicates import normalize
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.utils.text_display import without_invisible

# With fewer texts of a label, its scores are not reliable.
_FEW_TEXTS = 10
_IMBALANCE = 10
_SEPARATORS = "|,;/#&+"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_TRUTH = {"true": "1.0", "false": "0.0"}
# Anything in brackets or braces, a string in its quotes, zeros and ones, labels of fastText.
_LIST = re.compile(
    r"\s*(?:\[.*\]|\{.*\}|\(.*,.*\)|\w+\(\s*[\[{(].*\)|'.*'|\".*\""
    r"|[01](?:[ ,;|\t][01])+|__label__\S+(?:\s+__label__\S+)+)\s*",
    re.DOTALL,
)


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
    empty = dataset.count_empty_of_single()
    if empty:
        return [
            Finding(
                "texts without any label",
                "note",
                empty,
                f"no text has several labels, and {empty:,} have an empty list of labels",
                "They are read as texts to which no label applies, and the dataset as multi-label. "
                "If nobody has labelled them yet, read with multi_label=False.",
            )
        ]
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


def check_label_names(
    dataset: LabelledTable, against: LabelledTable | None = None
) -> list[Finding]:
    """Check for labels that look alike, for lists among them, and for several in one cell.

    Args:
        dataset: `LabelledTable`.
        against: `LabelledTable` or `None`, whose labels are compared with those of
            the dataset.

    Returns:
        A list of `Finding`.
    """
    names = list(dataset.labels or ())
    others = () if against is None else against.labels or ()
    everything = list(dict.fromkeys([*names, *others]))
    return [*_check_alike(everything), *_check_written_lists(names), *_check_joined(dataset, names)]


def _check_alike(names: Sequence[str]) -> list[Finding]:
    alike: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        alike[_folded(name)].append(name)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return []
    first, second = (_shown(name) for name in groups[0][:2])
    return [
        Finding(
            "labels that look alike",
            "warning",
            sum(map(len, groups)),
            f"{len(groups):,} groups of labels differ in case, space, hyphens, characters that "
            "look the same or cannot be seen, or in how a number is written",
            f"They are separate classes now. Merge them: dataset.relabel({{{second}: {first}}}).",
            tuple(" / ".join(map(_shown, group)) for group in groups[:EXAMPLES]),
        )
    ]


def _folded(name: str) -> str:
    """The same for names that a reader would take for one."""
    visible = "".join(c for c in name if unicodedata.category(c) != "Cc" or c.isspace())
    folded = " ".join(normalize(visible).replace("_", " ").replace("-", " ").split())
    if _NUMBER.fullmatch(name.strip()):
        # Not `folded`, in which there are no hyphens: -1 is another label than 1.
        return str(float(name))
    return _TRUTH.get(folded, folded)


def _shown(name: str) -> str:
    """A name in quotes; characters that cannot be told apart are written as numbers."""
    usual = unicodedata.normalize("NFKC", without_invisible(name))
    return repr(name) if usual == name else ascii(name)


def _check_written_lists(names: Sequence[str]) -> list[Finding]:
    written = [name for name in names if _LIST.fullmatch(name)]
    if not written:
        return []
    return [
        Finding(
            "labels that look like lists",
            "warning",
            len(written),
            f"{len(written):,} labels look like a list or an object that is written as text",
            "Each is one class now. If a text may have several labels, write them as JSON, such "
            'as ["joy", "love"], or pass label_separator=...; otherwise rename them with '
            "relabel().",
            tuple(map(_shown, written[:EXAMPLES])),
        )
    ]


def _check_joined(dataset: LabelledTable, names: Sequence[str]) -> list[Finding]:
    findings = []
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
