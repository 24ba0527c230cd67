"""Checks for texts that occur more than once, in one part of a dataset or in two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_textcls.data.checks.findings import EXAMPLES, Finding
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.data.rows.invalid_rows import excerpt


def check_duplicates(
    dataset: LabelledTable,
    texts: list[str],
    groups: Sequence[np.ndarray],
    clusters: Sequence[np.ndarray],
) -> list[Finding]:
    """Check for duplicates, near duplicates, and duplicates with different labels."""
    findings = []
    extra = sum(len(group) - 1 for group in groups)
    if groups:
        findings.append(
            Finding(
                "duplicates",
                "warning",
                extra,
                f"{extra:,} texts are the same as an earlier one, but for case, space and "
                "characters that cannot be seen",
                "They count more than once in training. split() keeps them on one side; "
                "dataset.without_duplicates() drops them.",
                tuple(f"{len(g)} times: {excerpt(texts[g[0]])}" for g in groups[:EXAMPLES]),
                tuple(int(i) for group in groups for i in group[1:]),
            )
        )
    findings += _check_conflicts(dataset, texts, groups)
    return findings + _check_near_duplicates(texts, groups, clusters)


def _check_near_duplicates(
    texts: list[str], groups: Sequence[np.ndarray], clusters: Sequence[np.ndarray]
) -> list[Finding]:
    close = _only_near(clusters, groups, len(texts))
    if not close:
        return []
    count = sum(len(cluster) for cluster in close)
    pairs = tuple(f"{excerpt(texts[a])}  ~  {excerpt(texts[b])}" for a, b, *_ in close[:EXAMPLES])
    return [
        Finding(
            "near duplicates",
            "note",
            count,
            f"{count:,} texts in {len(close):,} groups are nearly the same as another "
            "(similarity 0.8 or more)",
            "Where they fall on both sides of a split, the score of the test is too high. Look "
            "at them; keep one of each group if they come from a template.",
            pairs,
            tuple(int(i) for cluster in close for i in cluster),
        )
    ]


def _only_near(
    clusters: Sequence[np.ndarray], same: Sequence[np.ndarray], count: int
) -> list[list[int]]:
    """Clusters of different texts of the dataset, without exact duplicates."""
    repeated = {int(i) for group in same for i in group[1:]}
    distinct = [[int(i) for i in c if i < count and i not in repeated] for c in clusters]
    return [cluster for cluster in distinct if len(cluster) > 1]


def _check_conflicts(
    dataset: LabelledTable, texts: list[str], groups: Sequence[np.ndarray]
) -> list[Finding]:
    rows = dataset.column("labels")
    if rows is None:
        return []
    labels = [row or [] for row in rows]
    known = [[i for i in group if rows[i] is not None] for group in groups]
    conflicts = [g for g in known if len({tuple(sorted(labels[i])) for i in g}) > 1]
    if not conflicts:
        return []

    def show(group: Sequence[int]) -> str:
        names = dict.fromkeys(", ".join(labels[i]) or "none" for i in group)
        return f"{' / '.join(names)}: {excerpt(texts[group[0]])}"

    count = sum(map(len, conflicts))
    return [
        Finding(
            "conflicting labels",
            "warning",
            count,
            f"{count:,} rows in {len(conflicts):,} groups hold the same text with different labels",
            "No model can get both right. Decide on one label for each, or use multi_label=True.",
            tuple(map(show, conflicts[:EXAMPLES])),
            tuple(int(i) for group in conflicts for i in group),
        )
    ]


def check_leakage(
    dataset: LabelledTable,
    against: LabelledTable | None,
    texts: list[str],
    digests: np.ndarray,
    clusters: Sequence[np.ndarray],
) -> list[Finding]:
    """Check for texts of one part that are also, or nearly, in another part."""
    sides = {name: np.flatnonzero(mask) for name, mask in dataset.split_masks().items()}
    names = list(sides)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if against is not None:
        sides["this dataset"] = np.arange(len(dataset))
        sides["the other"] = np.arange(len(dataset), len(texts))
        pairs.append(("this dataset", "the other"))
        digests = np.concatenate([digests, against.digests()])
    cluster_of = np.full(len(texts), -1)
    for number, cluster in enumerate(clusters):
        cluster_of[cluster] = number
    _, group_of = np.unique(digests, axis=0, return_inverse=True)
    findings = []
    for first, second in pairs:
        one, other = sides[first], sides[second]
        same = np.isin(group_of.reshape(-1)[other], group_of.reshape(-1)[one])
        shared = (cluster_of[other] >= 0) & np.isin(cluster_of[other], cluster_of[one])
        for name, mask in (("leakage", same), ("near leakage", shared & ~same)):
            rows = np.flatnonzero(mask)
            if len(rows):
                shown = tuple(excerpt(texts[other[row]]) for row in rows[:EXAMPLES])
                findings.append(_leak(name, first, second, rows, len(other), shown))
    return findings


def _leak(
    name: str, first: str, second: str, rows: np.ndarray, size: int, shown: tuple[str, ...]
) -> Finding:
    is_same = name == "leakage"
    how = f"are in {first} too" if is_same else f"are nearly the same as one in {first}"
    return Finding(
        name,
        "error" if is_same else "warning",
        len(rows),
        f"{len(rows):,} of {size:,} texts of {second} ({100 * len(rows) / size:.1f} %) {how}",
        "A score on them says how well they are remembered. Take them out of one side, or split "
        "anew with split(), which keeps equal texts together.",
        shown,
        tuple(rows.tolist()),
    )
