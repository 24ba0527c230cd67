"""`predict_source`: one `keras.Model.predict` over a batch source."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_textcls.batch_source import BatchSource, quiet
from keras_textcls.execution import keeping_state


def predict_source(model: keras.Model, source: BatchSource, **kwargs: Any) -> np.ndarray:
    """Run a model over a source.

    Args:
        model: a `keras.Model`.
        source: `BatchSource`.
        **kwargs: arguments of `keras.Model.predict`.

    Returns:
        A float32 array, in the order of the texts.
    """
    with quiet(source), keeping_state(model):
        _trace_for_any_shape(model, source)
        outputs = keras.Model.predict(model, source.for_keras(), **kwargs)
    return source.restore_order(np.asarray(outputs).astype("float32"))


def _trace_for_any_shape(model: keras.Model, source: BatchSource) -> None:
    """Trace on TensorFlow once, not for the shape of the first batch and then for any."""
    if keras.config.backend() != "tensorflow" or model.predict_function is not None:
        return
    if model.run_eagerly or model.jit_compile or model.steps_per_execution > 1:
        return
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return
    model.make_predict_function()
    function: Any = model.predict_function
    try:
        function.get_concrete_function([source.signature()])
    except (TypeError, ValueError):
        model.predict_function = None  # A layer that must know the shape: traced for each.
