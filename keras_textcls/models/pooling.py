"""`MaskedPooling`: the hidden states of a text become one vector."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_textcls.errors import ArgumentError, shorten


@keras.saving.register_keras_serializable(package="keras_textcls")
class MaskedPooling(keras.layers.Layer):
    """Pool the hidden states of the real tokens of each text.

    Sums run in float32 whatever the dtype policy, since the rounding errors of
    512 summands add up in bfloat16.

    Args:
        mode: `"mean"`, `"max"` or `"last"`.

    Call arguments:
        inputs: float tensor of shape `(batch, sequence_length, hidden_dim)`.
        padding_mask: tensor of shape `(batch, sequence_length)`, true at real
            tokens. A text without any real token pools to zeros.

    Example:
    >>> import numpy as np
    >>> states = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]], "float32")
    >>> mask = np.array([[1, 1, 0]])
    >>> keras.ops.convert_to_numpy(MaskedPooling("mean")(states, padding_mask=mask)).tolist()
    [[2.0, 3.0]]
    """

    def __init__(self, mode: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in ("mean", "max", "last"):
            raise ArgumentError(
                f'`mode` must be "mean", "max" or "last". Received: mode={shorten(mode)}.'
            )
        self.mode = mode

    def call(self, inputs: Any, padding_mask: Any) -> Any:
        """Pool `inputs` where `padding_mask` is true."""
        real = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
        states = ops.cast(inputs, "float32")
        weights = ops.cast(real, "float32")
        if self.mode == "max":
            lowest = ops.where(real, states, ops.full_like(states, -1e9))
            pooled = ops.max(lowest, axis=1) * ops.max(weights, axis=1)
        else:
            if self.mode == "last":
                # 1 where a real token has no real token after it.
                after = ops.flip(ops.cumsum(ops.flip(weights, axis=1), axis=1), axis=1)
                weights = weights * ops.cast(after < 1.5, "float32")
            total = ops.maximum(ops.sum(weights, axis=1), 1e-9)
            pooled = ops.sum(ops.where(real, states, 0.0) * weights, axis=1) / total
        return ops.cast(pooled, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "mode": self.mode}
