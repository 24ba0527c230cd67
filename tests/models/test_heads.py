"""Heads: the same as Keras Hub's where it has one; pooling against plain numpy."""

import keras
import keras_hub
import numpy as np
import pytest
from architectures import ARCHITECTURES, architecture
from conftest import STEP_BY_STEP, long_but, make_classifier, mixed_texts, perturb

from keras_textcls import ArgumentError, TextClassifier
from keras_textcls.models.heads import KERAS_HUB_HEADS, resolve_head, subclass_for
from keras_textcls.models.pooling import MaskedPooling

NATIVE = sorted(KERAS_HUB_HEADS)
# With a pooler, and without.
ONE_A_KIND = ["BertBackbone", "RobertaBackbone"]


@pytest.mark.long
def test_the_table_has_every_head_of_keras_hub():
    found = {
        entry.name
        for entry in ARCHITECTURES
        if subclass_for(keras_hub.models.TextClassifier, entry.build_backbone()) is not None
    }
    assert found == set(NATIVE)


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NATIVE))
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_layers_are_those_of_keras_hub(name, activation):
    """Layer by layer: class, name, rate, width, activation, initializers."""
    backbone = architecture(name).build_backbone(dropout=0.3)
    native = subclass_for(keras_hub.models.TextClassifier, backbone)(
        backbone=backbone, num_classes=3, activation=activation
    )
    ours = TextClassifier(backbone, num_classes=3, activation=activation)
    for attribute in ("pooled_dropout", "pooled_dense", "output_dropout", "output_dense"):
        expected, found = getattr(native, attribute, None), getattr(ours, attribute, None)
        assert (expected is None) == (found is None), attribute
        if expected is not None:
            assert type(found) is type(expected)
            # Initializers without a seed of their own draw one when they are made.
            assert _without_seeds(found.get_config()) == _without_seeds(expected.get_config())
    assert (ours.num_classes, ours.dropout) == (native.num_classes, native.dropout)
    assert ours.hidden_dim == getattr(native, "hidden_dim", None)
    assert type(ours.optimizer) is type(native.optimizer)
    assert float(ours.optimizer.learning_rate) == float(native.optimizer.learning_rate)


def _without_seeds(config):
    if isinstance(config, dict):
        return {
            k: _without_seeds(v) for k, v in config.items() if k not in ("seed", "build_config")
        }
    return config


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NATIVE))
def test_logits_are_those_of_keras_hub(name):
    ours = make_classifier(name, labels=["a", "b", "c"])
    native = ours.to_keras_hub()
    for model in (ours, native):
        model.compile(run_eagerly=STEP_BY_STEP)
    texts = mixed_texts(6)
    expected = native.predict(texts, verbose=0)
    np.testing.assert_allclose(ours.predict(texts, verbose=0), expected, atol=1e-5)
    back = TextClassifier.from_keras_hub(native, labels=["a", "b", "c"])
    back.compile(run_eagerly=STEP_BY_STEP)
    np.testing.assert_allclose(back.predict(texts, verbose=0), expected, atol=1e-5)
    assert back.labels == ["a", "b", "c"]


def test_pooling_against_numpy():
    states = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])

    def pooled(mode):
        layer = MaskedPooling.from_config(MaskedPooling(mode).get_config())
        return keras.ops.convert_to_numpy(layer(states, padding_mask=mask))

    real = [states[0, :2], states[1]]
    for mode, function in (
        ("mean", lambda s: s.mean(0)),
        ("max", lambda s: s.max(0)),
        ("last", lambda s: s[-1]),
    ):
        expected = np.stack([*map(function, real), np.zeros(5)])
        np.testing.assert_allclose(pooled(mode), expected, atol=1e-6)


def test_last_token_of_left_padded_texts():
    states = np.arange(6, dtype="float32").reshape(1, 3, 2)
    layer = MaskedPooling("last")
    pooled = layer(states, padding_mask=np.array([[0, 1, 1]]))
    assert keras.ops.convert_to_numpy(pooled).tolist() == [[4.0, 5.0]]


