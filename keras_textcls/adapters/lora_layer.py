"""`LoraBranch`: the trainable branch of a frozen dense layer, and how it is attached.

A branch is a sub-layer of its layer, and the `call` of that one layer instance is
replaced. So every model that contains the layer has the branch, also a model that
is built already, and nothing is built again.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_textcls.adapters.low_rank import LowRank, low_rank
from keras_textcls.errors import ArgumentError
from keras_textcls.keras_compat.layers import forget_part, kernel_variable, unlocked

ATTRIBUTE = "lora_branch"
_REPLACED = ("call", "quantized_call", "save_own_variables")
# Weights in float32 for layers that compute in 16 bits.
_POLICIES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


class LoraBranch(keras.layers.Layer):
    """`scale * dropout(x) A B` beside the kernel of one layer.

    A starts uniform within one over the root of its fan-in, as in the authors'
    code, and B at zero, so that the outputs start as they were. Both are
    float32 whatever the dtype policy.

    Hu et al., 2021, "LoRA: Low-Rank Adaptation of Large Language Models".

    Args:
        layer: a built `keras.layers.Dense` or `keras.layers.EinsumDense`.
        path: string, the path of the layer in its backbone.
        rank: int.
        scale: float, by which A B is multiplied.
        dropout: float, dropout rate of the branch's inputs.
        generator: `numpy.random.Generator`, from which A is drawn.

    Raises:
        ArgumentError: the layer cannot have a branch.
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        path: str,
        rank: int,
        scale: float,
        dropout: float,
        generator: np.random.Generator,
    ) -> None:
        compute = layer.compute_dtype
        # Keras on PyTorch identifies weights by their paths, so each branch has its own name.
        name = f"lora_{path.replace('/', '_')}".replace(".", "_")
        super().__init__(name=name, dtype=_POLICIES.get(compute, compute))
        self.supports_masking = True
        self.scale = scale
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")
        # The layer would become a sub-layer of its own branch if Keras saw it.
        self._base = types.SimpleNamespace(
            layer=layer, path=path, shapes=_checked(layer, path), original=None
        )
        shapes: LowRank = self._base.shapes
        self.lora_a = self.add_weight(
            name="lora_a", shape=shapes.a_shape(rank), initializer="zeros", dtype="float32"
        )
        self.lora_b = self.add_weight(
            name="lora_b", shape=shapes.b_shape(rank), initializer="zeros", dtype="float32"
        )
        limit = shapes.fan_in**-0.5
        self.lora_a.assign(generator.uniform(-limit, limit, self.lora_a.shape).astype("float32"))
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return what is added to the output of the layer."""
        inputs = self.dropout(inputs, training=training)
        shapes: LowRank = self._base.shapes
        update = shapes.apply(inputs, self.lora_a, self.lora_b)
        return update if self.scale == 1 else ops.multiply(update, self.scale)

    @property
    def is_merged(self) -> bool:
        """Whether the kernel of the layer holds the update."""
        return self._base.original is not None

    def merge(self) -> None:
        """Add the update to the kernel of the layer; the old kernel is kept."""
        kernel = self._kernel()
        original = np.array(ops.convert_to_numpy(kernel))
        kernel.assign(self._merged(original))
        self._base.original = original

    def unmerge(self) -> None:
        """Restore the kernel of the layer as it was before `merge`, bit for bit."""
        self._kernel().assign(self._base.original)
        self._base.original = None

    def keep_merged(self) -> None:
        """Keep the merged kernel and drop the one before `merge`."""
        self._base.original = None

    def attach(self) -> None:
        """Make the branch a sub-layer of its layer, which then adds its output."""
        layer = self._base.layer
        with unlocked(layer):
            setattr(layer, ATTRIBUTE, self)
        replacements: dict[str, Callable[..., Any]] = {
            "call": _adapted(layer, self, layer.call),
            "quantized_call": _adapted(layer, self, layer.quantized_call),
            "save_own_variables": self._saver(layer.save_own_variables),
        }
        # On the instance, past Keras's tracking of attributes.
        vars(layer).update(replacements)

    def detach(self) -> None:
        """Remove the branch from its layer and restore the methods of the layer."""
        layer = self._base.layer
        for name in _REPLACED:
            del vars(layer)[name]
        delattr(layer, ATTRIBUTE)
        forget_part(layer, self)

    def save_own_variables(self, store: Any) -> None:
        """Write A, B and the kernel before merging; the layer's own entry has the merged one."""
        store["0"], store["1"] = self.lora_a, self.lora_b
        if self._base.layer.quantization_mode is None:
            kernel = self._kernel() if self._base.original is None else self._base.original
            store["2"] = kernel

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote."""
        if len(store.keys()) < 2:
            raise ValueError(
                f"The file has no LoRA weights for {self._base.path!r}. Remove the adapters before "
                "loading it, with `classifier.lora.remove()`."
            )
        self.lora_a.assign(store["0"])
        self.lora_b.assign(store["1"])
        if self._base.layer.quantization_mode is None:
            was_merged, self._base.original = self.is_merged, None
            self._kernel().assign(store["2"])
            if was_merged:
                self.merge()

    def _saver(self, save: Callable[[Any], None]) -> Callable[[Any], None]:
        """Save the layer with the update in its kernel: a model without branches may load it."""

        def save_own_variables(store: Any) -> None:
            if self.is_merged or self._base.layer.quantization_mode is not None:
                save(store)
                return
            self.merge()
            try:
                save(store)
            finally:
                self.unmerge()

        return save_own_variables

    def _kernel(self) -> Any:
        layer = self._base.layer
        if layer.quantization_mode is not None:
            raise ArgumentError(
                f"The layer {self._base.path!r} is quantized ({layer.quantization_mode}), and an "
                "update in floats cannot be added to its integers. Keep the adapters unmerged, or "
                "add them to the backbone before it is quantized."
            )
        return kernel_variable(layer)

    def _merged(self, kernel: np.ndarray) -> np.ndarray:
        a, b = (ops.convert_to_numpy(weight) for weight in (self.lora_a, self.lora_b))
        update = self.scale * self._base.shapes.product(a, b)
        return (kernel.astype("float32") + update).astype(kernel.dtype)


def _checked(layer: keras.layers.Layer, path: str) -> LowRank:
    shapes = low_rank(layer, path)
    if getattr(layer, ATTRIBUTE, None) is not None or layer.lora_enabled:
        raise ArgumentError(
            f"The layer {path!r} has LoRA already. Remove it first, with "
            "`classifier.lora.remove()`."
        )
    if layer.kernel_constraint is not None:
        raise ArgumentError(
            f"The layer {path!r} has a `kernel_constraint`, which would not apply to the update. "
            "Leave it out of `targets`."
        )
    if not _is_linear(layer) and (layer.quantization_mode or not _is_plain(layer)):
        raise ArgumentError(
            f"The layer {path!r} is quantized, or has a `call` of its own, and has an activation, "
            "before which the update cannot be added. Leave it out of `targets`."
        )
    return shapes


def _is_linear(layer: Any) -> bool:
    return layer.activation in (None, keras.activations.linear)


def _is_plain(layer: Any) -> bool:
    return type(layer).call in (keras.layers.Dense.call, keras.layers.EinsumDense.call)


def _adapted(layer: Any, branch: LoraBranch, call: Callable[..., Any]) -> Callable[..., Any]:
    """The `call` of a layer with a branch."""

    def adapted_call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if branch.is_merged:
            return call(inputs, *args, **kwargs)
        update = branch(inputs, training=kwargs.get("training"))
        if _is_linear(layer):
            return ops.add(call(inputs, *args, **kwargs), update)
        if isinstance(layer, keras.layers.Dense):
            outputs = ops.matmul(inputs, layer.kernel)
        else:
            outputs = ops.einsum(layer.equation, inputs, layer.kernel)
        if layer.bias is not None:
            outputs = ops.add(outputs, layer.bias)
        return layer.activation(ops.add(outputs, update))

    return adapted_call
