"""Which backbones give other outputs when a text gets more padding.

Most backbones read a padding mask and ignore padding. A few mix values along the
whole padded sequence; their batches keep the fixed length of their preprocessor. A
test compares every backbone of the installed Keras Hub with this list; a class
from elsewhere is tried once.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_textcls.models.heads import backbone_inputs, sequence_output

# As tests/classifiers/test_architectures.py measures them.
PADDING_DEPENDENT = {
    "ESMBackbone": "its padding mask hides queries, not keys, on TensorFlow and JAX",
    "FNetBackbone": "the Fourier transform mixes along the whole padded sequence",
    "RoformerV2Backbone": "its padding mask hides queries, not keys, on TensorFlow and JAX",
    "XLNetBackbone": "its padding mask reaches other texts of the batch",
}

# TensorFlow traces these with an open length only to fail on it.
NEEDS_STATIC_LENGTH = ("Qwen3_5Backbone", "Qwen3_5MoeBackbone", "RWKV7Backbone")


def needs_fixed_length(backbone: keras.Model) -> bool:
    """Return whether all batches must have the width to which the preprocessor pads.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        A bool.
    """
    static = type(backbone).__name__ in NEEDS_STATIC_LENGTH
    return (static and keras.config.backend() == "tensorflow") or depends_on_padding(backbone)


def depends_on_padding(backbone: keras.Model) -> bool:
    """Return whether the outputs at real tokens change with the amount of padding.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        A bool: looked up for Keras Hub's classes, measured for others.
    """
    cls = type(backbone)
    if cls.__module__.split(".")[0] in ("keras_hub", "keras_textcls"):
        return cls.__name__ in PADDING_DEPENDENT
    return not np.allclose(_probe(backbone, 8), _probe(backbone, 16), atol=1e-4)


def _probe(backbone: keras.Model, width: int, real: int = 5) -> Any:
    """Hidden states of five tokens, padded to `width`."""
    inputs = {}
    for name in backbone_inputs(backbone):
        values = np.zeros((1, width), dtype="int32")
        if "segment" not in name:
            values[:, :real] = 1
        inputs[name] = values
    states = sequence_output(backbone(inputs, training=False))
    return keras.ops.convert_to_numpy(states)[:, :real]
