"""Stratified splits: each part has the label mix of the whole.

Unlike the stratified splits of scikit-learn, these functions accept labels with a
single text, several labels a text, and texts that must stay together.
`stratified_holdout` draws a share for validation, `assign_parts` divides a
dataset, and `shuffled_by_group` gives the order in which a hold-out is drawn and
the folds of solved heads are formed.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence

import numpy as np

from keras_textcls.errors import ArgumentError
from keras_textcls.labels import UNKNOWN

# Shares do not add up exactly.
_TINY = 1e-9


def shuffled_by_group(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort texts by their group, those of one group in random order.

    Args:
        group: int array of shape `(num_texts,)`.
        rng: `numpy.random.Generator`.

    Returns:
        An int array of shape `(num_texts,)`, indices of the texts.
    """
    return np.lexsort((rng.random(len(group)), group))


def stratified_holdout(
    y: np.ndarray, fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out a share of the texts with the label mix of the whole.

    Draws systematically from the texts sorted by label (for multi-label by the
    labels that are there, then by those that are known), which, unlike
    scikit-learn's stratified split, also serves labels with a single text: one
    text of each label stays in training.

    Args:
        y: targets, of shape `(num_texts,)` or `(num_texts, num_classes)`.
        fraction: float in `(0, 1)`, share held out.
        rng: `numpy.random.Generator`.

    Returns:
        A tuple of index arrays, those kept and those held out, both in the
        order of the texts.

    Raises:
        ArgumentError: the fraction is out of range, or leaves one side empty.
    """
    if not 0 < fraction < 1:
        raise ArgumentError(
            f"`validation_split` must be between 0 and 1. Received: validation_split={fraction}."
        )
    mix = y if y.ndim == 1 else np.concatenate([y == 1, y != UNKNOWN], axis=1)
    _, group = np.unique(mix, axis=0, return_inverse=True)
    group = group.reshape(-1)
    order = shuffled_by_group(group, rng)
    if y.ndim == 1:
        # One text of each label stays, whatever the fraction.
        first_of_group = np.diff(group[order], prepend=-1) > 0
        order = order[~first_of_group]
    size = min(round(fraction * len(y)), len(order), len(y) - 1)
    if size < 1:
        raise ArgumentError(
            f"`validation_split={fraction}` of {len(y)} texts leaves no text to validate on, or "
            "none to train on. Pass more texts or another fraction."
        )
    picks = ((np.arange(size) + rng.random()) * len(order) / size).astype(int)
    held_out = np.sort(order[picks])
    return np.setdiff1d(np.arange(len(y)), held_out), held_out


def assign_parts(
    labels: Sequence[Sequence[str]],
    groups: np.ndarray,
    shares: Sequence[float],
    seed: int,
    stratify: bool = True,
) -> np.ndarray:
    """Choose a part for every text.

    Iterative stratification: labels are distributed from the rarest to the most
    frequent, each text to the part that lacks most of its label. With one label
    a text every part gets its share of each label, give or take one. Texts of
    one group stay together.

    Args:
        labels: sequence of the labels of each text, none, one or several.
        groups: int array of shape `(num_texts,)`, equal for texts that must
            stay together.
        shares: sequence of floats that sum up to 1.
        seed: int, from which the choice among equals follows.
        stratify: bool, whether labels count. Defaults to `True`.

    Returns:
        Int array of shape `(num_texts,)`, the index of a part for each text.

    Reference:
        Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label
        Data", ECML PKDD 2011.
    """
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    # A group counts with the labels of all its texts; no label is a label too.
    label_of: list[set[str | None]] = [set() for _ in sizes]
    for unit, names in zip(group.tolist(), labels, strict=True):
        label_of[unit].update(names if stratify and names else [None])
    parts = _deal([sorted(s, key=str) for s in label_of], sizes, shares, seed)
    return parts[group]


def _deal(
    label_of: list[list[str | None]], sizes: np.ndarray, shares: Sequence[float], seed: int
) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    members: dict[str | None, list[int]] = collections.defaultdict(list)
    for unit in order:
        for name in label_of[unit]:
            members[name].append(unit)
    weight = sizes.tolist()
    totals = {name: sum(weight[u] for u in units) for name, units in members.items()}
    wanted = {name: [share * total for share in shares] for name, total in totals.items()}
    wanted_in_all = [share * sum(weight) for share in shares]
    parts = [-1] * len(weight)
    indices = range(len(shares))

    def assign(unit: int, part: int) -> None:
        parts[unit] = part
        wanted_in_all[part] -= weight[unit]
        for name in label_of[unit]:
            wanted[name][part] -= weight[unit]

    rarest_first = sorted(members, key=lambda n: (len(members[n]), str(n)))
    for name in rarest_first:
        for unit in members[name]:
            part = max(indices, key=wanted[name].__getitem__)
            if parts[unit] < 0 and wanted[name][part] >= 1 - _TINY:
                assign(unit, part)
    # Only fractions are left: they go to the parts that lack texts of any label.
    for name in rarest_first:
        for unit in members[name]:
            if parts[unit] < 0:
                lacking = wanted[name]
                assign(unit, max(indices, key=lambda p: (lacking[p] > _TINY, wanted_in_all[p])))
    return np.asarray(parts)
