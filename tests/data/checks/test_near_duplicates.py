"""Exact and near duplicates against brute force; laws of the clusters."""

import hashlib
import unicodedata

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from conftest import budget
from hypothesis import given, settings
from jaccard import clusters, edited_texts, jaccard, pair_at
from texts import SENTENCES

from keras_textcls.data.checks import near_duplicates as module
from keras_textcls.data.checks import shingles
from keras_textcls.data.checks.near_duplicates import (
    exact_duplicates,
    near_duplicates,
    normalize,
    text_digests,
)
from keras_textcls.errors import ArgumentError, InvalidDataError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ALPHABET = list("abcdeé日😀 ")
LETTERS = list("abcdefghijklmnopqrstuvwxyz ")


def _lists(groups):
    return [group.tolist() for group in groups]


@pytest.fixture
def compared(monkeypatch):
    """The numbers of pairs that were compared, one for each call."""
    counts = []

    def counting(texts, first, second):
        counts.append(len(first))
        return shingles.similarities(texts, first, second)

    monkeypatch.setattr(module, "similarities", counting)
    return counts


# === Normalized texts ===


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("", ""),
        (" \t\n", ""),
        ("  A\tb\r\n\u00a0c\u3000 ", "a b c"),
        ("\uff26\uff35\uff2c\uff2c \uff37idth", "full width"),
        ("\ufb01ne Stra\u00dfe", "fine strasse"),
        ("Cafe\u0301", "caf\u00e9"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
    ],
)
def test_normalized_texts(text, normalized):
    assert normalize(text) == normalized


def test_normalizing_a_character_again_changes_nothing():
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            once = normalize(chr(code))
            assert normalize(once) == once, hex(code)
    # Case folding leaves marks behind that then change places.
    once = normalize("\u0130\u1dfd")
    assert normalize(once) == once


@given(TEXT)
def test_forms_of_a_text_normalize_to_one(text):
    once = normalize(text)
    assert normalize(once) == once
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normalize(unicodedata.normalize(form, text)) == once
    assert normalize(f" \n{text}\t") == once
    assert normalize(text.casefold()) == once


@pytest.mark.parametrize("text", SENTENCES)
def test_latin_fast_path_is_no_other_way(text):
    """What holds for texts with a character more that is not ASCII holds without it."""
    assert normalize(text + " \u00e9") == f"{normalize(text)} \u00e9".strip()


# === Exact duplicates ===


@given(st.lists(TEXT, max_size=20))
def test_digests_are_those_of_the_normalized_texts(texts):
    digests = text_digests(iter(texts))
    assert digests.shape == (len(texts), 2)
    assert digests.dtype == np.uint64
    for digest, text in zip(digests, texts, strict=True):
        expected = hashlib.blake2b(normalize(text).encode("utf-8"), digest_size=16).digest()
        assert digest.astype("<u8").tobytes() == expected


@settings(deadline=None)
@given(st.lists(TEXT | st.text("aA \u00e9E\u0301", max_size=4), max_size=60))
def test_exact_duplicates_are_those_of_a_dict(texts):
    groups = {}
    for i, text in enumerate(texts):
        groups.setdefault(normalize(text), []).append(i)
    expected = [group for group in groups.values() if len(group) > 1]
    assert _lists(exact_duplicates(texts)) == expected
    assert _lists(exact_duplicates(text for text in texts)) == expected
    assert all(group.dtype == np.int64 for group in exact_duplicates(texts))


def test_digests_that_agree_in_one_half_are_not_the_same(monkeypatch):
    digests = np.array([[1, 1], [1, 2], [2, 1], [1, 1], [2, 2], [1, 2]], np.uint64)
    monkeypatch.setattr(module, "text_digests", lambda texts: digests)
    assert _lists(exact_duplicates("abcdef")) == [[0, 3], [1, 5]]


# === Near duplicates ===


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
def test_clusters_are_those_of_brute_force(threshold):
    """No false link at all; and with few texts near the threshold, none is missed here."""
    missed = 0
    for seed in range(10):
        texts = edited_texts(60, ALPHABET, 80, np.random.default_rng(seed))
        expected = clusters([normalize(text) for text in texts], threshold)
        found = _lists(near_duplicates(texts, threshold))
        for cluster in found:
            inside = clusters([normalize(texts[i]) for i in cluster], threshold)
            assert inside == [list(range(len(cluster)))]
        missed += found != expected
    assert missed <= 1


