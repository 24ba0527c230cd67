"""Learning rates that change from step to step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_textcls")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises in a line, then falls in a line to 0.

    The schedule with which BERT was fine-tuned
    ([Devlin et al., 2018](https://arxiv.org/abs/1810.04805)), step by step that
    of `get_linear_schedule_with_warmup` of the `transformers` library.

    Args:
        learning_rate: float, the highest learning rate.
        total_steps: int, steps until it is 0.
        warmup_steps: int, steps in which it rises. Defaults to `0`.

    Example:
    >>> rate = WarmupLinearDecay(1.0, total_steps=10, warmup_steps=2)
    >>> [round(float(rate(step)), 3) for step in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, learning_rate: float, total_steps: int, warmup_steps: int = 0) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, a scalar tensor."""
        step = ops.cast(step, "float32")
        rising = step / max(1, self.warmup_steps)
        falling = (self.total_steps - step) / max(1, self.total_steps - self.warmup_steps)
        # With no step to rise in, the first has the whole rate.
        share = ops.minimum(rising, falling) if self.warmup_steps else falling
        return self.learning_rate * ops.clip(share, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "learning_rate": self.learning_rate,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
        }
