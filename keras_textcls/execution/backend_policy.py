"""What depends on the backend and the machine: shapes and sizes of batches, state, seeds."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_textcls.batching.bucket_plan import COMPILED, DYNAMIC, BucketPolicy
from keras_textcls.execution.model_locks import one_at_a_time
from keras_textcls.keras_compat.forked import check_process
from keras_textcls.keras_compat.layers import all_layers
from keras_textcls.keras_compat.trainers import give_back_jax_state
from keras_textcls.keras_compat.variables import has_value
from keras_textcls.models.padding import needs_fixed_length

# Multiply-adds that keep two cores busy long enough to hide the overhead of a
# step, and still leave the activations in cache; a GPU wants far more.
_CPU_WORK = 3e9
_GPU_FACTOR = 200
_SMALLEST_BUDGET = 1024
_LARGEST_CPU_BUDGET = 16384
_LARGEST_GPU_BUDGET = 65536


def backend_policy() -> BucketPolicy:
    """Return the default bucket policy of the backend.

    Returns:
        A `BucketPolicy`: `COMPILED` on JAX, else `DYNAMIC`.
    """
    return COMPILED if keras.config.backend() == "jax" else DYNAMIC


def bucket_policy(model: keras.Model) -> BucketPolicy:
    """Return the bucket policy of a model.

    Args:
        model: a task with `backbone` and `sequence_length`.

    Returns:
        A `BucketPolicy`: `COMPILED` on JAX and wherever `jit_compile` is on,
        else `DYNAMIC`, with a fixed length for a backbone that needs one.
    """
    compiled = backend_policy() is COMPILED or bool(model.jit_compile)
    policy = COMPILED if compiled and not model.run_eagerly else DYNAMIC
    if model.sequence_length and needs_fixed_length(model.backbone):
        return dataclasses.replace(policy, fixed_length=model.sequence_length)
    return policy


def token_budget(backbone: keras.Model) -> int:
    """Return how many cells a batch should have at inference.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        An int: fewer for a large model, more for a small one or a GPU.
    """
    embedding = getattr(backbone, "token_embedding", None)
    table = embedding.count_params() if embedding is not None and embedding.built else 0
    per_token = max(backbone.count_params() - table, 1)
    work, largest = _CPU_WORK, _LARGEST_CPU_BUDGET
    if _has_accelerator():
        work, largest = _CPU_WORK * _GPU_FACTOR, _LARGEST_GPU_BUDGET
    return int(min(max(work / per_token, _SMALLEST_BUDGET), largest))


def _has_accelerator() -> bool:
    check_process()
    # `keras.distribution.list_devices` does not exist on PyTorch; where a tensor lands does.
    return "cpu" not in str(keras.ops.zeros((1,)).device).lower()


@contextlib.contextmanager
def keeping_state(model: keras.Model) -> Iterator[None]:
    """Keep the state of a model while it runs: from other threads, and from errors on JAX.

    Other threads that use its weights wait; see `one_at_a_time`.

    Keras on JAX takes the weights out of the model while it runs. It does not
    put them back if the first step is interrupted or fails; if a later step
    does, only `fit` puts them back. This context does so in all cases.

    It also marks all layers as built meanwhile. Otherwise, as long as one
    layer is not built, every `predict` calls the model once without
    compilation, which takes up to half a minute. Such a layer is a
    preprocessor that was never called, or one of Keras Hub that is called by
    another method than `__call__` (SmolLM3, Bloom).

    Args:
        model: a `keras.Model` whose weights are all there, and those of its
            optimizer for `fit`.
    """
    check_process()
    with one_at_a_time(model):
        if keras.config.backend() == "jax":
            with _keeping_jax_state(model):
                yield
        else:
            yield


@contextlib.contextmanager
def _keeping_jax_state(model: keras.Model) -> Iterator[None]:
    layers: list[Any] = [layer for layer in all_layers(model) if not layer.built]
    before: dict[int, Any] = {id(variable): variable.value for variable in _state(model)}
    for layer in layers:
        layer.built = True
    try:
        yield
    except BaseException:
        # If a step was finished; before that, the weights are still in the variables.
        give_back_jax_state(model)
        for variable in _state(model):
            value = before.get(id(variable))
            if has_value(variable) or (value is not None and value.is_deleted()):
                continue
            # Metrics that were made meanwhile start at 0.
            variable.assign(np.zeros(variable.shape) if value is None else value)
        raise
    finally:
        for layer in layers:
            layer.built = False


def _state(model: keras.Model) -> list[Any]:
    optimizer = getattr(model, "optimizer", None)
    built = optimizer.variables if optimizer is not None and optimizer.built else []
    return [*model.variables, *model.metrics_variables, *built]


def reseed_dropout(model: keras.Model, seed: int) -> None:
    """Set the seed of the dropout of a model.

    Args:
        model: a `keras.Model`.
        seed: int.
    """
    if keras.config.backend() == "torch":
        import torch

        # Keras's dropout on PyTorch draws from the global generator.
        torch.manual_seed(seed)
    generators = [
        layer.seed_generator
        for layer in all_layers(model)
        if getattr(layer, "seed_generator", None) is not None
    ]
    for i, generator in enumerate(generators):
        generator.state.assign(np.asarray([seed, i], dtype="uint32"))
