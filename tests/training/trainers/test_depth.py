"""Layers of a backbone by depth, on every architecture."""

import pytest
from architectures import architecture

from keras_textcls import ArgumentError
from keras_textcls.training.trainers.depth import freeze, layers_by_depth, learning_rate_factors

ENCODERS = ["BertBackbone", "RobertaBackbone", "DistilBertBackbone", "DebertaV3Backbone",
            "ElectraBackbone", "FNetBackbone", "GPT2Backbone", "LlamaBackbone"]  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
def test_every_weight_has_one_depth_and_every_block_its_own(name):
    backbone = architecture(name).build_backbone()
    groups = layers_by_depth(backbone)
    found = [id(w) for group in groups for layer in group for w in layer.weights]
    assert sorted(found) == sorted(id(w) for w in backbone.weights)
    assert len(groups) == backbone.num_layers + 1
    factors = learning_rate_factors(backbone, 0.5)
    assert len(factors) == len(backbone.trainable_weights)
    assert min(factors.values()) == 0.5 ** len(groups)
    assert max(factors.values()) == 0.5


def test_freezing_takes_the_lowest():
    backbone = architecture("BertBackbone").build_backbone()
    everything = len(backbone.trainable_weights)
    freeze(backbone, 0, embeddings=True)
    without_embeddings = len(backbone.trainable_weights)
    freeze(backbone, 1, embeddings=False)
    assert everything > without_embeddings > len(backbone.trainable_weights) > 0
    with pytest.raises(ArgumentError, match="`frozen_layers` must be at most"):
        freeze(backbone, 99, embeddings=False)
