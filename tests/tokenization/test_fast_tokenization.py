"""Byte pairs by the `tokenizers` library against those of Keras Hub."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from architectures import architecture, vocabularies
from conftest import set_seed_of_tensorflow
from texts import many_texts

from keras_textcls.tokenization.fast_tokenization import (
    FastBytePair,
    GraphTokenizer,
    fast_tokenizer,
)


@pytest.fixture(scope="module")
def tokenizer():
    return architecture("RobertaBackbone").build_tokenizer()


def _assert_same(tokenizer, texts):
    found, counts = FastBytePair(tokenizer)(texts)
    expected, expected_counts = GraphTokenizer(tokenizer)(texts)
    wrong = [t for t, a, b in zip(texts, counts, expected_counts, strict=True) if a != b]
    assert not wrong
    np.testing.assert_array_equal(found, expected)


def test_the_fast_tokenizer_agrees_with_the_graph(tokenizer):
    texts = many_texts(1500)
    plain = [FastBytePair(tokenizer).is_plain(text) for text in texts]
    assert 200 < sum(plain) < 1300
    _assert_same(tokenizer, texts)


def test_characters_of_all_scripts(tokenizer):
    codes = [*range(1, 0x2100), *range(0x2100, 0x20000, 11)]
    texts = [f"a{chr(c)}b {chr(c)} x" for c in codes if not 0xD800 <= c < 0xE000]
    assert len(texts) > 10_000
    _assert_same(tokenizer, texts)


def test_special_tokens_space_and_what_the_graph_itself_uses(tokenizer):
    special = [*tokenizer.unsplittable_tokens, "<mas", "k>"]
    between = ["", " ", "  ", "\n", "\n\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u096c", "\u0134A"]
    words = ["the", "fox's", "12345", "...", "\u0134", "", *special]
    rng = np.random.default_rng(0)
    texts = [
        "".join(str(rng.choice(part)) for _ in range(6) for part in (between, words))
        for _ in range(600)
    ]
    _assert_same(tokenizer, texts)


def test_order_is_kept_between_texts_of_both_kinds(tokenizer):
    texts = ["the fox", "two  spaces", "a cat", "", "</s> and\nmore", "the end"]
    for chosen in (texts, texts[1:2], texts[::2], []):
        _assert_same(tokenizer, chosen)


def test_no_graph_is_traced(tokenizer, monkeypatch):
    """That takes seconds of a real vocabulary."""
    monkeypatch.setattr("keras_textcls.tokenization.fast_tokenization.TextGraph", None)
    assert len(fast_tokenizer(tokenizer)(["a\n\nfox  "])[0]) > 2


def test_which_tokenizers_have_a_fast_one():
    arguments = vocabularies.byte_pair()
    make = keras_hub.tokenizers.BytePairTokenizer
    assert FastBytePair.serves(make(**arguments))
    assert not FastBytePair.serves(make(**arguments, add_prefix_space=True))
    assert not FastBytePair.serves(make(**arguments, sequence_length=4))
    assert not FastBytePair.serves(architecture("BertBackbone").build_tokenizer())
    assert not FastBytePair.serves(None)
    letters = {k: v for k, v in arguments["vocabulary"].items() if k != "\u0120"}
    merges = [merge for merge in arguments["merges"] if "\u0120" not in merge]
    assert not FastBytePair.serves(make(vocabulary=letters, merges=merges))


@pytest.mark.parametrize("pattern", [r"\p{L}+|\p{N}|[^\p{L}\p{N}]+", r"\S+|\s+"])
def test_a_tokenizer_with_rules_of_its_own_keeps_them(pattern):
    tekken = keras_hub.tokenizers.MistralTekkenTokenizer
    arguments = vocabularies.byte_pair()
    known = arguments["vocabulary"]
    new = [t for t in ("<s>", "</s>", "<pad>", "<unk>") if t not in known]
    arguments["vocabulary"] = known | {token: len(known) + i for i, token in enumerate(new)}
    tokenizer = tekken(**arguments, split_pattern=pattern)
    assert not FastBytePair.serves(tokenizer)
    texts = ["the quick fox2", "a 12345  b\n\nc It's", ""]
    found, counts = fast_tokenizer(tokenizer)(texts)
    for ours, theirs in zip(np.split(found, np.cumsum(counts)), tokenizer(texts), strict=False):
        np.testing.assert_array_equal(ours, np.array(theirs))


def test_a_sentence_piece_tokenizer_survives_a_new_random_seed(monkeypatch):
    monkeypatch.setattr(tf.random, "set_seed", set_seed_of_tensorflow)
    tokenizer = architecture("LlamaBackbone").build_tokenizer()
    fast = fast_tokenizer(tokenizer)
    expected = fast(["the fox", "a cat"])
    for make in (lambda: fast, lambda: fast_tokenizer(tokenizer)):
        keras.utils.set_random_seed(0)
        for found, wanted in zip(make()(["the fox", "a cat"]), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
