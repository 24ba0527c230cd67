"""The depth of the layers of a backbone: the embeddings, then one block after another."""

from __future__ import annotations

import collections

import keras

from keras_textcls.errors import ArgumentError
from keras_textcls.keras_compat.layers import all_layers


def layers_by_depth(backbone: keras.Model) -> list[list[keras.Layer]]:
    """Sort the layers of a backbone that have weights by depth.

    A block is a layer that contains an attention layer, or a composed layer of a class that
    occurs more than once.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        A list of lists of layers: the layers before the first block (the
        embeddings), then each block with the layers between it and the next
        block.
    """
    weighted = [layer for layer in backbone.layers if layer.weights]
    composed = [layer for layer in weighted if len(all_layers(layer)) > 1]
    classes = collections.Counter(type(layer) for layer in composed)
    blocks = {id(layer) for layer in composed if classes[type(layer)] > 1 or _has_attention(layer)}
    groups: list[list[keras.Layer]] = [[]]
    for layer in weighted:
        if id(layer) in blocks:
            groups.append([])
        groups[-1].append(layer)
    return groups


def _has_attention(layer: keras.Layer) -> bool:
    return any("attention" in type(part).__name__.lower() for part in all_layers(layer))


def freeze(backbone: keras.Model, num_blocks: int, embeddings: bool) -> None:
    """Freeze the lowest layers of a backbone.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        num_blocks: int, number of blocks to freeze; the embeddings below them
            are frozen too.
        embeddings: bool, whether to freeze the embeddings in any case.

    Raises:
        ArgumentError: there are fewer blocks.
    """
    check_frozen(backbone, num_blocks)
    groups = layers_by_depth(backbone)
    frozen = groups[: num_blocks + 1] if num_blocks else groups[: int(embeddings)]
    for layer in (layer for group in frozen for layer in group):
        layer.trainable = False


def check_frozen(backbone: keras.Model, num_blocks: int) -> None:
    """Refuse to freeze more blocks than there are.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        num_blocks: int.

    Raises:
        ArgumentError: there are fewer blocks.
    """
    most = len(layers_by_depth(backbone)) - 1
    if num_blocks > most:
        raise ArgumentError(
            f"`frozen_layers` must be at most {most}, the layers of {type(backbone).__name__}. "
            f"Received: frozen_layers={num_blocks}. To train the head alone, take the template "
            '"transfer_learning".'
        )


def learning_rate_factors(backbone: keras.Model, decay: float) -> dict[str, float]:
    """Return a factor on the learning rate of each weight; it is smaller for lower layers.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        decay: float, the factor from one layer to the layer below it; the top
            layer has the factor `decay`.

    Returns:
        A dict from the path of a variable to its factor.
    """
    groups = layers_by_depth(backbone)
    return {
        variable.path: decay ** (len(groups) - depth)
        for depth, group in enumerate(groups)
        for layer in group
        for variable in layer.trainable_variables
    }