def test_bad_padding_never_reaches_the_pool():
    states = np.array([[[1.0], [np.nan]]], "float32")
    for mode in ("mean", "max", "last"):
        pooled = MaskedPooling(mode)(states, padding_mask=np.array([[1, 0]]))
        assert keras.ops.convert_to_numpy(pooled).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("name", "pooling"),
    [("BertBackbone", "pooler"), ("GPT2Backbone", "last"), ("T5Backbone", "mean"),
     ("ElectraBackbone", "mean"), ("RobertaBackbone", "cls"), ("LlamaBackbone", "last")],
)  # fmt: skip
def test_auto_pooling(name, pooling):
    assert resolve_head(architecture(name).build_backbone()).pooling == pooling


def test_other_heads_are_not_keras_hubs():
    backbone = architecture("BertBackbone").build_backbone()
    assert resolve_head(backbone).keras_hub is not None
    assert resolve_head(backbone, pooling="mean").keras_hub is None
    assert resolve_head(backbone, hidden_dim=4).keras_hub is None
    roberta = architecture("RobertaBackbone").build_backbone()
    assert resolve_head(roberta, hidden_dim=4).keras_hub is not None
    assert resolve_head(roberta, hidden_dim=None).keras_hub is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "avg"}, '`pooling` must be "auto" or one of'),
        ({"hidden_dim": 0}, "positive integer. Received: hidden_dim=0."),
        ({"dropout": 1.0}, "number in [0, 1). Received: dropout=1.0."),
        ({"dropout": "high"}, "Received: dropout='high'."),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ArgumentError) as error:
        resolve_head(architecture("BertBackbone").build_backbone(), **arguments)
    assert message in str(error.value)


def test_pooler_needs_a_pooler():
    backbone = architecture("RobertaBackbone").build_backbone()
    with pytest.raises(ArgumentError, match='needs a backbone with a "pooled_output", which Rob'):
        resolve_head(backbone, pooling="pooler")


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "last"])
def test_embed_pools_the_states_of_the_backbone(pooling):
    """Against the backbone run on one text without padding."""
    model = make_classifier("BertBackbone", pooling=pooling)
    model.compile(run_eagerly=STEP_BY_STEP)
    texts = mixed_texts(5, longest=9)
    embedded = model.embed(texts, verbose=0)
    reduce = {"cls": lambda s: s[0], "mean": lambda s: s.mean(0), "max": lambda s: s.max(0),
              "last": lambda s: s[-1]}[pooling]  # fmt: skip
    for text, row in zip(texts, embedded, strict=True):
        features = model.preprocessor([text])
        real = int(np.sum(keras.ops.convert_to_numpy(features["padding_mask"])))
        alone = {name: values[:, :real] for name, values in features.items()}
        states = keras.ops.convert_to_numpy(model.backbone(alone)["sequence_output"])[0]
        np.testing.assert_allclose(row, reduce(states), atol=1e-5)


def test_perturb_changes_outputs():
    """The helper that the other tests stand on."""
    backbone = perturb(architecture("BertBackbone").build_backbone())
    assert max(float(np.abs(keras.ops.convert_to_numpy(w)).max()) for w in backbone.weights) > 0.3


def test_a_normalizing_head_scores_features_of_length_1(tmp_path):
    classifier = make_classifier(normalize=True, pooling="mean")
    features = classifier.embed(["the fox", "a cat"], verbose=0)
    kernel, bias = classifier.output_dense.get_weights()
    expected = features / np.linalg.norm(features, axis=1, keepdims=True) @ kernel + bias
    found = classifier.predict(["the fox", "a cat"], verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert classifier.head.keras_hub is None
    classifier.save_to_preset(tmp_path / "preset")
    loaded = TextClassifier.from_preset(tmp_path / "preset")
    assert loaded.normalize
    np.testing.assert_allclose(loaded.predict(["the fox", "a cat"], verbose=0), found, atol=1e-6)


def test_a_new_head_shares_all_but_the_head():
    classifier = make_classifier()
    classifier.long_texts = "chunk"
    made = classifier.with_new_head(pooling="mean", hidden_dim=5)
    assert made.backbone is classifier.backbone
    assert made.preprocessor is classifier.preprocessor
    assert (made.labels, made.long_texts) == (classifier.labels, "chunk")
    assert (made.pooling, made.hidden_dim) == ("mean", 5)
    assert classifier.hidden_dim is None
