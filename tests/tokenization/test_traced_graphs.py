"""Graphs of preprocessors: who shares one, who needs none, and what outlives a new seed."""

import keras
import keras_hub
import numpy as np
import pytest
from architectures import architecture
from conftest import make_preprocessor, mixed_texts, set_seed_of_tensorflow

from keras_textcls.tokenization import traced_graphs
from keras_textcls.tokenization.preprocessor_fingerprint import preprocessor_fingerprint
from keras_textcls.tokenization.text_encoder import TextEncoder
from keras_textcls.tokenization.traced_graphs import TextGraph


def _preprocessor(sequence_length=16, vocabulary=None, kind=None, **kwargs):
    vocabulary = vocabulary or ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fox"]
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=vocabulary)
    kind = kind or keras_hub.models.BertTextClassifierPreprocessor
    return kind(tokenizer, sequence_length=sequence_length, **kwargs)


class Own(keras_hub.models.BertTextClassifierPreprocessor):
    """Might do anything."""


def _ids(graph, texts):
    return graph(texts)["token_ids"].numpy().tolist()


def _graph(preprocessor):
    return TextGraph("features", lambda x: preprocessor(x=x), 1, preprocessor)


def test_equal_preprocessors_share_a_graph(monkeypatch):
    monkeypatch.setattr(traced_graphs, "_kept", traced_graphs.OrderedDict())
    first, second = _graph(_preprocessor()), _graph(_preprocessor(name="another"))
    assert first.for_dataset() is second.for_dataset()
    assert _ids(second, ["a fox"]) == [[2, 5, 6, 3] + [0] * 12]


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence_length": 8},
        {"vocabulary": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fox", "a"]},
        {"truncate": "waterfall"},
        {"kind": Own},
    ],
    ids=["length", "vocabulary", "truncation", "class"],
)
def test_others_do_not(monkeypatch, changes):
    monkeypatch.setattr(traced_graphs, "_kept", traced_graphs.OrderedDict())
    first, second = _graph(_preprocessor()), _graph(_preprocessor(**changes))
    assert first.for_dataset() is not second.for_dataset()
    wanted = keras.ops.convert_to_numpy(_preprocessor(**changes)(["a fox"])["token_ids"])
    assert _ids(second, ["a fox"]) == wanted.tolist()


def test_only_so_many_graphs_are_kept(monkeypatch):
    monkeypatch.setattr(traced_graphs, "_kept", traced_graphs.OrderedDict())
    monkeypatch.setattr(traced_graphs, "KEPT", 2)
    graphs = [_graph(_preprocessor(sequence_length=n)).for_dataset() for n in (8, 9, 8, 10)]
    assert graphs[0] is graphs[2]
    assert list(traced_graphs._kept.values()) == [graphs[2], graphs[3]]


def test_a_graph_stays_when_its_first_owner_changes(monkeypatch):
    monkeypatch.setattr(traced_graphs, "_kept", traced_graphs.OrderedDict())
    first, second = _preprocessor(), _preprocessor()
    encoders = TextEncoder(first), TextEncoder(second)
    texts = ["a fox " * 20]
    assert [e.encode((texts,)).lengths.tolist() for e in encoders] == [[16], [16]]
    first.sequence_length = 8
    assert [e.encode((texts,)).lengths.tolist() for e in encoders] == [[8], [16]]


def test_what_a_class_of_others_does_is_not_known():
    assert preprocessor_fingerprint(_preprocessor(kind=Own)) is None
    assert preprocessor_fingerprint(lambda texts: texts) is None
    assert preprocessor_fingerprint(_preprocessor().tokenizer) is not None


def test_plain_texts_of_byte_pairs_need_no_graph(monkeypatch):
    preprocessor = make_preprocessor("RobertaBackbone")
    texts = mixed_texts(5)
    # Of a class that nothing is known of, so that it is traced.
    traced = TextEncoder(_own_class(preprocessor)).encode((texts,))
    monkeypatch.setattr("keras_textcls.tokenization.text_encoder.TextGraph", None)
    monkeypatch.setattr("keras_textcls.tokenization.fast_tokenization.TextGraph", None)
    found = TextEncoder(preprocessor).encode((texts,))
    assert found.lengths.tolist() == traced.lengths.tolist()
    for name, values in traced.flat.items():
        np.testing.assert_array_equal(found.flat[name], values)
        assert found.flat[name].dtype == values.dtype


def _own_class(preprocessor):
    kind = type("Unknown", (type(preprocessor),), {})
    return kind(preprocessor.tokenizer, sequence_length=preprocessor.sequence_length)


def test_a_sentence_piece_model_survives_a_new_random_seed(monkeypatch):
    monkeypatch.setattr(traced_graphs.tf.random, "set_seed", set_seed_of_tensorflow)
    encoder = TextEncoder(make_preprocessor("GemmaBackbone"))
    texts = mixed_texts(1100, longest=4)
    for count in (3, len(texts)):
        expected = encoder.encode((texts[:count],))
        keras.utils.set_random_seed(1)
        found = encoder.encode((texts[:count],))
        np.testing.assert_array_equal(found.flat["token_ids"], expected.flat["token_ids"])


def test_what_is_no_matter_of_a_seed_is_raised():
    tokenizer = architecture("BertBackbone").build_tokenizer()

    def fail(texts):
        return traced_graphs.tf.io.read_file(texts[0])

    graph = TextGraph("file", fail, 1, tokenizer)
    with pytest.raises(traced_graphs.tf.errors.NotFoundError):
        graph(["nowhere"])
