"""Private names of Keras's trainers: data adapters, state on JAX, compiled steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras.src.trainers.data_adapters import data_adapter_utils
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from keras_textcls.keras_compat.fallback import has_names
from keras_textcls.keras_compat.layers import all_layers

# Told by `fit` to the `evaluate` that it calls.
_WITHIN_FIT = "_use_cached_eval_dataset"
# What a step of `predict` on TensorFlow needs to be traced later than Keras does.
LATE_GRAPH_NAMES = (
    "distribute_strategy", "make_predict_function", "predict_function", "predict_step",
    "steps_per_execution",
)  # fmt: skip


class BatchAdapter(DataAdapter):
    """Base class of a data adapter of Keras that makes its batches itself.

    Keras takes it as `x` of `fit`, `evaluate` and `predict`. A subclass defines
    `__iter__`, which yields `(x,)`, `(x, y)` or `(x, y, sample_weight)` of numpy
    arrays, the property `num_batches`, and `get_tf_dataset`.
    """

    # Sizes may differ from batch to batch.
    batch_size = has_partial_batch = partial_batch_size = None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        raise NotImplementedError

    def get_numpy_iterator(self) -> Iterator[tuple[Any, ...]]:
        """Return the batches, as the trainers of no backend of ours ask for them."""
        return iter(self)

    def get_jax_iterator(self) -> Iterator[tuple[Any, ...]]:
        """Return the batches for JAX."""
        return iter(self)

    def get_torch_dataloader(self) -> Any:
        """Return the batches for PyTorch."""
        return data_adapter_utils.get_torch_dataloader(self)


def is_within_fit(arguments: Mapping[str, Any]) -> bool:
    """Return whether `evaluate` is called by `fit`, with validation data that are prepared already.

    Args:
        arguments: mapping, the keyword arguments of `evaluate`.

    Returns:
        A bool.
    """
    return bool(arguments.get(_WITHIN_FIT, False))


def build_metrics(model: keras.Model, batch: tuple[Any, ...]) -> None:
    """Make the variables of the metrics and the loss, which Keras makes at the first step.

    Args:
        model: a compiled `keras.Model`.
        batch: tuple, `(x, y)` or `(x, y, sample_weight)`.
    """
    model._symbolic_build(data_batch=batch)


def mark_layers_as_compiled(model: keras.Model) -> None:
    """Make Keras treat the layers of a compiled model as those that it saw in `compile`.

    It warns at the next `fit` if layers were added or became trainable since.

    Args:
        model: a compiled `keras.Model`.
    """
    state = {layer: layer.trainable for layer in all_layers(model)}
    # Past Keras's tracking of attributes, which would wrap the dict.
    vars(model)["_compiled_trainable_state"] = state


def forget_compiled_steps(model: keras.Model) -> None:
    """Drop what was traced and compiled for a model, after its layers changed.

    Args:
        model: a `keras.Model`.
    """
    model.train_function = model.test_function = model.predict_function = None
    if hasattr(model, "generate_function"):
        model.generate_function = None


def give_back_jax_state(model: keras.Model) -> None:
    """Put what Keras on JAX holds after an interrupted step back into the variables.

    Args:
        model: a `keras.Model`. Where no step was finished, nothing happens.
    """
    if getattr(model, "_jax_state", None):
        model.jax_state_sync()
        model._jax_state = None


def can_trace_late(model: keras.Model) -> bool:
    """Return whether `predict` on TensorFlow may run untraced at first; warn once if it may not.

    Args:
        model: a `keras.Model`.

    Returns:
        A bool.
    """
    return has_names(model, LATE_GRAPH_NAMES, "`predict` of a few texts")


def traced_predict_step(model: keras.Model) -> Any:
    """Return the step of `predict` as Keras on TensorFlow traces it.

    Args:
        model: a `keras.Model`. Its `predict_function` is replaced.

    Returns:
        A `tf.function` of a list of batches.
    """
    model.make_predict_function(force=True)
    return model.predict_function