def test_keys_only_choose_and_texts_decide(monkeypatch):
    """Were all keys the same, the clusters of a few texts would be exact, and none be false."""

    def all_alike(self, texts):
        return np.zeros((self.bands, len(texts)), np.uint32)

    monkeypatch.setattr(shingles.MinHasher, "keys", all_alike)
    for seed in range(5):
        texts = edited_texts(16, ALPHABET, 60, np.random.default_rng(seed))
        expected = clusters([normalize(text) for text in texts], 0.6)
        assert _lists(near_duplicates(texts, 0.6)) == expected


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_pairs_right_at_the_threshold_are_found(threshold):
    rng = np.random.default_rng(0)
    pairs = [pair_at(threshold, rng) for _ in range(500)]
    assert all(threshold <= jaccard(*pair) < threshold + 0.01 for pair in pairs)
    found = near_duplicates([text for pair in pairs for text in pair], threshold)
    assert all(group.tolist() == [group[0], group[0] + 1] for group in found)
    assert len(found) >= 0.975 * len(pairs)


def test_pairs_just_below_the_threshold_are_not_linked():
    rng = np.random.default_rng(0)
    pairs = [pair_at(0.79, rng) for _ in range(200)]
    assert max(jaccard(*pair) for pair in pairs) < 0.8
    assert near_duplicates([text for pair in pairs for text in pair], 0.8) == []


def test_exact_duplicates_are_in_the_cluster():
    rng = np.random.default_rng(0)
    first, second = ("".join(rng.choice(LETTERS, 100)) for _ in range(2))
    texts = [first, "else", second, first.upper(), second + "!", f" {first}", "ELSE", first + "!"]
    assert _lists(near_duplicates(texts)) == [[0, 3, 5, 7], [1, 6], [2, 4]]


def test_short_texts_are_one_shingle():
    assert near_duplicates([]) == []
    assert near_duplicates(["alone"]) == []
    texts = ["", "a", "b", " ", "A", "abcd", "abcde", "ABCD", "ab", "\x00", "\x00\x00"]
    assert _lists(near_duplicates(texts, 0.3)) == [[0, 3], [1, 4], [5, 7]]


@pytest.mark.parametrize("text", [text for text in SENTENCES if len(normalize(text)) > 30])
def test_scripts_and_emoji(text):
    """A sentence and one with its last character left out, among all others."""
    copy = normalize(text)[:-1]
    texts = [*SENTENCES, copy]
    expected = clusters([normalize(t) for t in texts], 0.8)
    assert _lists(near_duplicates(texts)) == expected
    assert [SENTENCES.index(text), len(SENTENCES)] in expected


def test_very_long_texts():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(LETTERS, 200_000))
    other = "".join(rng.choice(LETTERS, 200_000))
    texts = [
        text,
        "short",
        text[:150_000] + other[150_000:],
        other,
        text[5000:] + "!",
        text[:100_000],
    ]
    assert _lists(near_duplicates(texts, 0.9)) == [[0, 4]]
    assert _lists(near_duplicates(texts, 0.59)) == [[0, 2, 4]]


