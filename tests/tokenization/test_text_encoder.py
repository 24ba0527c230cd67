"""The fast path from texts to tokens gives what the whole preprocessor gives."""

import keras_hub
import numpy as np
import pytest
from architectures import ARCHITECTURES
from conftest import long_but, make_preprocessor
from texts import many_texts

from keras_textcls.tokenization import text_encoder
from keras_textcls.tokenization.fast_tokenization import FastBytePair
from keras_textcls.tokenization.text_encoder import TextEncoder

WITH_TOKENIZER = [e.name for e in ARCHITECTURES if e.build_tokenizer is not None]
# Their byte pairs run on texts that need Keras Hub's graph as well, which takes 10 s to trace.
IN_GRAPHS = {"GPT2Backbone", "RobertaBackbone"}
# Their tokenizers run outside of TensorFlow, so there is no graph to shorten.
NOT_PACKED = {"RWKV7Backbone"}


def _encode_both_ways(preprocessor, texts, monkeypatch, in_graph=True):
    """What the fast path gives, what the whole preprocessor gives, and whether there is one."""
    encoder = TextEncoder(preprocessor)
    with monkeypatch.context() as patch:
        if in_graph:
            patch.setattr(text_encoder, "needs_no_graph", lambda tokenizer: False)
        runner = text_encoder._Runner(preprocessor, 1)
    runner._preprocessor = preprocessor  # Not with the tokenizer that is tested.
    expected = text_encoder._wrap(runner, text_encoder._unpad(runner, (texts,)))
    monkeypatch.setattr(text_encoder, "MIN_TEXTS_FOR_PACKING", 0)
    return encoder.encode((texts,)), expected, encoder._runner(1).is_packed


def _assert_equal(found, expected):
    assert found.lengths.tolist() == expected.lengths.tolist()
    assert found.padding == expected.padding
    for ours, theirs in ((found.flat, expected.flat), (found.fixed, expected.fixed)):
        assert set(ours) == set(theirs)
        for name in theirs:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
            assert ours[name].dtype == theirs[name].dtype, name


# WordPiece and byte pairs; SentencePiece takes longest.
ONE_A_KIND = ["BertBackbone", "BartBackbone"]


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, WITH_TOKENIZER))
def test_packed_texts_are_those_of_the_preprocessor(name, monkeypatch):
    preprocessor = make_preprocessor(name, sequence_length=24)
    texts = [t for t in many_texts(60) if "<pad>" not in t]
    in_graph = not FastBytePair.serves(preprocessor.tokenizer) or name in IN_GRAPHS
    if not in_graph:
        fast = FastBytePair(preprocessor.tokenizer)
        texts = [text for text in texts if fast.is_plain(text)]
    found, expected, is_packed = _encode_both_ways(preprocessor, texts, monkeypatch, in_graph)
    assert is_packed == (name not in NOT_PACKED)
    _assert_equal(found, expected)


def test_a_text_that_spells_the_padding_out_takes_the_whole_preprocessor(monkeypatch):
    preprocessor = make_preprocessor("RobertaBackbone")
    texts = ["the <pad> fox", "a cat"]
    found, expected, _ = _encode_both_ways(preprocessor, texts, monkeypatch)
    _assert_equal(found, expected)
    assert not found.flat["padding_mask"].all()


class _Reverser(keras_hub.models.BertTextClassifierPreprocessor):
    """Does more to a text than to frame it."""

    def call(self, x, y=None, sample_weight=None):
        import tensorflow as tf

        return super().call(tf.strings.regex_replace(x, "fox", "dog"))


def test_a_preprocessor_that_does_more_is_not_packed(monkeypatch):
    tokenizer = make_preprocessor().tokenizer
    monkeypatch.setattr(
        "keras_textcls.tokenization.packing.PROBES", ("", "a", "two words", "the fox")
    )
    preprocessor = _Reverser(tokenizer, sequence_length=24)
    texts = ["a fox", "a cat"] * 4
    found, expected, is_packed = _encode_both_ways(preprocessor, texts, monkeypatch)
    assert not is_packed
    _assert_equal(found, expected)


def test_pairs_of_texts_take_the_whole_preprocessor(monkeypatch):
    monkeypatch.setattr(text_encoder, "MIN_TEXTS_FOR_PACKING", 0)
    encoder = TextEncoder(make_preprocessor())
    encoded = encoder.encode((["the fox"], ["a cat"]))
    assert encoded.flat["segment_ids"].tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_another_sequence_length_is_learnt_anew(monkeypatch):
    monkeypatch.setattr(text_encoder, "MIN_TEXTS_FOR_PACKING", 0)
    preprocessor = make_preprocessor()
    encoder = TextEncoder(preprocessor)
    for length in (8, 16):
        preprocessor.sequence_length = length
        assert encoder.encode((["the fox " * 20],)).lengths.tolist() == [length]
