"""Parts of a dataset with the label mix of the whole, and no text on two sides."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten

_TOO_FEW_SHOWN = 5
# Shares do not add up exactly.
_TINY = 1e-9


def check_shares(**shares: float) -> dict[str, float]:
    """Check the shares of the parts.

    Args:
        **shares: float in `[0, 1]` for each part.

    Returns:
        A dict of those above 0.

    Raises:
        ArgumentError: a share is out of range, or they do not sum up to 1.
    """
    for name, share in shares.items():
        if not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ArgumentError(
                f"`{name}` must be a share between 0 and 1. Received: {name}={shorten(share)}."
            )
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        given = ", ".join(f"{name}={share:g}" for name, share in shares.items())
        raise ArgumentError(f"The shares of the parts must sum up to 1. Received: {given}.")
    return {name: float(share) for name, share in shares.items() if share}


def check_seed(seed: int) -> int:
    """Check the argument `seed`.

    Args:
        seed: int, 0 or more.

    Returns:
        The seed.

    Raises:
        ArgumentError: it is something else.
    """
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"`seed` must be an integer from 0 on. Received: seed={shorten(seed)}.")
    return int(seed)


def check_stratifiable(labels: Sequence[Sequence[str]]) -> None:
    """Refuse labels that cannot be on two sides.

    Args:
        labels: sequence of the labels of each text.

    Raises:
        InvalidDataError: a label has a single text.
    """
    counts = collections.Counter(name for names in labels for name in names)
    single = [name for name, count in counts.items() if count == 1]
    if single:
        shown = ", ".join(map(repr, single[:_TOO_FEW_SHOWN]))
        more = len(single) - _TOO_FEW_SHOWN
        raise InvalidDataError(
            f"A stratified split needs two texts a label at the least. With one only: {shown}"
            f"{f' and {more} more' if more > 0 else ''}. Add texts, rename the label with "
            "relabel(), leave it out with filter(), or pass stratify=False."
        )


def assign_parts(
    labels: Sequence[Sequence[str]],
    groups: np.ndarray,
    shares: Sequence[float],
    seed: int,
    stratify: bool = True,
) -> np.ndarray:
    """Choose a part for every text.

    Iterative stratification: labels are dealt out from the rarest to the most
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
    # What is left are fractions: they go where texts are lacking at all.
    for name in rarest_first:
        for unit in members[name]:
            if parts[unit] < 0:
                lacking = wanted[name]
                assign(unit, max(indices, key=lambda p: (lacking[p] > _TINY, wanted_in_all[p])))
    return np.asarray(parts)
