"""Laws of the cutting of texts and of the average over chunks."""

import numpy as np
import pytest

from keras_textcls.tokenization.chunks import Chunks, cut_evenly, join_chunks


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_few_even_and_hold_every_token_once(seed):
    rng = np.random.default_rng(seed)
    room = int(rng.integers(1, 30))
    counts = rng.integers(0, 6 * room, 50) * rng.integers(0, 2, 50)
    sizes, owners = cut_evenly(counts, room)
    assert (np.diff(owners) >= 0).all()
    assert sizes.max() <= room
    for text, count in enumerate(counts):
        own = sizes[owners == text]
        assert own.sum() == count
        assert own.max() - own.min() <= 1
        assert len(own) == max(1, int(np.ceil(count / room)))


def test_texts_that_fit_stay_whole():
    sizes, owners = cut_evenly(np.array([0, 1, 7, 8]), 8)
    assert sizes.tolist() == [0, 1, 7, 8]
    assert owners.tolist() == [0, 1, 2, 3]


def test_the_average_is_numpys():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6, 4)).astype("float32")
    chunks = Chunks(np.array([0, 1, 1, 1, 2, 2]), np.array([5.0, 4, 4, 3, 2, 1]))
    found = chunks.average(features)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], features[0])
    for text, rows in ((1, slice(1, 4)), (2, slice(4, 6))):
        expected = np.average(features[rows], axis=0, weights=chunks.weights[rows])
        np.testing.assert_allclose(found[text], expected, rtol=1e-6)


def test_joined_pieces_are_those_of_the_joined_texts():
    counts = np.array([3, 20, 0, 9])
    sizes, owners = cut_evenly(counts, 4)
    parts = []
    for part in (counts[:2], counts[2:]):
        part_sizes, part_owners = cut_evenly(part, 4)
        parts.append(Chunks(part_owners, np.maximum(part_sizes, 1)))
    joined = join_chunks(parts)
    assert joined.owners.tolist() == owners.tolist()
    assert joined.weights.tolist() == np.maximum(sizes, 1).tolist()
    assert len(joined) == 4
    assert join_chunks([Chunks.whole(2), Chunks.whole(3)]).owners.tolist() == [0, 1, 2, 3, 4]
