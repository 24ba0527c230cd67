"""Keras's Adam through the fused kernels of TensorFlow and PyTorch.

Keras computes `Adam` and `AdamW` in some ten operations a variable, each a pass
over memory. TensorFlow and PyTorch have a kernel that takes one pass and
computes the same formula; JAX fuses the operations by itself. Weight decay and
clipping stay Keras's own.

On TensorFlow the result differs from Keras's in one case, where Keras's differs
from Adam: a token that comes twice in a batch has two gradients, which Keras
squares, and clips, before it adds them. Here, as with Keras on JAX and PyTorch,
it has their sum.

Kingma and Ba, 2015, "Adam: A Method for Stochastic Optimization".
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras

from keras_textcls.keras_compat.optimizers import (
    adam_moments,
    apply_gradients,
    can_replace_adam,
    replaced_steps,
    torch_fused_adam,
)


@contextlib.contextmanager
def fused_adam(optimizer: Any) -> Iterator[None]:
    """Use a fused kernel in an optimizer while the context is open.

    Args:
        optimizer: a `keras.Optimizer` instance. Only Keras's own `Adam` and
            `AdamW`, and `LayerwiseAdamW`, change, without `amsgrad`, moving average and gradient
            accumulation, and outside of a distribution strategy.

    Returns:
        A context manager.
    """
    steps = _STEPS.get(keras.config.backend())
    served = steps is not None and _is_plain_adam(optimizer) and not _is_distributed()
    if steps is None or not served or not can_replace_adam(optimizer):
        yield
        return
    with replaced_steps(optimizer, **steps):
        yield


def _is_plain_adam(optimizer: Any) -> bool:
    # Keras's own: a subclass from elsewhere may compute something else.
    is_own = type(optimizer).__module__.startswith(("keras.", "keras_textcls."))
    if not isinstance(optimizer, keras.optimizers.Adam) or not is_own:
        return False
    extras = (optimizer.amsgrad, optimizer.use_ema, optimizer.gradient_accumulation_steps)
    return not any(extras)


def _is_distributed() -> bool:
    if keras.config.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return bool(tf.distribute.has_strategy())


def _apply_tensorflow(optimizer: Any, gradients: Any, variables: Any) -> None:
    import tensorflow as tf

    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    apply_gradients(optimizer, dense, variables)


def _update_tensorflow(optimizer: Any, gradients: Any, variables: Any, learning_rate: Any) -> None:
    import tensorflow as tf

    for gradient, variable, momentum, velocity in zip(
        gradients, variables, *adam_moments(optimizer, variables), strict=True
    ):
        dtype = variable.dtype
        step = tf.cast(optimizer.iterations.value + 1, dtype)
        beta_1, beta_2 = (tf.cast(beta, dtype) for beta in (optimizer.beta_1, optimizer.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=momentum.handle,
            v=velocity.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, dtype) * _factor(optimizer, variable),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(optimizer.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


def _update_torch(optimizer: Any, gradients: Any, variables: Any, learning_rate: Any) -> None:
    import torch

    step = int(optimizer.iterations.value) + 1
    # One call for all weights that share a learning rate.
    groups: dict[float, list[tuple[Any, ...]]] = {}
    moments = adam_moments(optimizer, variables)
    for gradient, variable, *both in zip(gradients, variables, *moments, strict=True):
        row = (variable.value, gradient, *both)
        groups.setdefault(_factor(optimizer, variable), []).append(row)
    with torch.no_grad():
        for factor, rows in groups.items():
            values, grads, momentums, velocities = (
                list(column) for column in zip(*rows, strict=True)
            )
            torch_fused_adam(
                values,
                grads,
                momentums,
                velocities,
                [],
                [torch.tensor(float(step), device=m.device) for m in momentums],
                lr=float(learning_rate) * factor,
                beta1=optimizer.beta_1,
                beta2=optimizer.beta_2,
                weight_decay=0.0,
                # PyTorch adds epsilon after the correction of the bias, Keras before.
                eps=optimizer.epsilon / math.sqrt(1 - optimizer.beta_2**step),
                amsgrad=False,
                maximize=False,
            )


def _factor(optimizer: Any, variable: Any) -> float:
    """Return the factor of a `LayerwiseAdamW` on the learning rate of a variable."""
    factor = getattr(optimizer, "factor", None)
    return 1.0 if factor is None else float(factor(variable))


# What replaces the steps of `keras.Optimizer` on each backend; the arguments of `replaced_steps`.
_STEPS: dict[str, dict[str, Any]] = {
    "tensorflow": {"update": _update_tensorflow, "apply": _apply_tensorflow},
    "torch": {"update": _update_torch, "apply": None},
}
