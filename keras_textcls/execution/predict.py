"""`predict_source`: one `keras.Model.predict` over a batch source."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_textcls.batching.batch_source import BatchSource, quiet
from keras_textcls.execution.backend_policy import keeping_state
from keras_textcls.keras_compat.trainers import can_trace_late, traced_predict_step

# Tracing takes a second or more; about this many steps lose as much without a graph.
_UNTRACED_STEPS = 4
# A `tf.data` pipeline takes as long to start as it saves in about this many steps.
_FEW_STEPS = 8


def predict_source(model: keras.Model, source: BatchSource, **kwargs: Any) -> np.ndarray:
    """Run a model over a source.

    Args:
        model: a `keras.Model`.
        source: `BatchSource`.
        **kwargs: arguments of `keras.Model.predict`.

    Returns:
        A float32 array, in the order of the texts.
    """
    with keeping_state(model), quiet(source):
        batches = source.for_keras(pipelined=not _needs_no_pipeline(model, source))
        outputs = keras.Model.predict(model, batches, **kwargs)
    return source.restore_order(np.asarray(outputs).astype("float32"))


def _needs_no_pipeline(model: keras.Model, source: BatchSource) -> bool:
    """Prepare what TensorFlow calls for a step; return whether it may take batches as they are."""
    if not _traces(model):
        return False
    if model.predict_function is None:
        model.predict_function = _LateGraph(model)
    if not isinstance(model.predict_function, _LateGraph):
        return False  # Keras's own, traced for the shapes of a pipeline.
    model.predict_function.prepare(source)
    return source.num_batches is not None and source.num_batches <= _FEW_STEPS


def _traces(model: keras.Model) -> bool:
    """Return whether Keras would trace each step of a `predict`, on one device, as it is."""
    if keras.config.backend() != "tensorflow" or model.run_eagerly or model.jit_compile:
        return False
    if not can_trace_late(model):
        return False
    return model.steps_per_execution == 1 and model.distribute_strategy.num_replicas_in_sync == 1


class _LateGraph:
    """The `predict_function` of a model on TensorFlow, traced only for enough steps.

    The first steps run eagerly. After them the step is traced once for batches
    of any shape; Keras would trace it for the shape of the first batch, and
    then again for any shape.

    Args:
        model: a `keras.Model`.

    Call arguments:
        data: list of one batch.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._steps_left = _UNTRACED_STEPS
        self.graph: Any = None

    def prepare(self, source: BatchSource) -> None:
        """Trace the step if a source has more steps than may still run eagerly.

        Args:
            source: `BatchSource`.
        """
        steps = source.num_batches
        if self.graph is not None or (steps is not None and steps <= self._steps_left):
            return
        graph = self._trace()
        try:
            graph.get_concrete_function([source.signature()])
        except (TypeError, ValueError):
            self._trace()  # A layer that must know the shape: traced for each.

    def __call__(self, data: Any) -> Any:
        """Return the outputs of a batch."""
        if self.graph is None and self._steps_left <= 0:
            self._trace()  # `predict_on_batch`, which does not prepare.
        if self.graph is not None:
            return self.graph(data)
        self._steps_left -= 1
        return self._model.predict_step(data[0])

    def _trace(self) -> Any:
        self.graph, self._model.predict_function = traced_predict_step(self._model), self
        return self.graph
