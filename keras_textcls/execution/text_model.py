"""`TextModel`: `fit` and `evaluate` of a Keras model that reads texts, on every kind of input.

The steps are always the same: a reader turns what the caller passes into windows
of encoded texts, a planner divides these into batches, and Keras runs over them.
"""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np

from keras_textcls.batching.batch_source import BatchSource, quiet
from keras_textcls.batching.planner import Planner
from keras_textcls.batching.text_reader import TextReader
from keras_textcls.batching.windows import Windows
from keras_textcls.errors import ArgumentError
from keras_textcls.execution.backend_policy import bucket_policy, keeping_state, token_budget
from keras_textcls.execution.fit import CompiledAsSaved, fit_source
from keras_textcls.execution.model_locks import one_at_a_time
from keras_textcls.inputs.numbers import check_count, check_seed, check_share
from keras_textcls.inputs.stratification import stratified_holdout
from keras_textcls.inputs.text_batches import refuse_beside_stream
from keras_textcls.keras_compat.trainers import is_within_fit


class TextModel(CompiledAsSaved):
    """Trains and evaluates a Keras model on texts.

    A subclass has the attributes `backbone`, `_runtime.histories` and `lora`, and
    defines `_reader`.
    """

    # Texts a step, where the caller does not say.
    _default_batch_size = 32
    # Whether names in the data take the place of placeholders.
    _adopts_names = False
    # Whether what is held out has the label mix of the whole.
    _stratifies = True
    # Most tokens that a batch may be wide, or `None`.
    _longest: int | None = None

    def __reduce__(self) -> Any:
        # Copies and pickles: what is copied while a thread trains has the weights of no step.
        with one_at_a_time(self):
            return super().__reduce__()

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """Save as `keras.Model.save` does, when no other thread uses the weights."""
        with one_at_a_time(self):
            return super().save(*args, **kwargs)  # type: ignore[misc]

    def save_weights(self, *args: Any, **kwargs: Any) -> Any:
        """Save as `keras.Model.save_weights` does, when no other thread uses the weights."""
        with one_at_a_time(self):
            return super().save_weights(*args, **kwargs)  # type: ignore[misc]

    def get_weights(self) -> list[np.ndarray]:
        """Return what `keras.Model.get_weights` does, when no other thread uses the weights."""
        with one_at_a_time(self):
            kept: list[np.ndarray] = super().get_weights()  # type: ignore[misc]
            return kept

    def _reader(self, use: str) -> TextReader:
        """Return what reads texts for `"fit"`, `"evaluate"` or `"predict"`."""
        raise NotImplementedError

    def _planner(self) -> Planner:
        model: Any = self
        return Planner(
            bucket_policy(model),
            token_budget(model.backbone),
            self._longest,
            model._runtime.histories,
        )

    def _begin_training(self, reader: TextReader) -> None:
        """Update the model after the texts were read and before it is trained."""

    def _with_answers(self, windows: Windows) -> Windows:
        """Return windows with targets as the loss takes them."""
        return windows

    def _fit(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int | None,
        epochs: int,
        validation_data: Any,
        validation_split: float,
        shuffle: bool,
        sample_weight: Any,
        seed: int | None,
        class_weight: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train; the arguments are those of `TextClassifier.fit`."""
        model: Any = self
        if model.lora is not None:
            model.lora.check_can_train()
        _warn_of_float16(model)
        seed = check_seed(seed)
        seed = int(np.random.randint(2**31)) if seed is None else seed
        epochs = check_count(epochs, "epochs", least=0)
        validation_split = check_share(validation_split, "validation_split")
        reader, planner = self._reader("fit"), self._planner()
        windows = reader.read(x, y, sample_weight, adopts_names=self._adopts_names)
        validation = None
        if windows.whole is None:
            refuse_beside_stream(validation_split=validation_split)
            _refuse_balanced(class_weight)
        elif validation_split and validation_data is None:
            windows, validation = self._hold_out(windows, validation_split, seed)
        if validation_data is not None:
            validation = reader.read_validation(validation_data)
        labels = reader.labels
        if class_weight is not None and labels is not None:
            windows = windows.map(lambda window: window.weighed(class_weight, labels))
        if batch_size is None:
            own = windows.batch_size
            batch_size = self._default_batch_size if own is None else own()
        windows = self._with_answers(windows)
        source = planner.training(windows, batch_size, epochs, shuffle, seed)
        held_out = planner.inference(self._with_answers(validation)) if validation else None
        self._begin_training(reader)
        return fit_source(model, source, held_out, epochs=epochs, seed=seed, **kwargs)

    def _hold_out(self, windows: Windows, share: float, seed: int) -> tuple[Windows, Windows]:
        """Split texts in memory into those to train on and those to validate on."""
        whole = windows.whole
        assert whole is not None
        mix = np.asarray(whole.y) if self._stratifies else np.zeros(len(whole.texts))
        kept, held_out = stratified_holdout(mix, share, np.random.default_rng([seed, 0]))
        return Windows.of(whole.take(kept)), Windows.of(whole.take(held_out))

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Compute the loss and the metrics, as `keras.Model.evaluate` does.

        For a `TextClassifier` they are computed from what `predict` returns,
        also where texts are in chunks (see `long_texts`): then the backbone
        runs first, and the head with the loss and the metrics second, each with
        its own progress bar. For a language model they are computed from the
        likelihood of the right answers; `keras_textcls.evaluate` measures how
        well it chooses between the labels.

        Args:
            x: texts, a data set or a stream, as in `fit`.
            y: labels, or responses, as in `fit`.
            batch_size: int, texts a batch. Defaults to `None`, as many as suit
                the model.
            verbose: as in `keras.Model.evaluate`. Defaults to `"auto"`.
            sample_weight: numbers, one a text. Defaults to `None`.
            **kwargs: further arguments of `keras.Model.evaluate`, such as
                `return_dict`.

        Returns:
            A list of the loss and the metrics, or a dict if `return_dict=True`.
        """
        if is_within_fit(kwargs):
            return keras.Model.evaluate(self, x=x, verbose=verbose, **kwargs)
        windows = self._with_answers(self._reader("evaluate").read(x, y, sample_weight))
        source = self._planner().inference(windows, batch_size)
        return self._evaluate_source(source, verbose, **kwargs)

    def _evaluate_source(self, source: BatchSource, verbose: str | int, **kwargs: Any) -> Any:
        with keeping_state(self), quiet(source):
            return keras.Model.evaluate(self, x=source.for_keras(), verbose=verbose, **kwargs)


def _warn_of_float16(model: Any) -> None:
    """Warn if the weights are float16, whose smallest steps round to nothing in training."""
    weights = model.trainable_weights
    if any(keras.backend.standardize_dtype(weight.dtype) == "float16" for weight in weights):
        warnings.warn(
            "The weights that are trained are float16: small changes round to nothing, and large "
            'numbers to infinity. Load the model with dtype="float32", or for half the memory '
            'with "bfloat16" or "mixed_float16".',
            stacklevel=4,
        )


def _refuse_balanced(class_weight: Any) -> None:
    if isinstance(class_weight, str):
        raise ArgumentError(
            f"`class_weight={class_weight!r}` needs labels in memory, to count them; `x` is a "
            "stream. Pass a dict from label to weight."
        )
