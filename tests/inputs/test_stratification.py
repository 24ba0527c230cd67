"""Holding texts out with the label mix of the whole."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from keras_textcls import ArgumentError
from keras_textcls.inputs.stratification import stratified_holdout


@given(
    st.lists(st.integers(0, 4), min_size=4, max_size=200),
    st.floats(0.05, 0.45),
    st.integers(0, 9),
)
def test_holdout_keeps_the_mix_of_labels(y, fraction, seed):
    y = np.asarray(y)
    size = min(round(fraction * len(y)), len(y) - len(np.unique(y)))
    if size < 1:
        with pytest.raises(ArgumentError, match="leaves no text to validate on"):
            stratified_holdout(y, fraction, np.random.default_rng(seed))
        return
    kept, held_out = stratified_holdout(y, fraction, np.random.default_rng(seed))
    assert sorted([*kept, *held_out]) == list(range(len(y)))
    assert len(held_out) == size
    # Every label is still there to learn from, and none gives more than its share.
    assert set(y[kept]) == set(y)
    spare = len(y) - len(np.unique(y))
    for label, count in enumerate(np.bincount(y)):
        assert (y[held_out] == label).sum() <= np.ceil(max(count - 1, 0) * size / spare) + 1


def test_holdout_of_several_labels_a_text():
    y = np.array([[0, 1], [1, 0], [1, 1], [0, 0]] * 10, "float32")
    kept, held_out = stratified_holdout(y, 0.2, np.random.default_rng(0))
    _, counts = np.unique(y[held_out], axis=0, return_counts=True)
    assert counts.tolist() == [2, 2, 2, 2]
    assert len(kept) == 32


@given(st.integers(0, 9))
def test_holdout_with_unknown_labels_keeps_the_mix_of_those_that_are_there(seed):
    rng = np.random.default_rng(seed)
    known = np.array([[0, 1], [1, 0], [1, 1], [0, 0]] * 50, "float32")
    y = np.where((known == 0) & (rng.random(known.shape) < 0.5), -1, known)
    kept, held_out = stratified_holdout(y, 0.2, rng)
    assert sorted([*kept, *held_out]) == list(range(200))
    _, counts = np.unique(y[held_out] == 1, axis=0, return_counts=True)
    assert counts.tolist() == [10, 10, 10, 10]


def test_holdout_of_known_labels_does_not_change():
    """The draw of earlier versions, by the rows as they are."""
    y = (np.random.default_rng(0).random((60, 3)) < 0.4).astype("float32")
    _, group = np.unique(y, axis=0, return_inverse=True)
    single = stratified_holdout(y, 0.25, np.random.default_rng(1))[1]
    rng = np.random.default_rng(1)
    order = np.lexsort((rng.random(60), group.reshape(-1)))
    expected = np.sort(order[((np.arange(15) + rng.random()) * 60 / 15).astype(int)])
    assert single.tolist() == expected.tolist()
