"""Shingles: exact similarities against sets of strings, and keys that agree as they should."""

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from jaccard import edited_texts, jaccard, pair_at

from keras_textcls.data.checks import shingles
from keras_textcls.data.checks.shingles import (
    MinHasher,
    bands_and_rows,
    cut,
    shingle_counts,
    similarities,
)

FEW = st.lists(st.text("ab é日😀", max_size=30), min_size=2, max_size=8)
ANY = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc"])), min_size=2, max_size=8
)
THRESHOLDS = np.linspace(0.3, 1.0, 71)


def _all_pairs(count):
    first, second = np.divmod(np.arange(count * count), count)
    return first, second


def _check_similarities(texts):
    first, second = _all_pairs(len(texts))
    expected = [jaccard(texts[i], texts[j]) for i, j in zip(first, second, strict=True)]
    assert similarities(texts, first, second).tolist() == expected


@settings(deadline=None)
@given(FEW | ANY)
def test_similarities_are_those_of_sets_of_strings(texts):
    _check_similarities(texts)


def test_similarities_of_wide_alphabets_are_exact():
    """More code points than five of them in 64 bits, in long texts and where they begin."""
    alphabet = [chr(c) for c in range(0x3400, 0x9FFF)]
    texts = edited_texts(5, alphabet, 20_000, np.random.default_rng(0), share=0.8)
    texts += ["".join(alphabet), *(f"{first}日本語の" for first in alphabet[:200:40]), "日本", ""]
    assert len(alphabet) > 2 ** (64 / 5)
    _check_similarities(texts)


def test_numbers_of_windows_stay_apart_when_bits_are_few():
    """The numbering of beginnings, at each width that makes it start elsewhere."""
    points = np.random.default_rng(0).integers(0, 40, 400).astype("<u4")
    windows = np.lib.stride_tricks.sliding_window_view(points, 5)
    expected = len(np.unique(windows, axis=0))
    assert 2**8 < expected < 2**9
    for most_bits in range(9, 64):
        codes, bits = shingles._codes(points, np.ones(len(windows), bool), most_bits)
        assert len(np.unique(codes)) == expected
        assert int(codes.max()) >> 1 < 2**bits <= 2**most_bits


def test_no_pairs_have_no_similarities():
    nothing = np.empty(0, np.int64)
    assert similarities(["a", "b"], nothing, nothing).shape == (0,)


def test_counts_are_of_windows():
    assert shingle_counts(["", "abcd", "abcde", "abcdef", "日本語日本語日本語"]).tolist() == [
        1,
        1,
        1,
        2,
        5,
    ]


@pytest.mark.parametrize("recall", [0.9, 0.99])
def test_bands_find_a_pair_at_the_threshold_as_often_as_asked(recall):
    for threshold in THRESHOLDS:
        bands, rows = bands_and_rows(threshold, recall)
        assert 1 - (1 - threshold**rows) ** bands >= recall - 1e-12
        # One band fewer would not do.
        assert 1 - (1 - threshold**rows) ** (bands - 1) < recall


def test_bands_keep_strangers_apart_within_a_number_of_hashes():
    for threshold in THRESHOLDS:
        bands, rows = bands_and_rows(threshold)
        assert bands * rows <= 320
        if bands * 0.1**rows > 2e-5:
            more = np.ceil(np.log(0.01) / np.log1p(-(threshold ** (rows + 1))))
            assert more * (rows + 1) > 320
    assert bands_and_rows(1.0)[0] == 1
    assert bands_and_rows(0.8, most_hashes=40)[1] < bands_and_rows(0.8)[1]


def _text_and_altered(alphabet, kept, rng):
    text = "".join(rng.choice(list(alphabet), 300))
    return text, text[: int(300 * kept)] + "".join(rng.choice(list(alphabet), 50))


@pytest.mark.parametrize("alphabet", ["0123456789", "abcd", "日本語の文です東京"])
@pytest.mark.parametrize("kept", [0.4, 0.7, 0.95])
def test_rows_agree_as_often_as_texts_are_similar(alphabet, kept):
    """Two rows agree both as often as if they were drawn apart."""
    texts = _text_and_altered(alphabet, kept, np.random.default_rng(1))
    similarity, draws = jaccard(*texts), 4000
    keys = MinHasher(draws, 1, seed=3).keys(texts)
    agree = keys[:, 0] == keys[:, 1]
    for draw, share in ((agree, similarity), (agree[0::2] & agree[1::2], similarity**2)):
        assert abs(draw.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(draw))


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_pairs_at_the_threshold_agree_in_some_band_as_often_as_planned(threshold):
    rng = np.random.default_rng(2)
    bands, rows = bands_and_rows(threshold)
    texts = [text for _ in range(1000) for text in pair_at(threshold, rng)]
    keys = MinHasher(bands, rows, seed=0).keys(texts)
    agree = (keys[:, 0::2] == keys[:, 1::2]).any(axis=0)
    assert agree.mean() > 0.99 - 3 * np.sqrt(0.99 * 0.01 / 1000)


def test_keys_of_strangers_differ():
    """Of long ones too, where all lowest hashes are low."""
    letters = np.frombuffer(b"abcdefghijklmnop", "u1")
    codes = np.random.default_rng(0).choice(letters, (2000, 2000))
    for row in MinHasher(16, 6, seed=0).keys([code.tobytes().decode() for code in codes]):
        assert len(np.unique(row)) == len(codes)


def test_keys_depend_on_text_and_seed_only(monkeypatch):
    rng = np.random.default_rng(0)
    texts = edited_texts(50, list("abc é日😀"), 60, rng)
    keys = MinHasher(4, 3, seed=1).keys(texts)
    assert (MinHasher(4, 3, seed=2).keys(texts) != keys).all()
    alone = [MinHasher(4, 3, seed=1).keys([text])[:, 0] for text in texts]
    assert (np.stack(alone, axis=1) == keys).all()
    for size in (1, 7, 100):
        monkeypatch.setattr(shingles, "_CHUNK", size)
        assert (MinHasher(4, 3, seed=1).keys(texts) == keys).all()


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 20))
def test_cuts_cover_all_and_hold_no_more_than_said(sizes, most):
    sizes = np.array(sizes, np.int64)
    runs = [sizes[run] for run in cut(sizes, most)]
    assert np.concatenate([*runs, sizes[:0]]).tolist() == sizes.tolist()
    for run in runs:
        assert len(run) == 1 or run.sum() <= most
    for run, after in itertools.pairwise(runs):
        assert run.sum() + after[0] > most
