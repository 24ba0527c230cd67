"""`fit_source`: one `keras.Model.fit` over a batch source, which may resume within an epoch.

`CompiledAsSaved` is for what Keras loads from a file of its own.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_textcls.batching.batch_source import BatchSource, EpochSetter, quiet
from keras_textcls.errors import ArgumentError
from keras_textcls.execution.backend_policy import keeping_state, reseed_dropout
from keras_textcls.execution.model_locks import one_at_a_time
from keras_textcls.inputs.numbers import check_count
from keras_textcls.keras_compat.trainers import build_metrics
from keras_textcls.optimization.fused_adam import fused_adam

_HAS_STATE = "has_state"


def fit_source(
    model: keras.Model,
    source: BatchSource,
    validation: BatchSource | None,
    *,
    epochs: int,
    seed: int,
    callbacks: Any,
    verbose: str | int,
    initial_batch: int = 0,
    **kwargs: Any,
) -> keras.callbacks.History:
    """Train a model; see `TextClassifier.fit`.

    Args:
        model: a compiled `keras.Model`.
        source: `BatchSource` to train on.
        validation: `BatchSource`, or `None`.
        epochs: int.
        seed: int, from which dropout follows.
        callbacks: list of `keras.callbacks.Callback`, or `None`.
        verbose: as in `keras.Model.fit`.
        initial_batch: int, batches of the epoch that are left out. Defaults to
            `0`.
        **kwargs: further arguments of `keras.Model.fit`.

    Returns:
        A `keras.callbacks.History`.

    Raises:
        ArgumentError: `initial_batch` is given for several epochs, or leaves no batch.
    """
    if initial_batch and epochs != kwargs.get("initial_epoch", 0) + 1:
        raise ArgumentError(
            f"`initial_batch={initial_batch}` is for one epoch, epochs=initial_epoch + 1. "
            f"Received: epochs={epochs}."
        )
    initial_batch = check_count(initial_batch, "initial_batch", least=0)
    with one_at_a_time(model):
        if initial_batch:
            source.done = initial_batch
            first = next(iter(source.elements()), None)
            if first is None:
                raise ArgumentError(
                    f"`initial_batch={initial_batch}` leaves no batch of the epoch to train on."
                )
            # TensorFlow would make the metrics at the first step, too late to be given a value.
            build_metrics(model, first)
        reseed_dropout(model, seed)
        optimizer = model.optimizer if model.compiled else None
        if optimizer is not None and not optimizer.built:
            # TensorFlow would make its variables while it traces, which takes it twice as long.
            optimizer.build(model.trainable_variables)
        with quiet(source, validation), fused_adam(optimizer), keeping_state(model):
            return keras.Model.fit(
                model,
                x=source.for_keras(endless=kwargs.get("steps_per_epoch") is not None),
                validation_data=validation.for_keras() if validation else None,
                callbacks=[EpochSetter(source), *(callbacks or [])],
                epochs=epochs,
                verbose=verbose,
                shuffle=False,
                **kwargs,
            )


class CompiledAsSaved:
    """Mixin by which Keras compiles a model again that it loads from a `.keras` file."""

    def get_compile_config(self) -> dict[str, Any]:
        """Return what `compile` was given, ready for JSON."""
        config = super().get_compile_config()  # type: ignore[misc]
        optimizer = getattr(self, "optimizer", None)
        # Within the optimizer's own entry, where `clone_model`, which compiles a model of Keras's
        # own class with this, passes over it.
        if config and optimizer is not None and optimizer.built:
            config["optimizer"] = {**config["optimizer"], _HAS_STATE: True}
        return config or {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as it was when Keras saved it.

        Args:
            config: dict, what `get_compile_config` returned.
        """
        self.compile(**keras.saving.deserialize_keras_object(config))  # type: ignore[attr-defined]
        if _HAS_STATE in (config.get("optimizer") or {}):
            # Its numbers are loaded next.
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]
