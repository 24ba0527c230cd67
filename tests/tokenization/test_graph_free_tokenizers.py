"""Tokenizers without TensorFlow against the graphs of Keras Hub."""

import itertools
import string
import unicodedata

import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from architectures import architecture, vocabularies
from conftest import budget, long_but, make_preprocessor
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_hub.src.tokenizers.byte_pair_tokenizer import split_strings_for_bpe
from texts import many_texts

from keras_textcls.tokenization import text_encoder
from keras_textcls.tokenization.byte_pair_words import split_for_byte_pairs
from keras_textcls.tokenization.fast_tokenization import GraphTokenizer, fast_tokenizer
from keras_textcls.tokenization.sentence_pieces import FastSentencePiece
from keras_textcls.tokenization.text_encoder import TextEncoder
from keras_textcls.tokenization.word_pieces import FastWordPiece

ODD = ["  ", "\n", "\t", "\u00a0", "\u200b", "\u0301", "\u4e2d", "[MASK]", "\u212b", "\u00df", "a"]
# What no space separates, much longer than any sequence.
LONG = ["x" * 500, "ab" * 300, "!" * 400, "\u4e2d" * 300, "e\u0301" * 200, " " * 400 + "a"]


def _assert_same(tokenizer, texts):
    found, counts = fast_tokenizer(tokenizer)(texts)
    expected, expected_counts = GraphTokenizer(tokenizer)(texts)
    wrong = [t for t, a, b in zip(texts, counts, expected_counts, strict=True) if a != b]
    assert not wrong
    np.testing.assert_array_equal(found, expected)


def _characters():
    step = budget(1, 23)
    codes = [*range(1, 0x3400), *range(0x3400, 0x20000, step)]
    # TensorFlow and Python see alike what this Python knows.
    known = (chr(c) for c in codes if unicodedata.category(chr(c)) not in ("Cn", "Cs"))
    return [f"a{c}b {c} X{c}" for c in known]


_FLAGS = list(itertools.product((True, False), repeat=3))


@pytest.mark.parametrize(
    ("lowercase", "strip_accents", "in_strings"),
    long_but([(True, True, True), (False, False, False)], _FLAGS),
)
def test_word_pieces(lowercase, strip_accents, in_strings):
    tokenizer = keras_hub.models.BertTokenizer(
        vocabulary=[
            *vocabularies.wordpiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
            *("\u4e2d", "##\u0301", "\u00e9", "ss"),
        ],
        lowercase=lowercase,
        strip_accents=strip_accents,
        special_tokens_in_strings=in_strings,
    )
    assert FastWordPiece.serves(tokenizer)
    rng = np.random.default_rng(0)
    mixed = ["".join(rng.choice([*ODD, *string.printable], 20)) for _ in range(300)]
    _assert_same(tokenizer, [*many_texts(600), *mixed, *_characters(), *LONG])


@pytest.mark.parametrize("name", ["AlbertBackbone", "XLMRobertaBackbone", "LlamaBackbone"])
def test_sentence_pieces(name):
    tokenizer = architecture(name).build_tokenizer()
    assert FastSentencePiece.serves(tokenizer)
    _assert_same(tokenizer, [*many_texts(600), *_characters()[::4], *LONG])


_PARTS = st.sampled_from([*ODD, " ", "\u096c", "\u0134", "A", "<s>", "'s", "3"])


@settings(max_examples=budget(20, 50), deadline=None)
@given(st.lists(st.lists(_PARTS, max_size=9).map("".join), min_size=20, max_size=20))
def test_words_of_byte_pairs(texts):
    special = ("<s>", "A\u0134", "</s>")
    graph = split_strings_for_bpe(tf.constant(texts), list(special))
    for text, expected in zip(texts, graph.to_list(), strict=True):
        words = split_for_byte_pairs(text, special)
        assert words == [word.decode() for word in expected], text


def test_words_of_many_spaces():
    texts = [before + " " * n + after for n in range(6) for before in ("", "a", "\n") for after in ("", "b")]  # fmt: skip  # noqa: E501
    graph = split_strings_for_bpe(tf.constant(texts), ["<s>"])
    for text, expected in zip(texts, graph.to_list(), strict=True):
        assert split_for_byte_pairs(text, ("<s>",)) == [word.decode() for word in expected]
    million = "a" + " " * 10**6
    assert "".join(split_for_byte_pairs(million, ())) == million


@pytest.mark.parametrize(
    "name", long_but(["BertBackbone"], ["BertBackbone", "RobertaBackbone", "AlbertBackbone"])
)
def test_pairs_of_texts_are_those_of_the_graph(name, monkeypatch):
    preprocessor = make_preprocessor(name, sequence_length=24)
    texts = many_texts(100)
    columns = (texts, texts[::-1])
    found = TextEncoder(preprocessor).encode(columns)
    monkeypatch.setattr(text_encoder, "needs_no_graph", lambda tokenizer: False)
    expected = TextEncoder(preprocessor).encode(columns)
    np.testing.assert_array_equal(found.lengths, expected.lengths)
    for part in expected.flat:
        np.testing.assert_array_equal(found.flat[part], expected.flat[part])


def test_no_tensorflow_runs(monkeypatch):
    """Or a forked process would wait for its threads."""
    preprocessors = [make_preprocessor(f"{n}Backbone") for n in ("Bert", "Roberta", "Albert")]
    monkeypatch.setattr("keras_textcls.tokenization.text_encoder.TextGraph", None)
    monkeypatch.setattr("keras_textcls.tokenization.fast_tokenization.TextGraph", None)
    texts = ["the fox\u00a0 ran", "a cat <pad> [PAD]"]
    for preprocessor in preprocessors:
        assert len(TextEncoder(preprocessor).encode((texts,))) == 2
        assert len(TextEncoder(preprocessor).encode((texts, texts))) == 2
        assert len(TextEncoder(preprocessor).encode_in_chunks((["the fox " * 90],))) > 1
