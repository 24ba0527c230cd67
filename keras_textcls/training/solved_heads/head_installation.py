"""Writes solved heads into classifiers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_textcls.errors import ArgumentError
from keras_textcls.training.solved_heads.hidden_head import HiddenHead
from keras_textcls.training.solved_heads.linear_head import LinearHead


def install_head(classifier: Any, head: LinearHead | HiddenHead) -> None:
    """Write a solved head into the layers of a classifier.

    `classifier.predict` then returns the logits of the head on `classifier.embed`, if the
    classifier has no activation.

    Args:
        classifier: `TextClassifier`.
        head: `LinearHead` or `HiddenHead`.

    Raises:
        ArgumentError: the layers of the classifier do not fit the head.
    """
    hidden = getattr(classifier, "pooled_dense", None)
    if isinstance(head, LinearHead):
        if hidden is not None:
            raise ArgumentError(
                "A linear head does not fit a classifier whose head has a hidden layer. Received: "
                f"classifier.hidden_dim={classifier.hidden_dim}. Create it with hidden_dim=None."
            )
        _assign([(classifier.output_dense, head.kernel, head.bias)])
        return
    if hidden is None:
        raise ArgumentError(
            "A head with a hidden layer does not fit a classifier without one. Create it with "
            f"hidden_dim={len(head.hidden_bias)}."
        )
    activation = keras.activations.serialize(hidden.activation)
    if activation != head.activation:
        raise ArgumentError(
            f"The hidden layer of the classifier has the activation {activation!r}, the head was "
            f"trained with {head.activation!r}. Solve it with activation={activation!r}."
        )
    _assign(
        [
            (hidden, head.hidden_kernel, head.hidden_bias),
            (classifier.output_dense, head.kernel, head.bias),
        ]
    )


def _assign(layers: list[tuple[Any, np.ndarray, np.ndarray]]) -> None:
    """Assign all kernels and biases, or none if one does not fit."""
    for layer, kernel, bias in layers:
        wanted = tuple(layer.kernel.shape)
        if wanted != kernel.shape or bias.shape != wanted[1:]:
            raise ArgumentError(
                f"The layer {layer.name!r} of the classifier has a kernel of shape {wanted}, the "
                f"head one of {kernel.shape} and biases of {bias.shape}. Solve it on "
                "classifier.embed(texts), with num_classes=classifier.num_classes."
            )
    for layer, kernel, bias in layers:
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
