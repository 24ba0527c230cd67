"""The gradient of a function of Keras operations, compiled by the active backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

Gradients = Callable[..., tuple[Any, Sequence[Any]]]


def with_gradients(losses: Callable[..., Any]) -> Gradients:
    """Return a function that gives losses and the gradient of their sum.

    TensorFlow traces it once; JAX compiles it once for each shape. Keep what is
    returned rather than ask again.

    Args:
        losses: function from a list of tensors, by which to differentiate, and
            further tensors to a tensor of losses.

    Returns:
        A function of the same arguments that returns a tuple of the losses and
        a sequence of gradients, one for each tensor of the list.

    Example:
    >>> squares = with_gradients(lambda weights: weights[0] ** 2)
    >>> losses, gradients = squares([keras.ops.ones(2)])
    >>> float(keras.ops.sum(gradients[0]))
    4.0
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        return _on_tensorflow(losses)
    if backend == "jax":
        return _on_jax(losses)
    return _on_torch(losses)


def _on_tensorflow(losses: Callable[..., Any]) -> Gradients:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def both(weights: list[Any], *others: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            values = losses(weights, *others)
        return values, tape.gradient(values, weights)

    return both


def _on_jax(losses: Callable[..., Any]) -> Gradients:
    import jax

    def total(weights: list[Any], *others: Any) -> tuple[Any, Any]:
        values = losses(weights, *others)
        return values.sum(), values

    graded = jax.jit(jax.value_and_grad(total, has_aux=True))

    def both(weights: list[Any], *others: Any) -> tuple[Any, Any]:
        (_, values), gradients = graded(weights, *others)
        return values, gradients

    return both


def _on_torch(losses: Callable[..., Any]) -> Gradients:
    import torch

    def both(weights: list[Any], *others: Any) -> tuple[Any, Any]:
        with torch.enable_grad():
            leaves = [weight.detach().requires_grad_() for weight in weights]
            values = losses(leaves, *others)
            gradients = torch.autograd.grad(values.sum(), leaves)
        return values.detach(), gradients

    return both
