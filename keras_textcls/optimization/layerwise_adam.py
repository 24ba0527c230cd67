"""AdamW with a factor on the learning rate of each weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_textcls.keras_compat.optimizers import AdamWWithFactors, trainable_variable


@keras.saving.register_keras_serializable(package="keras_textcls")
class LayerwiseAdamW(AdamWWithFactors):
    """`keras.optimizers.AdamW` whose learning rate differs from layer to layer.

    Lower layers of a pretrained model hold what all texts have in common, and
    are better changed less ([Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146)).

    Args:
        learning_rate: float or schedule, as in `keras.optimizers.AdamW`.
        factors: mapping from the `path` of a variable to the factor on its
            learning rate; those that it lacks have 1. Defaults to `None`.
        **kwargs: further arguments of `keras.optimizers.AdamW`.

    Example:
    >>> slow = keras.Variable([1.0], name="slow")
    >>> fast = keras.Variable([1.0], name="fast")
    >>> optimizer = LayerwiseAdamW(0.1, factors={"slow": 0.5}, weight_decay=0.0)
    >>> optimizer.apply([keras.ops.ones(1), keras.ops.ones(1)], [slow, fast])
    >>> [round(v.numpy().item(), 3) for v in (slow, fast)]
    [0.95, 0.9]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        factors: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.factors = dict(factors or {})

    def factor(self, variable: Any) -> float:
        """Return the factor on the learning rate of a variable."""
        return float(self.factors.get(trainable_variable(self, variable).path, 1.0))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        super().update_step(gradient, variable, learning_rate * self.factor(variable))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "factors": self.factors}
