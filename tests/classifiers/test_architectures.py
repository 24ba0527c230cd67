"""Laws that every text backbone of the installed Keras Hub must pass, or be listed for."""

import keras
import keras_hub
import numpy as np
import pytest
from architectures import ARCHITECTURES, NOT_TEXT, architecture
from conftest import long_but, make_classifier, perturb

from keras_textcls.models.heads import backbone_inputs, sequence_output
from keras_textcls.models.padding import PADDING_DEPENDENT, depends_on_padding, needs_fixed_length

TEXTS = ["the quick brown fox", "a cat", "the lazy dog jumped over the fox and the dog and a cat"]
WITH_TOKENIZER = [e.name for e in ARCHITECTURES if e.build_tokenizer is not None]
# An encoder, a decoder, and both in one.
ONE_A_KIND = ["BertBackbone", "GPT2Backbone", "BartBackbone"]
# These mask by query on TensorFlow and JAX, by key on PyTorch.
DEPENDENT_EXCEPT_ON_TORCH = ("ESMBackbone", "RoformerV2Backbone")


def _subclasses(cls):
    direct = set(cls.__subclasses__())
    return direct.union(*map(_subclasses, direct))


def test_no_backbone_of_keras_hub_is_left_out():
    found = {
        cls.__name__
        for cls in _subclasses(keras_hub.models.Backbone)
        if cls.__module__.startswith("keras_hub.")
    }
    # Base classes that are never instantiated themselves.
    found -= {"FeaturePyramidBackbone"}
    listed = {entry.name for entry in ARCHITECTURES} | set(NOT_TEXT) - {"FeaturePyramidBackbone"}
    assert found == listed


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, WITH_TOKENIZER))
def test_a_batch_gives_what_each_text_gives_alone(name):
    model = make_classifier(name, labels=["a", "b", "c"], compile=False)
    together = model.predict(TEXTS, verbose=0)
    assert together.shape == (3, 3)
    assert np.isfinite(together).all()
    # The shortest text shares its batch with the longest, so it is padded most.
    alone = model.predict(TEXTS[1:2], verbose=0)
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-5, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4, "the text does not reach the scores"


def _padded(backbone, width, real=7):
    """Inputs of seven real tokens, padded to `width`, in a batch of two rows."""
    inputs = {}
    for name in backbone_inputs(backbone):
        values = np.zeros((2, width), "int32")
        if "padding_mask" in name:
            values[:, :real] = 1
        elif "segment" not in name:
            values[:, :real] = np.arange(1, real + 1)
            values[1, :real] = np.arange(real + 1, 1, -1)
        inputs[name] = values
    return inputs


@pytest.mark.parametrize("name", long_but(["FNetBackbone"], sorted(PADDING_DEPENDENT)))
def test_the_listed_backbones_do_depend_on_padding(name):
    """Else they would pad for nothing."""
    backbone = perturb(architecture(name).build_backbone())
    short, long = (
        keras.ops.convert_to_numpy(sequence_output(backbone(_padded(backbone, width))))[:, :7]
        for width in (9, 24)
    )
    differs = np.abs(short - long).max() > 1e-3
    on_torch = keras.config.backend() == "torch"
    assert differs or (on_torch and name in DEPENDENT_EXCEPT_ON_TORCH)
    assert needs_fixed_length(backbone)


def _foreign_backbone(mixes):
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    states = keras.layers.Embedding(20, 6)(ids)
    if mixes:
        states = states + keras.ops.mean(states, axis=1, keepdims=True)
    return keras.Model({"token_ids": ids, "padding_mask": mask}, states)


@pytest.mark.parametrize("mixes", [False, True])
def test_a_backbone_from_elsewhere_is_measured(mixes):
    assert depends_on_padding(perturb(_foreign_backbone(mixes))) is mixes


def test_a_backbone_without_a_tokenizer_takes_preprocessed_inputs():
    model = make_classifier("CLIPTextEncoder", labels=["a", "b"], pooling="last")
    inputs = {"token_ids": np.array([[3, 4, 5, 6], [6, 5, 4, 3]], "int32")}
    assert model.predict(inputs, verbose=0).shape == (2, 2)
    model.fit(inputs, ["a", "b"], verbose=0)
