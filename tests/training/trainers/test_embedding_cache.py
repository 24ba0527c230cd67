"""What the cache gives back is what was embedded, whatever happens to its files."""

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import make_classifier
from conftest import mixed_texts as any_texts

import keras_textcls
from keras_textcls.training.trainers.embedding_cache import (
    EmbeddingCache,
    embed_cached,
    embedding_key,
    text_hashes,
)

ROOT = Path(__file__).parents[3]


def mixed_texts(count):
    """All of them distinct."""
    return [f"{text} {'cat ' * i}" for i, text in enumerate(any_texts(count))]


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


@pytest.fixture
def embedded(classifier, monkeypatch):
    """The numbers of texts that were embedded, call by call."""
    calls = []
    original = type(classifier).embed

    def embed(self, x, *args, **kwargs):
        calls.append(len(x[0]) if isinstance(x, tuple) else len(x))
        return original(self, x, *args, **kwargs)

    monkeypatch.setattr(type(classifier), "embed", embed)
    return calls


def files_of(cache):
    return sorted(cache.directory.rglob("*.safetensors"))


def test_the_second_time_nothing_is_embedded(classifier, cache, embedded):
    texts = mixed_texts(20)
    first, hit = embed_cached(classifier, texts, cache)
    again, hit_again = embed_cached(classifier, texts[::-1], cache)
    assert (hit, hit_again, embedded) == (False, True, [20])
    np.testing.assert_array_equal(first, again[::-1])
    np.testing.assert_allclose(first, classifier.embed(texts, verbose=0), atol=1e-5)


def test_texts_that_are_new_are_embedded_alone_and_once(classifier, cache, embedded):
    texts = mixed_texts(20)
    embed_cached(classifier, texts, cache)
    more = ["something new", *texts, "and another", "something new"]
    features, hit = embed_cached(classifier, more, cache)
    assert (hit, embedded) == (False, [20, 2])
    np.testing.assert_allclose(features, classifier.embed(more, verbose=0), atol=1e-5)
    assert embed_cached(classifier, more, cache)[1]


def test_without_a_cache_it_embeds(classifier):
    texts = ["a", "b c", "a"]
    features, hit = embed_cached(classifier, texts)
    assert not hit
    np.testing.assert_allclose(features, classifier.embed(texts, verbose=0), atol=1e-5)


def test_a_dataset_with_other_labels_is_known(classifier, cache, embedded):
    rows = [("free money", "spam"), ("see you", "ham")]
    embed_cached(classifier, keras_textcls.read(rows), cache)
    relabelled = keras_textcls.read([(text, "other") for text, _ in rows])
    assert embed_cached(classifier, relabelled, cache)[1]


def test_pairs(classifier, cache):
    pairs = (["a", "b", "ab"], ["b", "a", ""])
    features, _ = embed_cached(classifier, pairs, cache)
    np.testing.assert_allclose(features, classifier.embed(pairs, verbose=0), atol=1e-5)
    again, hit = embed_cached(classifier, pairs, cache)
    assert hit
    np.testing.assert_array_equal(features, again)


def test_where_the_first_of_a_pair_ends_counts():
    assert len(np.unique(text_hashes((["ab", "a", ""], ["", "b", "ab"])))) == 3


def test_the_key_follows_what_changes_embeddings_only():
    classifier = make_classifier()
    key = embedding_key(classifier)
    assert embedding_key(make_classifier()) == key
    assert embedding_key(make_classifier(labels=["x", "y", "z"], dropout=0.3)) == key
    assert embedding_key(make_classifier(pooling="mean")) != key
    assert embedding_key(make_classifier(sequence_length=16)) != key
    classifier.output_dense.kernel.assign(classifier.output_dense.kernel * 2)
    assert embedding_key(classifier) == key
    weight = classifier.backbone.weights[0]
    weight.assign(weight * 2)
    assert embedding_key(classifier) != key


def test_the_key_follows_the_vocabulary():
    classifier, other = make_classifier(), make_classifier()
    tokenizer = other.preprocessor.tokenizer
    tokenizer.set_vocabulary(list(tokenizer.get_vocabulary())[::-1])
    assert embedding_key(classifier) != embedding_key(other)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text"])
def test_a_broken_file_is_a_miss_that_is_logged(classifier, cache, damage, caplog):
    texts = mixed_texts(20)
    expected, _ = embed_cached(classifier, texts, cache)
    (path,) = files_of(cache)
    content = path.read_bytes()
    broken = {
        "empty": b"",
        "cut": content[: len(content) // 2],
        "flipped": content[:-1] + bytes([content[-1] ^ 1]),
        "text": b"no tensors at all" * 10,
    }
    path.write_bytes(broken[damage])
    with caplog.at_level(logging.WARNING):
        features, hit = embed_cached(classifier, texts, cache)
    assert not hit
    np.testing.assert_array_equal(features, expected)
    assert path.name in caplog.text


def test_a_folder_that_cannot_be_written_is_logged(classifier, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = EmbeddingCache(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        features, hit = embed_cached(classifier, ["a", "b"], cache)
    assert features.shape[0] == 2
    assert not hit
    assert "not kept" in caplog.text


def test_the_least_recently_used_is_removed(tmp_path):
    rows = np.zeros((10, 100), "float32")
    hashes = [text_hashes(([f"{i} {j}" for j in range(10)],)) for i in range(3)]
    cache = EmbeddingCache(tmp_path, max_bytes=10_000)
    for i in range(2):
        cache.put("key", hashes[i], rows)
    now = time.time()
    for path in files_of(cache):
        os.utime(path, (now - 100, now - 100))
    assert cache.get("key", hashes[0])[1].all()  # Which makes the other the oldest.
    cache.put("other", hashes[2], rows)
    assert cache.get("key", hashes[0])[1].all()
    assert not cache.get("key", hashes[1])[1].any()
    assert cache.get("other", hashes[2])[1].all()


def test_what_is_larger_than_the_cache_is_not_kept(tmp_path):
    cache = EmbeddingCache(tmp_path, max_bytes=100)
    cache.put("key", text_hashes((["a"],)), np.zeros((1, 100), "float32"))
    assert files_of(cache) == []


def test_the_directory_follows_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path))
    assert EmbeddingCache().directory == tmp_path / "embeddings"
    monkeypatch.delenv("KERAS_TEXTCLS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    expected = tmp_path / ".cache" / "keras_textcls" / "embeddings"
    assert EmbeddingCache().directory == expected


_WRITER = """
import sys, warnings
warnings.simplefilter("error")
import numpy as np
from keras_textcls.training.trainers.embedding_cache import EmbeddingCache, text_hashes

cache = EmbeddingCache(sys.argv[1], max_bytes=60_000)
for step in range(30):
    texts = [f"{step % 7} {i}" for i in range(20)]
    rows = np.array([[step % 7, i] * 50 for i in range(20)], "float32")
    found, known = cache.get("key", text_hashes((texts,)))
    assert not known.any() or (found[known] == rows[known]).all()
    cache.put("key", text_hashes((texts,)), rows)
"""


def test_two_processes_write_read_and_evict_at_once(processes, tmp_path):
    writers = [processes.start(_WRITER, tmp_path) for _ in range(2)]
    for writer in writers:
        returncode, _, errors = writer.wait()
        assert returncode == 0, errors
        assert "cannot be read" not in errors
        assert "not whole" not in errors
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) <= 60_000
    assert not list(tmp_path.rglob(".saving-*"))
