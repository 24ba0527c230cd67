"""What low-rank adapters must do on every text backbone, of Keras Hub and of our own."""

import keras
import numpy as np
import pytest
from architectures import ARCHITECTURES, architecture
from conftest import long_but, perturb
from trained_adapters import move

from keras_textcls import ArgumentError
from keras_textcls.adapters import LoraConfig, add_lora
from keras_textcls.adapters.targets import find_targets, layer_paths
from keras_textcls.models import MiniEncoderBackbone, StaticEmbeddingBackbone
from keras_textcls.models.heads import backbone_inputs, sequence_output

OURS = {
    "MiniEncoderBackbone": lambda: MiniEncoderBackbone(
        20, num_heads=2, head_dim=4, hidden_dim=8, intermediate_dim=16, chunk_length=8
    ),
}
NAMES = [entry.name for entry in ARCHITECTURES] + sorted(OURS)
# An encoder, a decoder, both in one, one without attention, and our own.
ONE_A_KIND = [
    "BertBackbone", "GPT2Backbone", "BartBackbone", "FNetBackbone", "MiniEncoderBackbone",
]  # fmt: skip
# It mixes tokens by a Fourier transform.
WITHOUT_ATTENTION = ["FNetBackbone"]


def build(name):
    keras.utils.set_random_seed(0)
    return perturb(OURS[name]() if name in OURS else architecture(name).build_backbone())


def outputs_of(backbone):
    """Hidden states of two rows of tokens, the second one padded."""
    # SigLIP takes texts of one length only.
    length = 64 if type(backbone).__name__ == "SigLIPTextEncoder" else 16
    inputs = {}
    for name in backbone_inputs(backbone):
        values = np.zeros((2, length), "int32")
        if "padding_mask" in name:
            values[0], values[1, :9] = 1, 1
        elif "segment" not in name:
            values[0], values[1, :9] = np.arange(length) % 13 + 1, np.arange(9, 0, -1)
        inputs[name] = values
    if not isinstance(backbone.input, dict):
        inputs = list(inputs.values())
    return keras.ops.convert_to_numpy(sequence_output(backbone(inputs)))


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NAMES))
def test_adapters_change_nothing_until_trained_and_merge_exactly(name):
    backbone = build(name)
    before, kernels = outputs_of(backbone), [np.array(w) for w in backbone.get_weights()]
    paths = list(layer_paths(backbone))
    assert len(set(paths)) == len(backbone._flatten_layers()) - 1
    targets = "all-linear" if name in WITHOUT_ATTENTION else "attention"
    lora = add_lora(backbone, LoraConfig(rank=3, alpha=6, dropout=0.5, targets=targets), seed=0)
    np.testing.assert_array_equal(outputs_of(backbone), before)
    assert len(backbone.trainable_weights) == 2 * len(lora.paths)
    move(lora)
    changed = outputs_of(backbone)
    assert np.abs(changed - before).max() > 1e-3
    lora.merge()
    size = max(1.0, np.abs(changed).max())
    np.testing.assert_allclose(outputs_of(backbone) / size, changed / size, atol=1e-5)
    lora.unmerge()
    np.testing.assert_array_equal(outputs_of(backbone), changed)
    lora.remove()
    for found, kernel in zip(backbone.get_weights(), kernels, strict=True):
        np.testing.assert_array_equal(found, kernel)


@pytest.mark.parametrize(
    "name",
    long_but(
        ["AlbertBackbone"], ["AlbertBackbone", "BLIP2Backbone", "QwenMoeBackbone", "T5Backbone"]
    ),
)
def test_paths_are_the_same_in_every_instance(name):
    """Keras counts layers without a name of their own over the whole process."""
    first, second = build(name), build(name)
    assert list(layer_paths(first)) == list(layer_paths(second))


@pytest.mark.parametrize("name", WITHOUT_ATTENTION)
def test_a_backbone_without_attention_says_what_to_pass(name):
    with pytest.raises(ArgumentError, match='Pass targets="all-linear"'):
        find_targets(build(name), "attention")


def test_a_backbone_without_dense_layers_says_so():
    backbone = StaticEmbeddingBackbone(20, 8)
    for targets in ("attention", "all-linear"):
        with pytest.raises(ArgumentError, match="no (dense|attention) layer"):
            find_targets(backbone, targets)


def test_attention_means_the_projections_only():
    """A block whose own name holds the word has other dense layers too."""
    found = list(find_targets(build("DebertaV3Backbone"), "attention"))
    layer = "disentangled_attention_encoder_layer_0/self_attention_layer"
    assert found[:4] == [f"{layer}/{n}" for n in ("query", "key", "value", "attention_output")]
    assert len(found) == 8
