"""Laws of texts that are read whole, in chunks, whatever their length."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from architectures import architecture
from conftest import long_but, make_classifier, mixed_texts, perturb

from keras_textcls import ArgumentError, LabelSet, PresetError, TextClassifier
from keras_textcls.batching import text_reader
from keras_textcls.inputs import text_batches
from keras_textcls.models import (
    StaticEmbeddingBackbone,
    StaticEmbeddingTextClassifierPreprocessor,
)
from keras_textcls.models.heads import backbone_inputs

# What stands before and after the text: attributes of the tokenizer.
SPECIAL_TOKENS = {
    "AlbertBackbone": ("cls_token_id", "sep_token_id"),
    "BartBackbone": ("start_token_id", "end_token_id"),
    "BertBackbone": ("cls_token_id", "sep_token_id"),
    "DistilBertBackbone": ("cls_token_id", "sep_token_id"),
    "GPT2Backbone": ("start_token_id", "end_token_id"),
    "RobertaBackbone": ("start_token_id", "end_token_id"),
    "XLMRobertaBackbone": ("start_token_id", "end_token_id"),
}
SHORT = mixed_texts(9, longest=8)
LONG = [t for t in mixed_texts(40, longest=200, seed=1) if len(t.split()) > 30][:8]
MIXED = [t for pair in zip(LONG, SHORT, strict=False) for t in pair]
NAMES = ["ham", "spam", "spam", "ham"] * 4


def chunking(name="BertBackbone", sequence_length=16, **kwargs):
    model = make_classifier(name, sequence_length=sequence_length, **kwargs)
    model.long_texts = "chunk"
    return model


@pytest.fixture(scope="module")
def roberta():
    """With a hidden layer in its head; tests leave it as it is."""
    return chunking("RobertaBackbone")


@pytest.fixture(scope="module")
def judged():
    """One for tests that compile it themselves."""
    return chunking("RobertaBackbone")


def _embed_ids(model, before, chunks, after, size):
    """Features of the chunks of one size, as preprocessed inputs."""
    ids = np.array([[before, *chunk, after] for chunk in chunks if len(chunk) == size], "int32")
    inputs = {}
    for name in backbone_inputs(model.backbone):
        values = ids[:, :1] * 0 if name.startswith("decoder") else ids
        inputs[name] = values if "token" in name else np.full_like(values, "mask" in name)
    return model.embed(inputs, verbose=0)


def by_hand(model, text, special_tokens):
    """Features and scores of a text, in plain steps."""
    tokenizer, length = model.preprocessor.tokenizer, model.sequence_length
    before, after = (getattr(tokenizer, name) for name in special_tokens)
    tokens = np.asarray(tokenizer(text)).tolist()
    number = max(1, -(-len(tokens) // (length - 2)))
    chunks = [part.tolist() for part in np.array_split(tokens, number)]
    preprocessor, model.preprocessor = model.preprocessor, None
    # Longer ones come first, so that those of one length lie together.
    sizes = sorted({len(chunk) for chunk in chunks}, reverse=True)
    features = np.concatenate([_embed_ids(model, before, chunks, after, n) for n in sizes])
    model.preprocessor = preprocessor
    average = np.average(features, axis=0, weights=[len(chunk) for chunk in chunks])
    outputs = average
    for layer in (getattr(model, name, None) for name in ("pooled_dense", "output_dense")):
        if layer is not None:
            kernel, bias = layer.get_weights()
            outputs = keras.ops.convert_to_numpy(layer.activation(outputs @ kernel + bias))
    return average, outputs


@pytest.mark.parametrize("name", long_but(["BertBackbone", "GPT2Backbone"], SPECIAL_TOKENS))
def test_a_long_text_is_the_average_of_its_chunks(name):
    model = make_classifier(name, sequence_length=16)
    short = ["a cat", "", "the <pad> fox", "[PAD] ! a"]
    truncated = model.predict([LONG[0], *short, LONG[1]], verbose=0)
    model.long_texts = "chunk"
    texts = [LONG[0], *short, LONG[1]]
    features, scores = model.embed(texts, verbose=0), model.predict(texts, verbose=0)
    for i in (0, 1, len(texts) - 1):
        expected, expected_scores = by_hand(model, texts[i], SPECIAL_TOKENS[name])
        np.testing.assert_allclose(features[i], expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(scores[i], expected_scores, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scores[1:-1], truncated[1:-1], rtol=1e-5, atol=1e-5)
    assert (np.abs(scores - truncated).max(axis=1)[[0, -1]] > 1e-5).all()
    # Without a long text in the call it is the way of old.
    np.testing.assert_allclose(model.predict(short, verbose=0), truncated[1:-1], atol=1e-6)


def test_a_backbone_without_special_tokens():
    """For a mean of static vectors that count alike, the chunks change nothing."""
    tokenizer = architecture("BertBackbone").build_tokenizer()
    backbone = perturb(StaticEmbeddingBackbone(tokenizer.vocabulary_size(), 8))
    backbone.token_score.set_weights([np.zeros((tokenizer.vocabulary_size(), 1))])
    model = TextClassifier(
        backbone,
        preprocessor=StaticEmbeddingTextClassifierPreprocessor(tokenizer, sequence_length=512),
        labels=["ham", "spam"],
    )
    expected = model.predict(MIXED, verbose=0)
    model.sequence_length = 8
    assert np.abs(model.predict(MIXED, verbose=0) - expected).max() > 1e-3
    model.long_texts = "chunk"
    np.testing.assert_allclose(model.predict(MIXED, verbose=0), expected, rtol=1e-5, atol=1e-5)


def test_order_and_company_do_not_matter(roberta):
    model = roberta
    together = model.predict(MIXED, verbose=0)
    alone = np.concatenate([model.predict([text], verbose=0) for text in MIXED[:4]])
    np.testing.assert_allclose(together[:4], alone, rtol=1e-5, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(MIXED))
    shuffled = model.predict([MIXED[i] for i in order], verbose=0)
    np.testing.assert_allclose(shuffled, together[order], rtol=1e-5, atol=1e-5)
    small = model.predict(MIXED, batch_size=3, verbose=0)
    np.testing.assert_allclose(small, together, rtol=1e-5, atol=1e-5)


def test_answers_follow_from_the_scores():
    model = chunking()
    model.temperature = 2.0
    outputs = model.predict(MIXED, verbose=0)
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(outputs / 2.0))
    np.testing.assert_allclose(model.predict_proba(MIXED, verbose=0), expected, atol=1e-6)
    names = [model.labels[i] for i in expected.argmax(axis=1)]
    assert [p.label for p in model.classify(MIXED)] == names
    assert model.classify(LONG[0])[0].label == names[0]


@pytest.mark.parametrize("weighted", [False, True])
def test_evaluate_is_kerass_loss_on_the_outputs(weighted, judged):
    model = judged
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(from_logits=True)],
    )
    weight = np.linspace(0, 2, len(MIXED)).astype("float32") if weighted else None
    targets = np.array([model.labels.index(n) for n in NAMES])
    outputs = model.predict(MIXED, verbose=0)
    expected = model.loss(targets, outputs, sample_weight=weight)
    found = model.evaluate(MIXED, NAMES, sample_weight=weight, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(float(expected), abs=1e-5)
    assert found["accuracy"] == pytest.approx(np.mean(outputs.argmax(axis=1) == targets))
    as_list = model.evaluate(MIXED, NAMES, sample_weight=weight, verbose=0)
    names = ["loss", "accuracy", "sparse_categorical_crossentropy"]
    assert as_list == pytest.approx([found.pop(name) for name in names])
    assert not found
    # Compiled anew, it is the new loss that counts.
    model.compile(loss=lambda y, p: keras.ops.sum(p, axis=-1) * 0 + 3.0, metrics=[])
    assert model.evaluate(MIXED, NAMES, verbose=0) == pytest.approx(3.0)


def test_evaluate_leaves_unknown_labels_out():
    model = chunking(labels=["a", "b", "c"], multi_label=True)
    y = np.random.default_rng(0).integers(-1, 2, (len(MIXED), 3)).astype("float32")
    found = model.evaluate(MIXED, y, verbose=0, return_dict=True)
    outputs = model.predict(MIXED, verbose=0)
    assert found["loss"] == pytest.approx(float(model.loss(y, outputs)), abs=1e-5)
    right = ((outputs > 0) == (y == 1))[y >= 0]
    assert found["binary_accuracy"] == pytest.approx(right.mean())
    assert set(found) == {"loss", "binary_accuracy", "precision", "recall"}


def test_evaluate_of_short_texts_is_as_ever():
    model = make_classifier("RobertaBackbone", sequence_length=32)
    expected = model.evaluate(SHORT, NAMES[:9], verbose=0)
    model.long_texts = "chunk"
    assert model.evaluate(SHORT, NAMES[:9], verbose=0) == pytest.approx(expected, abs=1e-6)


def test_streams_give_what_lists_give(roberta, monkeypatch):
    monkeypatch.setattr(text_reader, "STREAM_WINDOW", 6)
    model = roberta
    # A window without a long text among others.
    texts, names = [*MIXED, *SHORT], [*NAMES, *NAMES[:9]]
    weight = np.linspace(0.5, 2, len(texts)).astype("float32")
    stream = tf.data.Dataset.from_tensor_slices((texts, names, weight)).batch(3)
    for method in (model.predict, model.embed, model.predict_proba):
        np.testing.assert_allclose(
            method(stream, verbose=0), method(texts, verbose=0), rtol=1e-5, atol=1e-5
        )
    expected = model.evaluate(texts, names, sample_weight=weight, verbose=0)
    assert model.evaluate(stream, verbose=0) == pytest.approx(expected, abs=1e-5)
    unlabelled = tf.data.Dataset.from_tensor_slices(SHORT).batch(2)
    expected = model.predict(SHORT, verbose=0)
    np.testing.assert_allclose(model.predict(unlabelled, verbose=0), expected, atol=1e-5)


class _Data:
    multi_label = False
    labels = LabelSet(["ham", "spam"])

    def __init__(self, texts, names):
        self._texts, self._names = texts, names

    def __len__(self):
        return len(self._texts)

    def chunks(self, rows):
        for i in range(0, len(self), rows):
            yield (self._texts[i : i + rows],), self._names[i : i + rows]


def test_data_sets_give_what_lists_give(roberta, monkeypatch):
    monkeypatch.setattr(text_batches, "DATASET_ROWS", 5)
    model = roberta
    data = _Data([*MIXED, *SHORT], [*NAMES, *NAMES[:9]])
    expected = model.predict(data._texts, verbose=0)
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-5, atol=1e-5)
    expected = model.evaluate(data._texts, data._names, verbose=0)
    assert model.evaluate(data, verbose=0) == pytest.approx(expected, abs=1e-5)


def test_fit_truncates_in_training_and_in_validation():
    histories = []
    for value in ("truncate", "chunk"):
        model = make_classifier(sequence_length=16)
        model.long_texts = value
        history = model.fit(
            MIXED, NAMES, validation_data=(MIXED, NAMES), epochs=2, seed=3, verbose=0
        )
        histories.append(history.history)
        assert model.long_texts == value
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-5, err_msg=name)
    after = model.evaluate(MIXED, NAMES, verbose=0, return_dict=True)
    targets = [model.labels.index(n) for n in NAMES]
    expected = float(model.loss(np.array(targets), model.predict(MIXED, verbose=0)))
    assert after["loss"] == pytest.approx(expected, abs=1e-5)


def test_pairs_are_truncated():
    model = make_classifier(sequence_length=16)
    pairs = (LONG, LONG[::-1])
    expected = model.predict(pairs, verbose=0)
    model.long_texts = "chunk"
    np.testing.assert_allclose(model.predict(pairs, verbose=0), expected, atol=1e-6)


def test_a_long_text_may_spell_the_padding_out(roberta):
    text = "the <pad> fox " * 20
    found = roberta.embed(["a cat", text], verbose=0)[1]
    expected, _ = by_hand(roberta, text, SPECIAL_TOKENS["RobertaBackbone"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_another_sequence_length_cuts_otherwise():
    model = chunking(sequence_length=16)
    for length in (12, 30):
        model.sequence_length = length
        expected, _ = by_hand(model, LONG[0], SPECIAL_TOKENS["BertBackbone"])
        found = model.embed(LONG[:1], verbose=0)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_preset_keeps_it(tmp_path):
    model = chunking(pooling="mean")
    model.save_to_preset(tmp_path / "kept")
    again = TextClassifier.from_preset(tmp_path / "kept")
    assert again.long_texts == "chunk"
    expected = model.predict(MIXED, verbose=0)
    np.testing.assert_allclose(again.predict(MIXED, verbose=0), expected, rtol=1e-5, atol=1e-5)
    path = tmp_path / "kept" / "classifier.json"
    record = json.loads(path.read_text())
    assert record.pop("long_texts") == "chunk"
    path.write_text(json.dumps(record))
    assert TextClassifier.from_preset(tmp_path / "kept").long_texts == "truncate"
    path.write_text(json.dumps({**record, "long_texts": "summarize"}))
    with pytest.raises(PresetError, match="`long_texts` must be .* Received: 'summarize'"):
        TextClassifier.from_preset(tmp_path / "kept")


@pytest.mark.parametrize("value", ["cut", None, 3, ["chunk"]])
def test_other_values_are_refused(value):
    model = make_classifier(compile=False)
    with pytest.raises(ArgumentError, match="`long_texts` must be one of"):
        model.long_texts = value
    assert model.long_texts == "truncate"


def test_where_it_cannot_be_the_setter_says_so():
    model = make_classifier(compile=False)
    model.sequence_length = 2
    with pytest.raises(ArgumentError, match="leaves no room"):
        model.long_texts = "chunk"
    model.preprocessor = None
    with pytest.raises(ArgumentError, match="needs a preprocessor"):
        model.long_texts = "chunk"
    with pytest.raises(ArgumentError, match="depend on how far a text is padded"):
        make_classifier("FNetBackbone", compile=False).long_texts = "chunk"
    assert model.long_texts == "truncate"


def test_a_preprocessor_that_does_more_is_refused(monkeypatch):
    model = make_classifier("BertBackbone", compile=False)
    monkeypatch.setattr(
        "keras_textcls.tokenization.text_encoder.learn_packing", lambda *arguments: None
    )
    with pytest.raises(ArgumentError, match=r"BertTextClassifierPreprocessor, sequence_length=32"):
        model.long_texts = "chunk"


def test_steps_are_refused():
    model = chunking()
    with pytest.raises(ArgumentError, match=r"`steps` counts batches"):
        model.predict(MIXED, steps=1, verbose=0)
    with pytest.raises(ArgumentError, match=r"`steps` counts batches"):
        model.evaluate(MIXED, NAMES, steps=1, verbose=0)


def test_preprocessed_inputs_stay_as_they_are():
    model = chunking()
    features = {name: np.asarray(v) for name, v in model.preprocessor(LONG).items()}
    model.preprocessor = None
    expected = make_classifier(sequence_length=16).predict(LONG, verbose=0)
    np.testing.assert_allclose(model.predict(features, verbose=0), expected, atol=1e-6)
