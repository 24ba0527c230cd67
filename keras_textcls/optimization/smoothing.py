"""Cross-entropy over class indices with label smoothing, which Keras has for one-hot targets."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_textcls")
class SmoothedSparseCategoricalCrossentropy(keras.losses.CategoricalCrossentropy):
    """`keras.losses.CategoricalCrossentropy` over class indices.

    Label smoothing moves a share of the probability of the right label evenly to
    all labels ([Szegedy et al., 2016](https://arxiv.org/abs/1512.00567)).

    Args:
        from_logits: bool, whether predictions are logits. Defaults to `False`.
        label_smoothing: float in `[0, 1]`. Defaults to `0.0`.
        **kwargs: further arguments of `keras.losses.CategoricalCrossentropy`.

    Example:
    >>> import numpy as np
    >>> loss = SmoothedSparseCategoricalCrossentropy(label_smoothing=0.5)
    >>> round(float(loss(np.array([0]), np.array([[0.75, 0.25]]))), 4)
    0.5623
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(from_logits=from_logits, label_smoothing=label_smoothing, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each text."""
        indices = ops.cast(y_true, "int32")
        if len(indices.shape) == len(y_pred.shape):
            indices = ops.squeeze(indices, axis=-1)
        one_hot = ops.one_hot(indices, y_pred.shape[-1], dtype=y_pred.dtype)
        return super().call(one_hot, y_pred)
