"""A hash of a backbone: of its architecture and the values of its weights."""

from __future__ import annotations

import hashlib
import json

import keras
import numpy as np


def weight_fingerprint(backbone: keras.Model) -> str:
    """Return a hash of the architecture and the weights of a model.

    The same on every backend and machine, and however the model was loaded: from
    a preset, a checkpoint of another library, or a name.

    Args:
        backbone: a `keras.Model`, such as a `keras_hub.models.Backbone`.

    Returns:
        A string of 64 hexadecimal digits (SHA-256).

    Example:
    >>> inputs = keras.Input((2,))
    >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    >>> before = weight_fingerprint(model)
    >>> model.layers[1].set_weights([np.ones((2, 1)), np.zeros(1)])
    >>> weight_fingerprint(model) == before
    False
    """
    digest = hashlib.sha256(type(backbone).__name__.encode())
    for weight in backbone.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        shape = [str(values.dtype), *values.shape]
        digest.update(json.dumps([weight.name, *shape]).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