@settings(deadline=None, max_examples=budget(20, 5))
@given(st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_matter(random):
    texts = edited_texts(80, ALPHABET, 60, np.random.default_rng(random.randrange(1000)))
    texts += _letters(60, np.random.default_rng(1))
    order = list(range(len(texts)))
    random.shuffle(order)
    found = near_duplicates([texts[i] for i in order], 0.7)
    moved = sorted(sorted(order[i] for i in group) for group in found)
    assert moved == _lists(near_duplicates(texts, 0.7))
    assert all((np.diff(group) > 0).all() for group in found)
    assert [group[0] for group in found] == sorted(group[0] for group in found)


def test_the_size_of_chunks_does_not_matter(monkeypatch):
    texts = edited_texts(300, ALPHABET, 60, np.random.default_rng(0)) + SENTENCES * 2
    expected = _lists(near_duplicates(texts, 0.7))
    assert len(expected) > 20
    for size in (1, 7, 100):
        monkeypatch.setattr(module, "_CHUNK", size)
        monkeypatch.setattr(module, "_BATCH", 10 * size)
        monkeypatch.setattr(shingles, "_CHUNK", 10 * size)
        assert _lists(near_duplicates(texts, 0.7)) == expected


def test_the_seed_decides():
    """The same one the same clusters; at the threshold, another misses other pairs."""
    rng = np.random.default_rng(0)
    texts = [text for _ in range(600) for text in pair_at(0.8, rng)]
    results = [_lists(near_duplicates(texts, seed=seed)) for seed in (0, 0, 1, 2)]
    assert results[0] == results[1]
    assert results[0] != results[2] or results[0] != results[3]


def _relabelled(texts):
    return pd.Series(texts, index=range(len(texts), 0, -1))


@pytest.mark.parametrize("container", [tuple, iter, np.array, _relabelled])
def test_texts_come_in_many_containers(container):
    texts = edited_texts(40, ALPHABET, 60, np.random.default_rng(0))
    expected = _lists(near_duplicates(texts))
    assert expected
    assert _lists(near_duplicates(container(texts))) == expected


# === Large groups ===


def _letters(count, rng, own=8, form=None):
    """Letters of one form, with characters of their own in the middle."""
    form = "".join(np.random.default_rng(99).choice(LETTERS, 120)) if form is None else form
    return [f"{form[:60]}{''.join(rng.choice(LETTERS, own))}{form[60:]}" for _ in range(count)]


def test_boilerplate_is_compared_about_once_a_text(compared):
    texts = _letters(5000, np.random.default_rng(0), own=6)
    assert _lists(near_duplicates(texts)) == [list(range(5000))]
    assert sum(compared) < 2 * 5000


def test_large_groups_are_split_by_the_bands_that_follow():
    """Ever finer, until no group of more than can be compared is left, or after three."""
    items = np.arange(512)
    keys = np.stack([items // size for size in (512, 64, 8, 2, 1)]).astype(np.uint32)
    for band, expected in ((0, [512, 64, 8]), (1, [64, 8]), (2, [8]), (4, [])):
        groups = [(m.tolist(), s.tolist()) for m, s in module._candidates(keys, band)]
        groups = [group for group in groups if group[0]]
        assert [sorted(set(sizes)) for _, sizes in groups] == [[size] for size in expected]
        assert all(sorted(members) == items.tolist() for members, _ in groups)
    # After the last band comes the first, which tells none of these apart.
    keys = np.array([items % 2, items * 0], np.uint32)
    sizes = [sizes.tolist() for _, sizes in module._candidates(keys, 1)]
    assert sizes == [[512], [256, 256]]


def test_letters_less_similar_than_the_threshold_stay_linear(compared):
    """A family just below the threshold, with copies in it that must be found."""
    rng = np.random.default_rng(0)
    work = []
    for count in (1000, 4000):
        texts = _letters(count, rng, own=12)
        similarity = np.mean([jaccard(*map(normalize, texts[i : i + 2])) for i in range(50)])
        assert 0.75 < similarity < 0.8
        copies = [text[:-1] + "!" for text in texts[:200]]
        compared.clear()
        found = {tuple(group) for group in _lists(near_duplicates(texts + copies, 0.9))}
        assert sum((i, count + i) in found for i in range(200)) >= 190
        assert all(len(group) == 2 for group in found)
        work.append(sum(compared))
    assert work[1] < 6 * work[0]
    assert work[1] < 60 * 4000


# === Refusals ===


@pytest.mark.parametrize("find", [text_digests, exact_duplicates, near_duplicates])
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["fine", "half \ud83d"], r"texts\[1\] holds a lone surrogate.*'half \\ud83d'.*encoding"),
        (["\ude00"], r"texts\[0\] holds a lone surrogate"),
        (["a", None], r"texts\[1\] is not a text: None of type NoneType"),
        (["a", "b", 3.5], r"texts\[2\] is not a text: 3.5 of type float"),
        ([b"bytes"], r"texts\[0\] is not a text: b'bytes' of type bytes"),
        ("single", r"not a single text. Received: texts='single'. Wrap it in a list"),
        (b"single", r"not a single text"),
    ],
)
def test_what_is_no_text_is_refused(find, texts, message):
    with pytest.raises(InvalidDataError, match=message):
        find(texts)


@pytest.mark.parametrize("threshold", [0, 0.29, 1.01, -1, float("nan"), 80])
def test_thresholds_out_of_range_are_refused(threshold):
    with pytest.raises(ArgumentError, match="`threshold` must be .* from 0.3 to 1"):
        near_duplicates(["a"], threshold)


def test_negative_seeds_are_refused():
    with pytest.raises(ArgumentError, match="`seed` must not be negative. Received: seed=-1"):
        near_duplicates(["a"], seed=-1)
