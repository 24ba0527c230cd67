"""Connected components of items that are linked group by group, without all pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

AreSimilar = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Members of a group of which all pairs are compared.
EXHAUSTIVE = 16
# In a larger group: members that a pivot must be similar to one of before it is compared
# with all, and how many pivots may be similar to none.
_SAMPLE, _MISSES = 16, 2


class Components:
    """Connected components of items that are linked some at a time (union-find).

    Which items are connected is asked after each round of links, so that few pairs are
    compared. `scipy.sparse.csgraph.connected_components` takes all links at once, as
    long as this for all rounds together, and would be asked anew in every round.

    Args:
        size: int, how many items there are; each is a component at first.

    Example:
    >>> components = Components(4)
    >>> components.join(np.array([3, 2]), np.array([2, 0]))
    >>> components.find(np.arange(4))
    array([0, 1, 0, 0])
    """

    def __init__(self, size: int) -> None:
        self._parents = np.arange(size)

    def find(self, items: np.ndarray) -> np.ndarray:
        """Return the root of each item's component: its lowest item.

        Args:
            items: int array.

        Returns:
            An int64 array of the same length.
        """
        roots = self._parents[items]
        while True:
            above = self._parents[roots]
            if np.array_equal(above, roots):
                return roots
            self._parents[items] = roots = above

    def join(self, first: np.ndarray, second: np.ndarray) -> None:
        """Link pairs of items.

        Args:
            first: int array, one item of each pair.
            second: int array of the same length, the other item.
        """
        while True:
            roots = np.stack([self.find(first), self.find(second)])
            apart = roots[0] != roots[1]
            if not apart.any():
                return
            roots = np.sort(roots[:, apart], axis=0)
            # Where several compete the lowest wins, so that a star is joined at once.
            np.minimum.at(self._parents, roots[1], roots[0])


def link_groups(
    members: np.ndarray, sizes: np.ndarray, components: Components, are_similar: AreSimilar
) -> None:
    """Join similar members of each group.

    This works in rounds. In each round, one member of each group, the pivot, is compared
    with all members that it is not connected to. The next pivot is the first member that is
    not connected to an earlier pivot, or else the first that was no pivot. A group is done
    when all its members are connected or were compared.

    A group of more than `EXHAUSTIVE` members takes at most as many rounds. Its pivot is
    compared with a sample of 16 members first, and with the others only if it is similar to
    one of these; after two pivots without a similar member the group is given up. So the
    number of comparisons is linear in the number of members.

    Args:
        members: int array, the items of one group after the other; an item is in
            one group at most.
        sizes: int array, how many members each group has, at least 1.
        components: `Components` of all items; changed.
        are_similar: function of two int arrays, items of as many pairs, to a bool
            array.
    """
    tried = np.zeros(len(members), bool)
    covered = np.zeros(len(members), bool)
    misses = np.zeros(len(sizes), np.int64)
    for _ in range(EXHAUSTIVE):
        roots = components.find(members)
        going = _unfinished(roots, tried, sizes) & ((sizes <= EXHAUSTIVE) | (misses < _MISSES))
        within = np.repeat(going, sizes)
        members, roots, tried, covered = (a[within] for a in (members, roots, tried, covered))
        sizes, misses = sizes[going], misses[going]
        if len(sizes) == 0:
            return
        pivots = np.repeat(_pivots(tried, covered, sizes), sizes)
        asked = ~tried & (roots != roots[pivots])
        sample = asked & (_places(asked, sizes) < _SAMPLE)
        similar = _join_similar(members, pivots, sample, components, are_similar)
        hits = np.logical_or.reduceat(similar, _starts(sizes))
        others = asked & ~sample & np.repeat(hits, sizes)
        _join_similar(members, pivots, others, components, are_similar)
        misses += ~hits
        tried[pivots] = True
        roots = components.find(members)
        covered |= roots == roots[pivots]


def _join_similar(
    members: np.ndarray,
    pivots: np.ndarray,
    which: np.ndarray,
    components: Components,
    are_similar: AreSimilar,
) -> np.ndarray:
    """Compare some members with their pivots, join the similar ones, and say which they are."""
    first, second = members[pivots[which]], members[which]
    similar = are_similar(first, second)
    components.join(first[similar], second[similar])
    joined = np.zeros(len(members), bool)
    joined[which] = similar
    return joined


def _starts(sizes: np.ndarray) -> np.ndarray:
    return np.cumsum(sizes) - sizes


def _unfinished(roots: np.ndarray, tried: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Which groups have members that are neither all connected nor all compared."""
    starts = _starts(sizes)
    apart = np.minimum.reduceat(roots, starts) != np.maximum.reduceat(roots, starts)
    return apart & (np.add.reduceat(~tried, starts, dtype=np.int64) > 1)


def _pivots(tried: np.ndarray, covered: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The first member of each group not yet tried, if possible connected to no pivot."""
    rank = (2 * tried + covered) * len(tried) + np.arange(len(tried))
    return np.minimum.reduceat(rank, _starts(sizes)) % len(tried)


def _places(chosen: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How many members before it in its group are chosen."""
    before = np.cumsum(chosen) - chosen
    return before - np.repeat(before[_starts(sizes)], sizes)
