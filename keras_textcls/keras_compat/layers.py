"""Private attributes of Keras layers: sub-layers, the tracker lock, nodes in a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.ops.function import make_node_key
from keras.src.utils.naming import to_snake_case

# Lists that Keras keeps of the parts of a layer, beside the attributes that hold them.
_LISTS_OF_PARTS = ("_layers", "_operations")


def all_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return a layer or model and all layers within it, at any depth.

    `keras.Model.layers` has the direct parts of a model only, and a layer has
    no such attribute.

    Args:
        layer: a `keras.layers.Layer` or `keras.Model`.

    Returns:
        A list of layers, `layer` first, each once.
    """
    return layer._flatten_layers()


def direct_parts(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return the layers that a layer or model holds itself, in the order they were set.

    Args:
        layer: a `keras.layers.Layer` or `keras.Model`.

    Returns:
        A list of layers.
    """
    return layer._layers


def held_values(layer: keras.layers.Layer) -> dict[str, Any]:
    """Return the attributes of a layer that may hold its parts, to name them by.

    Args:
        layer: a `keras.layers.Layer` or `keras.Model`.

    Returns:
        A dict from name to value, without Keras's own lists of parts.
    """
    own = vars(layer)
    # PyTorch keeps modules apart from other attributes.
    every = {**own, **own.get("_modules", {})}
    return {name: value for name, value in every.items() if name not in _LISTS_OF_PARTS}


def snake_case(name: str) -> str:
    """Return the name that Keras gives to a layer of a class, before it adds a number.

    Args:
        name: string, the name of a class.

    Returns:
        A string, such as `"einsum_dense"` for `"EinsumDense"`.
    """
    return to_snake_case(name)


@contextlib.contextmanager
def unlocked(layer: keras.layers.Layer) -> Iterator[None]:
    """Allow a built layer to get sub-layers, which Keras refuses, while the context is open.

    Args:
        layer: a `keras.layers.Layer`.

    Returns:
        A context manager.
    """
    locked = layer._tracker.locked
    layer._tracker.unlock()
    try:
        yield
    finally:
        if locked:
            layer._tracker.lock()


def forget_part(layer: keras.layers.Layer, part: keras.layers.Layer) -> None:
    """Remove a sub-layer, whose attribute was deleted, from Keras's own lists.

    Args:
        layer: a `keras.layers.Layer`.
        part: the layer that it no longer holds.
    """
    with unlocked(layer):
        layer._tracker.untrack(part)


def set_trainable_alone(layer: keras.layers.Layer, trainable: bool) -> None:
    """Set whether a layer is trainable, and leave its weights and parts as they are.

    Setting `layer.trainable` sets that of everything within it, too.

    Args:
        layer: a `keras.layers.Layer`.
        trainable: bool.
    """
    layer._trainable = trainable


def freeze_as_configured(model: keras.Model) -> None:
    """Freeze the weights of a model whose config says that it is frozen.

    Keras sets `trainable` before the model has its layers, so a model around the loaded one
    would train them.

    Args:
        model: a `keras.Model` that was made from a config.
    """
    if not model.trainable:
        model.trainable = False


def give_own_dtype_policies(model: keras.Model) -> None:
    """Give each quantized layer of a model the dtype policy that a map holds for it.

    A model that is made from the config of a quantized one shares a map from layer to policy
    among its layers. Those with a kernel or embeddings answer by it, but ask the map itself
    whether they are quantized when they are saved, and cannot be saved again.

    Args:
        model: a `keras.Model`.
    """
    for layer in all_layers(model):
        policy = layer._dtype_policy
        is_map = isinstance(policy, keras.dtype_policies.DTypePolicyMap)
        if layer is not model and is_map and layer.quantization_mode is not None:
            layer._dtype_policy = policy[layer.path]


def kernel_variable(layer: keras.layers.Layer) -> Any:
    """Return the kernel of a dense layer as a variable that can be assigned to.

    `layer.kernel` may be computed, where Keras's own LoRA or a quantized dtype is on.

    Args:
        layer: a `keras.layers.Dense` or `keras.layers.EinsumDense`.

    Returns:
        A `keras.Variable`.
    """
    return layer._kernel


def list_parameters_anew(model: keras.Model) -> None:
    """Update PyTorch's list of parameters of a model whose layers gained or lost variables.

    Keras clears the gradients of those that are listed. Elsewhere there is no
    such list.

    Args:
        model: a `keras.Model`.
    """
    if keras.config.backend() != "torch":
        return
    for layer in all_layers(model):
        if "_torch_params" in layer._modules:
            layer._track_variables()


def outputs_within(model: keras.Model, layer: keras.layers.Layer) -> list[Any]:
    """Return what a layer puts out where it is called in a functional model.

    The layer may be called in other models, too, whose tensors are not meant.

    Args:
        model: a functional `keras.Model`.
        layer: a `keras.layers.Layer` or `keras.Model`.

    Returns:
        A list of symbolic tensors, or of structures of them, one a call; empty
        if the layer is not part of the model.
    """
    return [
        node.output_tensors[0]
        for i, node in enumerate(layer._inbound_nodes)
        if make_node_key(layer, i) in model._nodes
    ]
