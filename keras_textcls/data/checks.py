"""What makes training or evaluation on a dataset go wrong."""

from __future__ import annotations

import collections
import dataclasses
import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_textcls.data.invalid_rows import excerpt
from keras_textcls.data.near_duplicates import equal_digests, near_duplicates
from keras_textcls.data.scripts import count_languages, count_scripts
from keras_textcls.errors import ArgumentError, shorten

if TYPE_CHECKING:
    from keras_textcls.data.text_dataset import TextDataset

FEW_TEXTS = 10
_IMBALANCE = 10
_EXAMPLES = 3
_SAMPLE = 20_000
_LANGUAGE_SAMPLE = 1_000
# Shares below which another script or language is but a word in passing.
_OTHER_SCRIPT = 0.01
_OTHER_LANGUAGE = 0.05
_TRUNCATED = 0.05
_SEPARATORS = "|,;/"
_ADDRESS = re.compile(r"https?://\S+$")
_LEVELS = ("error", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was found in a dataset.

    Args:
        name: string, such as `"duplicates"`.
        level: `"error"` if a result would be wrong, `"warning"` if it would be
            worse than it could be, `"note"` for what one should know.
        count: int, how many texts or labels it concerns.
        message: string, what was found.
        remedy: string, what to do.
        examples: tuple of strings.
        rows: tuple of ints, numbers of the rows it concerns, from 0; empty
            where it concerns all.
    """

    name: str
    level: str
    count: int
    message: str
    remedy: str
    examples: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.level}: {self.message}", *(f"    {e}" for e in self.examples)]
        return "\n".join([*lines, f"  -> {self.remedy}"])


@dataclasses.dataclass(frozen=True)
class CheckReport(Sequence[Finding]):
    """Everything that was found in a dataset, the worst first.

    Args:
        findings: tuple of `Finding`.
        rows: int, texts that were looked at.
        not_checked: tuple of strings, what was left out and why.
    """

    findings: tuple[Finding, ...]
    rows: int
    not_checked: tuple[str, ...] = ()

    def named(self, name: str) -> Finding | None:
        """Return the finding of a name, or `None`.

        Args:
            name: string, such as `"leakage"`.

        Returns:
            A `Finding` or `None`.
        """
        return next((finding for finding in self.findings if finding.name == name), None)

    def __getitem__(self, item: Any) -> Any:
        return self.findings[item]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __repr__(self) -> str:
        counts = collections.Counter(finding.level for finding in self.findings)
        found = ", ".join(f"{counts[level]} {level}s" for level in _LEVELS if counts[level])
        head = f"CheckReport: {found or 'nothing found'} in {self.rows:,} texts"
        lines = [head, *map(str, self.findings)]
        return "\n".join([*lines, *(f"not checked: {what}" for what in self.not_checked)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def check_dataset(
    dataset: TextDataset, against: TextDataset | None = None, preset: Any = None
) -> CheckReport:
    """Run every check; see `TextDataset.check`."""
    if against is not None and not hasattr(against, "_digests"):
        raise ArgumentError(f"`against` must be a TextDataset. Received {shorten(against)}.")
    # Pairs are compared as a whole: many share one of their texts.
    texts = _whole_texts(dataset)
    everything = texts if against is None else [*texts, *_whole_texts(against)]
    clusters = near_duplicates(everything)
    digests = dataset._digests()
    checks: list[Callable[[], list[Finding]]] = [
        lambda: _check_leakage(dataset, against, everything, digests, clusters),
        lambda: _check_duplicates(dataset, texts, equal_digests(digests), clusters),
        lambda: _check_label_counts(dataset),
        lambda: _check_label_names(dataset),
        lambda: _check_order(dataset),
        lambda: _check_short(texts),
        lambda: _check_addresses(texts),
        lambda: _check_scripts(texts),
        lambda: _check_truncation(dataset, preset),
    ]
    found = [finding for check in checks for finding in check()]
    languages, not_checked = _check_languages(texts)
    found += languages
    found.sort(key=lambda finding: _LEVELS.index(finding.level))
    return CheckReport(tuple(found), len(texts), not_checked)


def _whole_texts(dataset: TextDataset) -> list[str]:
    pairs = dataset.text_pairs
    if pairs is None:
        return dataset.texts
    return [f"{first} | {second}" for first, second in zip(dataset.texts, pairs, strict=True)]


# --- Texts that occur more than once ---


def _check_duplicates(
    dataset: TextDataset,
    texts: list[str],
    groups: Sequence[np.ndarray],
    clusters: Sequence[np.ndarray],
) -> list[Finding]:
    found = []
    extra = sum(len(group) - 1 for group in groups)
    if groups:
        found.append(
            Finding(
                "duplicates",
                "warning",
                extra,
                f"{extra:,} texts are the same as an earlier one, but for case and space",
                "They count more than once in training. split() keeps them on one side; "
                "dataset.without_duplicates() drops them.",
                tuple(f"{len(g)} times: {excerpt(texts[g[0]])}" for g in groups[:_EXAMPLES]),
                tuple(int(i) for group in groups for i in group[1:]),
            )
        )
    found += _check_conflicts(dataset, texts, groups)
    return found + _check_near_duplicates(texts, groups, clusters)


def _check_near_duplicates(
    texts: list[str], groups: Sequence[np.ndarray], clusters: Sequence[np.ndarray]
) -> list[Finding]:
    close = _only_near(clusters, groups, len(texts))
    if not close:
        return []
    count = sum(len(cluster) for cluster in close)
    pairs = tuple(f"{excerpt(texts[a])}  ~  {excerpt(texts[b])}" for a, b, *_ in close[:_EXAMPLES])
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
    """Clusters that hold different ones of the first texts, one of each."""
    repeated = {int(i) for group in same for i in group[1:]}
    distinct = [[int(i) for i in c if i < count and i not in repeated] for c in clusters]
    return [cluster for cluster in distinct if len(cluster) > 1]


def _check_conflicts(
    dataset: TextDataset, texts: list[str], groups: Sequence[np.ndarray]
) -> list[Finding]:
    rows = dataset._column("labels")
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
            tuple(map(show, conflicts[:_EXAMPLES])),
            tuple(int(i) for group in conflicts for i in group),
        )
    ]


def _check_leakage(
    dataset: TextDataset,
    against: TextDataset | None,
    texts: list[str],
    digests: np.ndarray,
    clusters: Sequence[np.ndarray],
) -> list[Finding]:
    """Texts of one part that are in another, the same or nearly."""
    sides = {name: np.flatnonzero(dataset._split_is(name)) for name in dataset._split_names()}
    names = list(sides)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if against is not None:
        sides["this dataset"] = np.arange(len(dataset))
        sides["the other"] = np.arange(len(dataset), len(texts))
        pairs.append(("this dataset", "the other"))
        digests = np.concatenate([digests, against._digests()])
    cluster_of = np.full(len(texts), -1)
    for number, cluster in enumerate(clusters):
        cluster_of[cluster] = number
    _, group_of = np.unique(digests, axis=0, return_inverse=True)
    found = []
    for first, second in pairs:
        one, other = sides[first], sides[second]
        same = np.isin(group_of.reshape(-1)[other], group_of.reshape(-1)[one])
        shared = (cluster_of[other] >= 0) & np.isin(cluster_of[other], cluster_of[one])
        for name, mask in (("leakage", same), ("near leakage", shared & ~same)):
            rows = np.flatnonzero(mask)
            if len(rows):
                shown = tuple(excerpt(texts[other[row]]) for row in rows[:_EXAMPLES])
                found.append(_leak(name, first, second, rows, len(other), shown))
    return found


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


# --- Labels ---


def _check_label_counts(dataset: TextDataset) -> list[Finding]:
    if dataset.labels is None:
        return []
    counts = dict.fromkeys(dataset.labels, 0) | dataset._label_counts("labels")
    found = []
    single = [name for name, count in counts.items() if count <= 1]
    few = [name for name, count in counts.items() if 1 < count < FEW_TEXTS]
    if single:
        found.append(
            Finding(
                "labels with one text",
                "error",
                len(single),
                f"{len(single):,} labels have one text or none",
                "A stratified split needs two a label at the least, and a model many more. Add "
                "texts, or merge labels with relabel().",
                tuple(f"{name}: {counts[name]}" for name in single[:_EXAMPLES]),
            )
        )
    if few:
        found.append(
            Finding(
                "labels with few texts",
                "warning",
                len(few),
                f"{len(few):,} labels have fewer than {FEW_TEXTS} texts",
                "Scores of these labels hang on a few texts. Add some, or merge labels with "
                "relabel().",
                tuple(f"{name}: {counts[name]}" for name in few[:_EXAMPLES]),
            )
        )
    return [*found, *_check_imbalance(dataset, counts), *_check_unlabelled(dataset)]


def _check_imbalance(dataset: TextDataset, counts: dict[str, int]) -> list[Finding]:
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


def _check_unlabelled(dataset: TextDataset) -> list[Finding]:
    count, _ = dataset._count_without_labels()
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


def _check_label_names(dataset: TextDataset) -> list[Finding]:
    """Labels that are one but for their spelling, or several in one cell."""
    names = list(dataset.labels or ())
    found = []
    folded: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        folded[" ".join(name.casefold().replace("_", " ").replace("-", " ").split())].append(name)
    twins = [group for group in folded.values() if len(group) > 1]
    if twins:
        found.append(
            Finding(
                "labels that look alike",
                "warning",
                sum(map(len, twins)),
                f"{len(twins):,} groups of labels differ in case, space or hyphens only",
                "They are different classes as they stand. Merge them: "
                f"dataset.relabel({{{twins[0][1]!r}: {twins[0][0]!r}}}).",
                tuple(" / ".join(map(repr, group)) for group in twins[:_EXAMPLES]),
            )
        )
    for separator in _SEPARATORS if not dataset.multi_label else "":
        joined = [n for n in names if separator in n]
        whole = [n for n in joined if {p.strip() for p in n.split(separator)} <= set(names)]
        if whole:
            found.append(
                Finding(
                    "joined labels",
                    "warning",
                    len(whole),
                    f"{len(whole):,} labels look like several that are joined by {separator!r}",
                    f"Read the file with label_separator={separator!r} if a text may have several.",
                    tuple(map(repr, whole[:_EXAMPLES])),
                )
            )
    return found


def _check_order(dataset: TextDataset) -> list[Finding]:
    """Rows that are sorted by label: far fewer changes of label than by chance."""
    if "labels" not in dataset.table.schema.names or len(dataset) < 4 * FEW_TEXTS:
        return []
    names = ["\n".join(labels) for labels in dataset._label_lists()]
    _, code, counts = np.unique(names, return_inverse=True, return_counts=True)
    expected = (len(names) - 1) * (1 - float(((counts / len(names)) ** 2).sum()))
    changes = int((np.diff(code.reshape(-1)) != 0).sum())
    if expected < FEW_TEXTS or changes > 0.2 * expected:
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


# --- Texts ---


def _check_short(texts: Sequence[str]) -> list[Finding]:
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
            tuple(excerpt(texts[i]) for i in rows[:_EXAMPLES]),
            tuple(rows),
        )
    ]


def _check_addresses(texts: Sequence[str]) -> list[Finding]:
    rows = [i for i, text in enumerate(texts) if _ADDRESS.match(text.strip())]
    if not rows:
        return []
    return [
        Finding(
            "addresses",
            "warning" if len(rows) > len(texts) / 2 else "note",
            len(rows),
            f"{len(rows):,} texts are web addresses and nothing else",
            'If the texts stand at these addresses, read the file with cells="url".',
            tuple(excerpt(texts[i]) for i in rows[:_EXAMPLES]),
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


def _check_scripts(texts: Sequence[str]) -> list[Finding]:
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


def _check_languages(texts: Sequence[str]) -> tuple[list[Finding], tuple[str, ...]]:
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


def _check_truncation(dataset: TextDataset, preset: Any) -> list[Finding]:
    if preset is None:
        return []
    stats = dataset.stats(preset)
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
