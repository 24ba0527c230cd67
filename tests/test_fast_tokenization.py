"""The twin of a byte-pair tokenizer against the one of Keras Hub."""

import keras
import keras_hub
import numpy as np
import pytest
from architectures import architecture, vocabularies
from texts import many_texts

from keras_textcls.fast_tokenization import FastBytePair, FastTokenizer, GraphTokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return architecture("RobertaBackbone").build_tokenizer()


def test_the_twin_agrees_wherever_it_says_so(tokenizer):
    twin = FastBytePair(tokenizer)
    texts = many_texts(1500)
    safe = [text for text in texts if twin.agrees_on(text)]
    assert len(safe) > 200
    found, counts = twin(safe)
    expected, expected_counts = GraphTokenizer(tokenizer)(safe)
    wrong = [t for t, a, b in zip(safe, counts, expected_counts, strict=True) if a != b]
    assert not wrong
    np.testing.assert_array_equal(found, expected)


def test_characters_of_all_scripts(tokenizer):
    twin = FastBytePair(tokenizer)
    codes = [*range(1, 0x2100), *range(0x2100, 0x20000, 11)]
    texts = [f"a{chr(c)}b {chr(c)} x" for c in codes if not 0xD800 <= c < 0xE000]
    safe = [text for text in texts if twin.agrees_on(text)]
    assert len(safe) > 10_000
    found, counts = twin(safe)
    expected, expected_counts = GraphTokenizer(tokenizer)(safe)
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_array_equal(found, expected)


def test_texts_that_the_twin_does_not_know_go_to_the_graph_and_order_is_kept(tokenizer):
    texts = ["the fox", "two  spaces", "a cat", "", "</s> and\nmore", "the end"]
    found, counts = FastTokenizer(tokenizer)(texts)
    expected, expected_counts = GraphTokenizer(tokenizer)(texts)
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_array_equal(found, expected)


def test_which_tokenizers_have_a_twin():
    arguments = vocabularies.byte_pair()
    make = keras_hub.tokenizers.BytePairTokenizer
    assert FastBytePair.serves(make(**arguments))
    assert not FastBytePair.serves(make(**arguments, add_prefix_space=True))
    assert not FastBytePair.serves(make(**arguments, sequence_length=4))
    assert not FastBytePair.serves(architecture("BertBackbone").build_tokenizer())
    assert not FastBytePair.serves(None)


def test_a_sentence_piece_tokenizer_survives_a_new_random_seed():
    tokenizer = architecture("LlamaBackbone").build_tokenizer()
    fast = FastTokenizer(tokenizer)
    expected = fast(["the fox", "a cat"])
    for make in (lambda: fast, lambda: FastTokenizer(tokenizer)):
        keras.utils.set_random_seed(0)
        for found, wanted in zip(make()(["the fox", "a cat"]), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
