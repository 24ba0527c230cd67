"""Connected components, and groups that are linked without all pairs."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from jaccard import components as oracle

from keras_textcls.data.checks.linking import EXHAUSTIVE, Components, link_groups

PAIRS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40)


def _found(components, count):
    roots = components.find(np.arange(count))
    groups = [np.flatnonzero(roots == root).tolist() for root in np.unique(roots)]
    return [group for group in groups if len(group) > 1]


@settings(deadline=None)
@given(st.lists(PAIRS, max_size=4))
def test_components_are_those_of_the_links(batches):
    components = Components(30)
    for pairs in batches:
        components.join(*np.array(pairs, np.int64).reshape(-1, 2).T)
    assert _found(components, 30) == oracle(30, [pair for pairs in batches for pair in pairs])
    roots = components.find(np.arange(30))
    assert (roots <= np.arange(30)).all()
    assert (components.find(roots) == roots).all()


@pytest.mark.parametrize("order", ["up", "down", "mixed"])
def test_long_chains_and_stars_are_one_component(order):
    count = 20_000
    items = np.arange(count)
    items = {"up": items, "down": items[::-1], "mixed": np.random.default_rng(0).permutation(count)}
    for first, second in (
        (items[order][:-1], items[order][1:]),
        (np.repeat(items[order][0], count - 1), items[order][1:]),
    ):
        components = Components(count)
        components.join(first, second)
        assert not components.find(np.arange(count)).any()


def test_a_star_is_joined_at_once(monkeypatch):
    """Whichever item is its middle, and in whatever order its links come."""
    finds = []
    find = Components.find
    monkeypatch.setattr(Components, "find", lambda self, x: finds.append(x) or find(self, x))
    others = np.arange(1, 999)
    for middle in (0, 999):
        for order in (others, others[::-1]):
            finds.clear()
            Components(1000).join(np.full(998, middle), order)
            assert len(finds) <= 6


class Comparisons:
    """Says which pairs are similar by a function of them, and remembers what it was asked."""

    def __init__(self, similar):
        self.similar, self.asked = similar, []

    def __call__(self, first, second):
        self.asked += zip(first.tolist(), second.tolist(), strict=True)
        return np.array([self.similar(*pair) for pair in zip(first, second, strict=True)], bool)


@settings(deadline=None)
@given(PAIRS, st.lists(st.integers(1, EXHAUSTIVE), max_size=8), st.randoms())
def test_small_groups_lose_no_link(links, sizes, random):
    """Components are those of all links inside of groups; no pair is compared twice."""
    members = list(range(30))
    random.shuffle(members)
    sizes = [size for i, size in enumerate(sizes) if sum(sizes[: i + 1]) <= 30]
    group_of = dict(zip(members, np.repeat(range(len(sizes)), sizes).tolist(), strict=False))
    inside = {
        frozenset(pair)
        for pair in links
        if len(set(pair)) == 2 and group_of.get(pair[0], -1) == group_of.get(pair[1], -2)
    }
    compare = Comparisons(lambda a, b: frozenset((int(a), int(b))) in inside)
    components = Components(30)
    link_groups(
        np.array(members[: sum(sizes)], np.int64), np.array(sizes, np.int64), components, compare
    )
    assert _found(components, 30) == oracle(30, [tuple(pair) for pair in inside])
    asked = [frozenset(pair) for pair in compare.asked]
    assert len(asked) == len(set(asked))
    assert all(len(pair) == 2 for pair in asked)


def test_a_large_group_of_similar_items_needs_one_comparison_each():
    compare = Comparisons(lambda a, b: True)
    components = Components(5000)
    link_groups(np.arange(5000), np.array([5000]), components, compare)
    assert not components.find(np.arange(5000)).any()
    assert len(compare.asked) == 4999


def test_a_large_group_of_strangers_is_given_up():
    compare = Comparisons(lambda a, b: False)
    link_groups(np.arange(5000), np.array([5000]), Components(5000), compare)
    assert 0 < len(compare.asked) <= 2 * EXHAUSTIVE


def test_families_in_a_large_group_are_told_apart():
    families = np.random.default_rng(0).integers(0, 4, 2000)
    compare = Comparisons(lambda a, b: families[a] == families[b])
    components = Components(2000)
    link_groups(np.arange(2000), np.array([2000]), components, compare)
    assert len(np.unique(components.find(np.arange(2000)))) == 4
    assert len(compare.asked) <= EXHAUSTIVE * 2000


def test_work_on_large_groups_is_linear_whatever_is_similar():
    random = np.random.default_rng(0)
    for share in (0.01, 0.1, 0.5):
        compare = Comparisons(lambda a, b, share=share: random.random() < share)
        link_groups(np.arange(3000), np.array([3000]), Components(3000), compare)
        assert len(compare.asked) <= EXHAUSTIVE * 3000
